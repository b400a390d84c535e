// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func TestEncryptionContextsAreBounded(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	ofSize := func(bytes int) object { return object{"name": strings.Repeat("x", bytes-len("name"))} }
	many := object{}
	for i := range 2000 {
		many[fmt.Sprintf("%05d", i)] = ""
	}
	ciphertext := w.must(root(), "Encrypt", object{
		"KeyId": keyID, "Plaintext": []byte("x"), "EncryptionContext": ofSize(8 << 10),
	})["CiphertextBlob"]
	grant := func(constraint string, context object) object {
		return object{
			"KeyId": keyID, "GranteePrincipal": user("ann").ARN(), "Operations": []string{"Decrypt"},
			"Constraints": object{constraint: context},
		}
	}
	for _, context := range []object{ofSize(8<<10 + 1), many} {
		for _, tt := range []struct {
			name, member string
			in           object
		}{
			{"Encrypt", "encryptionContext", object{"KeyId": keyID, "Plaintext": []byte("x"), "EncryptionContext": context}},
			{"Decrypt", "encryptionContext", object{"CiphertextBlob": ciphertext, "EncryptionContext": context}},
			{"GenerateDataKey", "encryptionContext", object{"KeyId": keyID, "KeySpec": "AES_256", "EncryptionContext": context}},
			{"ReEncrypt", "sourceEncryptionContext", object{
				"CiphertextBlob": ciphertext, "DestinationKeyId": keyID, "SourceEncryptionContext": context,
			}},
			{"ReEncrypt", "destinationEncryptionContext", object{
				"CiphertextBlob": ciphertext, "DestinationKeyId": keyID, "DestinationEncryptionContext": context,
			}},
			{"CreateGrant", "constraints.encryptionContextEquals", grant("EncryptionContextEquals", context)},
			{"CreateGrant", "constraints.encryptionContextSubset", grant("EncryptionContextSubset", context)},
		} {
			got := w.refused(root(), tt.name, tt.in, kms.ValidationException)
			want := "1 validation error detected: Value at '" + tt.member + "' failed to satisfy constraint: " +
				"Member must have names and values of 8192 bytes together at most"
			if got != want {
				t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, want)
			}
		}
	}
}

// A refused caller reads the record of his request in his own account's trail.
func TestTheRecordOfARefusalDoesNotTellWhetherAForeignKeyIsThere(t *testing.T) {
	w := newWorld(t)
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	keyID := w.newKey(kms.CreateKeyInput{})
	if err := w.partition.Service(account, home).CreateAlias(t.Context(), "alias/there", keyID); err != nil {
		t.Fatal(err)
	}
	own := w.newKeyIn(stranger, home, kms.CreateKeyInput{})
	for _, ref := range []string{arnOf(keyID), aliasARN("alias/there")} {
		for name, in := range map[string]object{
			"Encrypt":     {"KeyId": ref, "Plaintext": []byte("x")},
			"DescribeKey": {"KeyId": ref},
			"ReEncrypt":   {"SourceKeyId": ref, "CiphertextBlob": make([]byte, 64), "DestinationKeyId": ref},
		} {
			w.refused(zoe, name, in, kms.AccessDeniedException)
			if got := w.events.last().Resources; len(got) > 0 {
				t.Errorf("%s of %s: the resources are %v", name, ref, got)
			}
		}
	}
	w.refused(zoe, "RetireGrant", object{"KeyId": arnOf(keyID), "GrantId": strings.Repeat("0", 64)}, kms.AccessDeniedException)
	if got := w.events.last().Resources; len(got) > 0 {
		t.Errorf("RetireGrant: the resources are %v", got)
	}
	w.refused(zoe, "DescribeKey", object{"KeyId": own}, kms.AccessDeniedException)
	if got := w.events.last().Resources; len(got) != 1 {
		t.Errorf("of a key of his own account: the resources are %v", got)
	}
	allowed := w.newKey(kms.CreateKeyInput{Policy: allow(zoe.ARN(), "kms:DescribeKey")})
	w.must(zoe, "DescribeKey", object{"KeyId": arnOf(allowed)})
	if got := w.events.last().Resources; len(got) != 1 || got[0].ARN != arnOf(allowed) {
		t.Errorf("of a key that he may use: the resources are %v", got)
	}
}

func TestWhereADamagedRecordIsIsToldToTheOperatorAlone(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	w.damage(keyID)
	const told = "The key is not available at the moment."
	if got := w.refused(user("ann"), "DescribeKey", object{"KeyId": keyID}, kms.KeyUnavailableException); got != told {
		t.Errorf("the client is told %q", got)
	}
	event := w.events.last()
	if event.ErrorMessage != told || !strings.Contains(event.Reason, "the record of key "+keyID) {
		t.Errorf("the record has %q and, for the operator, %q", event.ErrorMessage, event.Reason)
	}
}

func TestAServiceAccountHasTheAliasesOfItsNamespaceAlone(t *testing.T) {
	w := newWorld(t)
	shop := serviceAccount()
	document := allow(shop.Principal.ARN, "kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias")
	key, another := w.newKey(kms.CreateKeyInput{Policy: document}), w.newKey(kms.CreateKeyInput{Policy: document})
	for _, name := range []string{"alias/payments", "alias/shop", "alias/shopping/x", "alias/SHOP/x", "alias/payments/shop/x"} {
		create := object{"AliasName": name, "TargetKeyId": key}
		w.must(root(), "CreateAlias", create)
		for operation, in := range map[string]object{
			"UpdateAlias": {"AliasName": name, "TargetKeyId": another}, "DeleteAlias": {"AliasName": name},
		} {
			w.refused(shop, operation, in, kms.AccessDeniedException)
		}
		w.must(root(), "DeleteAlias", object{"AliasName": name})
		got := w.refused(shop, "CreateAlias", create, kms.AccessDeniedException)
		want := "User: " + shop.ARN() + " is not authorized to perform: kms:CreateAlias on resource: " + aliasARN(name) +
			" because no identity-based policy allows the kms:CreateAlias action"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	w.must(shop, "CreateAlias", object{"AliasName": "alias/shop/orders", "TargetKeyId": key})
	w.must(shop, "UpdateAlias", object{"AliasName": "alias/shop/orders", "TargetKeyId": another})
	w.must(shop, "DeleteAlias", object{"AliasName": "alias/shop/orders"})
	forbidden := w.newKey(kms.CreateKeyInput{})
	w.refused(shop, "CreateAlias", object{"AliasName": "alias/shop/x", "TargetKeyId": forbidden}, kms.AccessDeniedException)
}

func TestAReplicasPolicyIsWrittenByWhoMayWriteThePrimarys(t *testing.T) {
	w := newWorld(t)
	shop := serviceAccount()
	replicates := w.newKey(kms.CreateKeyInput{MultiRegion: true, Policy: allow(shop.Principal.ARN, "kms:ReplicateKey")})
	document := allow(shop.Principal.ARN, "kms:*")
	in := object{
		"KeyId": replicates, "ReplicaRegion": abroad, "Policy": document, "BypassPolicyLockoutSafetyCheck": true,
	}
	if got := w.refused(shop, "ReplicateKey", in, kms.AccessDeniedException); !strings.Contains(got, "kms:PutKeyPolicy") {
		t.Errorf("got %s", got)
	}
	delete(in, "Policy")
	out := w.must(shop, "ReplicateKey", in)
	if got, _ := out["ReplicaPolicy"].(string); strings.Contains(got, shop.Principal.ARN) {
		t.Errorf("the replica's policy is %s", got)
	}
	both := w.newKey(kms.CreateKeyInput{
		MultiRegion: true, Policy: allow(shop.Principal.ARN, "kms:ReplicateKey", "kms:PutKeyPolicy"),
	})
	w.must(shop, "ReplicateKey", object{
		"KeyId": both, "ReplicaRegion": abroad, "Policy": document, "BypassPolicyLockoutSafetyCheck": true,
	})
}

func TestTheTextOfAnErrorIsCutBetweenCharacters(t *testing.T) {
	w := newWorld(t)
	for shift := range 4 { // a character of four bytes is over the bound at one of them
		name := "alias/" + strings.Repeat("x", shift) + strings.Repeat("😀", 300)
		w.refused(root(), "DescribeKey", object{"KeyId": "arn:aws:kms:" + name + ":" + account + ":key/x"}, kms.NotFoundException)
		got := w.events.last().ErrorMessage
		if !utf8.ValidString(got) || len(got) > 1024 || len(got) < 1024-3 {
			t.Errorf("%d bytes, valid %v", len(got), utf8.ValidString(got))
		}
	}
}

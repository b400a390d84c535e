// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestAGrantMayAllowWhatItsKeyCanDo(t *testing.T) {
	const always = "CreateGrant DescribeKey RetireGrant "
	for _, c := range []struct {
		spec  keyspec.Spec
		usage keyspec.Usage
		want  string
	}{
		{keyspec.SymmetricDefault, keyspec.EncryptDecrypt, "Decrypt Encrypt GenerateDataKey GenerateDataKeyPair " +
			"GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"},
		{keyspec.RSA2048, keyspec.EncryptDecrypt, "Decrypt Encrypt ReEncryptFrom ReEncryptTo GetPublicKey"},
		{keyspec.RSA4096, keyspec.SignVerify, "GetPublicKey Sign Verify"},
		{keyspec.ECCNISTP256, keyspec.SignVerify, "GetPublicKey Sign Verify"},
		{keyspec.MLDSA44, keyspec.SignVerify, "GetPublicKey Sign Verify"},
		{keyspec.ECCNISTP256, keyspec.KeyAgreement, "DeriveSharedSecret GetPublicKey"},
		{keyspec.MLKEM768, keyspec.EncapsulateDecapsulate, "Decapsulate Encapsulate GetPublicKey"},
		{keyspec.HMAC256, keyspec.GenerateVerifyMAC, "GenerateMac VerifyMac"},
	} {
		want := strings.Fields(always + c.want)
		slices.Sort(want)
		if diff := cmp.Diff(want, kms.GrantOperations(c.spec, c.usage)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.spec, c.usage, diff)
		}
	}
}

func TestAGrantThatAWSWouldNotCreateIsRefused(t *testing.T) {
	service, _ := newService(t)
	symmetric := lookUp(t, service, create(t, service, kms.CreateKeyInput{}).KeyID)
	mac := lookUp(t, service, create(t, service, kms.CreateKeyInput{Spec: keyspec.HMAC256, Usage: keyspec.GenerateVerifyMAC}).KeyID)
	pairs := func(n int, value string) map[string]string {
		context := map[string]string{}
		for i := range n {
			context[fmt.Sprint(i)] = value
		}
		return context
	}
	const invalid, arn = kms.ValidationException, kms.InvalidArnException
	for name, c := range map[string]struct {
		key    *kms.Key
		change func(*kms.Grant)
		code   kms.Code // empty if it is taken
		want   string
	}{
		"as it is":                    {symmetric, func(*kms.Grant) {}, "", ""},
		"for nobody":                  {symmetric, func(g *kms.Grant) { g.Grantee = "" }, invalid, "You must specify either GranteePrincipal"},
		"for two":                     {symmetric, func(g *kms.Grant) { g.GranteeService = "s3.amazonaws.com" }, invalid, "but not both"},
		"retired by two":              {symmetric, func(g *kms.Grant) { g.Retiring, g.RetiringService = userARN, "s3.amazonaws.com" }, invalid, "but not both"},
		"for no ARN":                  {symmetric, func(g *kms.Grant) { g.Grantee = "ana" }, arn, "ARN does not refer to a valid principal: ana"},
		"for a key":                   {symmetric, func(g *kms.Grant) { g.Grantee = symmetric.ARN() }, arn, "valid principal"},
		"for many":                    {symmetric, func(g *kms.Grant) { g.Grantee = "arn:aws:iam::123456789012:role/*" }, arn, "valid principal"},
		"for an account":              {symmetric, func(g *kms.Grant) { g.Grantee = rootARN }, "", ""},
		"for a session":               {symmetric, func(g *kms.Grant) { g.Grantee = sessionARN }, "", ""},
		"retired by no ARN":           {symmetric, func(g *kms.Grant) { g.Retiring = "123456789012" }, arn, "valid principal: 123456789012"},
		"for a service":               {symmetric, forService(func(*kms.Grant) {}), "", ""},
		"for a service, no source":    {symmetric, forService(func(g *kms.Grant) { g.SourceArn = "" }), invalid, "must have a SourceArn"},
		"for a service, not retired":  {symmetric, forService(func(g *kms.Grant) { g.Retiring = "" }), invalid, "must have a RetiringPrincipal"},
		"for no service":              {symmetric, forService(func(g *kms.Grant) { g.GranteeService = "S3" }), invalid, "'S3' is not a service principal"},
		"of nothing":                  {symmetric, func(g *kms.Grant) { g.Operations = nil }, invalid, "at least one"},
		"of CreateGrant alone":        {symmetric, func(g *kms.Grant) { g.Operations = []string{"CreateGrant"} }, invalid, "Grants must not contain only the CreateGrant operation."},
		"of RetireGrant alone":        {symmetric, func(g *kms.Grant) { g.Operations = []string{"RetireGrant"} }, "", ""},
		"of what the key cannot":      {symmetric, func(g *kms.Grant) { g.Operations = []string{"Decrypt", "Sign"} }, invalid, "Operation Sign is not supported"},
		"of what a MAC key cannot":    {mac, func(*kms.Grant) {}, invalid, "Operation Decrypt is not supported"},
		"equals":                      {symmetric, func(g *kms.Grant) { g.EncryptionContextEquals = pairs(8, strings.Repeat("é", 384)) }, "", ""},
		"equals, a pair too many":     {symmetric, func(g *kms.Grant) { g.EncryptionContextEquals = pairs(9, "") }, invalid, "up to 8 encryption context pairs"},
		"subset, a value too long":    {symmetric, func(g *kms.Grant) { g.EncryptionContextSubset = pairs(1, strings.Repeat("x", 385)) }, invalid, "up to 384 characters"},
		"equals and subset":           {symmetric, func(g *kms.Grant) { g.EncryptionContextEquals, g.EncryptionContextSubset = pairs(1, ""), pairs(1, "") }, invalid, "but not both"},
		"equals on a key without":     {mac, forMAC(func(g *kms.Grant) { g.EncryptionContextEquals = pairs(1, "") }), invalid, "not supported in a grant on"},
		"source on a key without":     {mac, forMAC(func(g *kms.Grant) { g.SourceArn = "arn:aws:s3:::b" }), "", ""},
		"without constraint, MAC key": {mac, forMAC(func(*kms.Grant) {}), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			grant := kms.Grant{Grantee: userARN, Operations: []string{"Decrypt", "DescribeKey"}}
			c.change(&grant)
			err := c.key.CheckGrant(&grant)
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !kms.HasCode(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s: ...%s", err, c.code, c.want)
			}
		})
	}
}

func forService(change func(*kms.Grant)) func(*kms.Grant) {
	return func(g *kms.Grant) {
		g.Grantee, g.GranteeService, g.SourceArn, g.Retiring = "", "s3.amazonaws.com", "arn:aws:s3:::b", userARN
		change(g)
	}
}

func forMAC(change func(*kms.Grant)) func(*kms.Grant) {
	return func(g *kms.Grant) {
		g.Operations = []string{"GenerateMac"}
		change(g)
	}
}

func TestANamedGrantIsCreatedOnceHoweverOftenItIsAskedFor(t *testing.T) {
	service, h := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	base := kms.Grant{
		Name: "n", Grantee: userARN, Operations: []string{"Decrypt", "Encrypt"},
		EncryptionContextSubset: map[string]string{"a": "b"},
	}
	first, token := grantOn(t, service, keyID, base)
	h.clock.Step(time.Hour)
	reordered := base
	reordered.Operations = []string{"Encrypt", "Decrypt"}
	again, second := grantOn(t, service, keyID, reordered)
	if again != first || second == token {
		t.Errorf("repeated: %s after %s, and the tokens differ: %t", again, first, second != token)
	}
	for what, change := range map[string]func(*kms.Grant){
		"name":       func(g *kms.Grant) { g.Name = "m" },
		"no name":    func(g *kms.Grant) { g.Name = "" },
		"grantee":    func(g *kms.Grant) { g.Grantee = roleARN },
		"retiring":   func(g *kms.Grant) { g.Retiring = roleARN },
		"operations": func(g *kms.Grant) { g.Operations = []string{"Decrypt"} },
		"constraint": func(g *kms.Grant) { g.EncryptionContextSubset = map[string]string{"a": "c"} },
		"its kind": func(g *kms.Grant) {
			g.EncryptionContextSubset, g.EncryptionContextEquals = nil, g.EncryptionContextSubset
		},
	} {
		other := base
		change(&other)
		if id, _ := grantOn(t, service, keyID, other); id == first {
			t.Errorf("with another %s it is the same grant", what)
		}
	}
	if got := len(lookUp(t, service, keyID).Record().Grants); got != 8 {
		t.Errorf("the key has %d grants, want 8", got)
	}
	_, _ = grantOn(t, service, keyID, kms.Grant{})
	_, _ = grantOn(t, service, keyID, kms.Grant{})
	if got := len(lookUp(t, service, keyID).Record().Grants); got != 10 {
		t.Errorf("two grants without a name made the key have %d", got)
	}
}

func TestManyWhoCreateOneNamedGrantAtOnceGetOne(t *testing.T) {
	service, _ := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	ids := make([]string, 16)
	var running sync.WaitGroup
	for i := range ids {
		running.Go(func() {
			id, _, err := lookUp(t, service, keyID).CreateGrant(t.Context(), kms.Grant{
				Name: "n", Grantee: userARN, Operations: []string{"Decrypt"},
			})
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	running.Wait()
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("the grants are %v", ids)
	}
}

func TestAGrantIDHas64HexadecimalDigits(t *testing.T) {
	service, _ := newService(t)
	grantID, _ := grantOn(t, service, create(t, service, kms.CreateKeyInput{}).KeyID, kms.Grant{})
	if err := kms.CheckGrantID(grantID); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", grantID[1:], grantID + "0", strings.Repeat("G", 64), strings.Repeat("A", 64), grantID + "\n"} {
		if err := kms.CheckGrantID(bad); !kms.HasCode(err, kms.InvalidGrantIDException) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAKeyTakesNoMoreGrantsThanItsRecordHasRoomFor(t *testing.T) {
	service, h := newService(t)
	_, ring, _ := h.open(t)
	small := keyring.Grant{Grantee: userARN, Operations: []string{"Decrypt"}, IssuingAccount: rootARN, CreationTime: begin}
	fill := func(n int, grant keyring.Grant) *kms.Key {
		keyID := create(t, service, kms.CreateKeyInput{}).KeyID
		if err := ring.Refresh(t.Context(), keyID); err != nil {
			t.Fatal(err)
		}
		_, err := ring.UpdateKey(t.Context(), keyID, func(r *keyring.KeyRecord) error {
			for i := range n {
				grant.ID = fmt.Sprintf("%064x", i)
				r.Grants = append(r.Grants, grant)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the grants are known", func() bool { return len(lookUp(t, service, keyID).Record().Grants) == n })
		return lookUp(t, service, keyID)
	}
	key := fill(kms.MaxGrantsPerKey-1, small)
	if _, _, err := key.CreateGrant(t.Context(), small); err != nil {
		t.Fatalf("grant 1000: %v", err)
	}
	if _, _, err := key.CreateGrant(t.Context(), small); !kms.HasCode(err, kms.LimitExceededException) {
		t.Errorf("grant 1001: %v", err)
	}
	large := small
	large.EncryptionContextEquals = map[string]string{"k": strings.Repeat("\x01", 384)} // six bytes each in JSON
	key = fill(270, large)
	for range 30 {
		if _, _, err := key.CreateGrant(t.Context(), large); kms.HasCode(err, kms.LimitExceededException) {
			return
		}
	}
	t.Error("300 grants of 2.7 KiB each were taken")
}

func TestADisabledKeyGetsNoGrantAndLosesOne(t *testing.T) {
	service, _ := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	grantID, _ := grantOn(t, service, keyID, kms.Grant{})
	update(t, service, keyID, kms.DisableKey())
	if _, _, err := lookUp(t, service, keyID).CreateGrant(t.Context(), kms.Grant{}); !kms.HasCode(err, kms.DisabledException) {
		t.Errorf("CreateGrant: %v", err)
	}
	if err := lookUp(t, service, keyID).DeleteGrant(t.Context(), grantID); err != nil {
		t.Errorf("DeleteGrant: %v", err)
	}
	if err := lookUp(t, service, keyID).DeleteGrant(t.Context(), grantID); !kms.HasCode(err, kms.NotFoundException) {
		t.Errorf("DeleteGrant once more: %v", err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// grantTo is a grant for a ServiceAccount of the Key's namespace, for requests of one tenant.
func grantTo(account, tenant string, operations ...v1alpha1.GrantOperation) v1alpha1.KeyGrant {
	return v1alpha1.KeyGrant{
		Name:    account,
		Grantee: &v1alpha1.GrantPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: account}}, Operations: operations,
		Constraints: &v1alpha1.GrantConstraints{
			EncryptionContextSubset: map[string]v1alpha1.EncryptionContextValue{"tenant": v1alpha1.EncryptionContextValue(tenant)},
		},
	}
}

// A ServiceAccount's real token and AWS's own SDK; no KeyPolicy anywhere.
func TestServiceAccountWithAGrantUsesTheKeyWithinItsConstraints(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	replica := w.serve()
	key := w.readyKey("orders", func(s *v1alpha1.KeySpec) {
		s.Grants = []v1alpha1.KeyGrant{grantTo("app", "a", "Encrypt", "Decrypt", "DescribeKey")}
	})
	w.awaitKey(key, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonPrincipalsUnresolved)
	role, token := w.serviceAccount("app")
	otherRole, otherToken := w.serviceAccount("other")
	w.awaitKey(key, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonSynced)
	app, other := replica.kms(replica.login(token, role)), replica.kms(replica.login(otherToken, otherRole))

	context := func(tenant string) map[string]string { return map[string]string{"tenant": tenant, "order": "17"} }
	encrypted, err := app.Encrypt(w.ctx, &awskms.EncryptInput{KeyId: &key.Status.KeyID, Plaintext: []byte("x"), EncryptionContext: context("a")})
	if err != nil {
		t.Fatal(err)
	}
	decrypt := func(client *awskms.Client) string {
		_, err := client.Decrypt(w.ctx, &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: context("a")})
		return code(err)
	}
	encrypt := func(client *awskms.Client, context map[string]string) string {
		_, err := client.Encrypt(w.ctx, &awskms.EncryptInput{KeyId: &key.Status.KeyID, Plaintext: []byte("x"), EncryptionContext: context})
		return code(err)
	}
	const denied = "AccessDeniedException"
	_, describing := app.DescribeKey(w.ctx, &awskms.DescribeKeyInput{KeyId: &key.Status.KeyID})
	_, generating := app.GenerateDataKey(w.ctx, &awskms.GenerateDataKeyInput{
		KeyId: &key.Status.KeyID, NumberOfBytes: aws.Int32(32), EncryptionContext: context("a"),
	})
	for what, c := range map[string]struct{ got, want string }{
		"decrypting within the constraints":              {decrypt(app), ""},
		"describing the key":                             {code(describing), ""},
		"encrypting for another tenant":                  {encrypt(app, context("b")), denied},
		"encrypting without a context":                   {encrypt(app, nil), denied},
		"an operation that is not granted":               {code(generating), denied},
		"another ServiceAccount, within the constraints": {decrypt(other), denied},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", what, c.got, c.want)
		}
	}

	w.update(key, func(s *v1alpha1.KeySpec) { s.Grants = []v1alpha1.KeyGrant{grantTo("app", "b", "Encrypt")} })
	w.await(func() (bool, string) {
		return encrypt(app, context("b")) == "" && decrypt(app) == denied, "the changed grant in force, and the old one not"
	})
	w.update(key, func(s *v1alpha1.KeySpec) { s.Grants = nil })
	w.await(func() (bool, string) { return encrypt(app, context("b")) == denied, "the grant revoked" })
}

func TestKilledBeforeItWroteAGrantDownTheOperatorMakesNoSecondOne(t *testing.T) {
	server := quietServer(t)
	for _, failpoint := range []string{"grant-created", "grants-changed", "before-status"} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			first := w.run("")
			key := w.readyKey("orders", nil)
			first.kill()
			doomed := w.run(failpoint)
			grant := grantTo("app", "a", "Decrypt")
			grant.Grantee = &v1alpha1.GrantPrincipal{AWS: w.arn("role/team/app")}
			w.update(key, func(s *v1alpha1.KeySpec) { s.Grants = []v1alpha1.KeyGrant{grant} })
			doomed.awaitDeath()
			before := w.open(key.Status.KeyID).Grants
			if status := w.getKey(key).Status; len(before) != 1 || len(status.Grants) > 0 {
				t.Fatalf("when the operator died there were grants %+v, and in status %+v", before, status.Grants)
			}
			next := w.run("")
			ready := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			after := w.open(key.Status.KeyID).Grants
			if len(after) != 1 || after[0].ID != before[0].ID || len(ready.Status.Grants) != 1 || ready.Status.Grants[0].GrantID != after[0].ID {
				t.Errorf("grants are %+v, were %+v; status has %+v", after, before, ready.Status.Grants)
			}
			next.kill()
		})
	}
}

// A process that died between the new grant and the end of the old one.
func TestKilledWhileItReplacedAGrantTheOperatorRevokesTheOldOne(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	grant := grantTo("app", "a", "Decrypt")
	first := w.run("")
	grant.Grantee = &v1alpha1.GrantPrincipal{AWS: w.arn("role/team/app")}
	key := w.readyKey("orders", func(s *v1alpha1.KeySpec) { s.Grants = []v1alpha1.KeyGrant{grant} })
	first.kill()
	doomed := w.run("grant-created")
	w.update(key, func(s *v1alpha1.KeySpec) { s.Grants[0].Operations = []v1alpha1.GrantOperation{"Encrypt"} })
	doomed.awaitDeath()
	if grants := w.open(key.Status.KeyID).Grants; len(grants) != 2 {
		t.Fatalf("when the operator died there were grants %+v", grants)
	}
	next := w.run("")
	ready := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	grants := w.open(key.Status.KeyID).Grants
	if len(grants) != 1 || grants[0].Operations[0] != "Encrypt" || ready.Status.Grants[0].GrantID != grants[0].ID {
		t.Errorf("grants are %+v, status has %+v", grants, ready.Status.Grants)
	}
	next.kill()
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// election has the replicas agree on a leader, faster than by default.
var election = []string{
	"--leader-elect", "--leader-elect-lease-duration", "3s", "--leader-elect-renew-deadline", "2s", "--leader-elect-retry-period", "500ms",
}

// serviceAccount makes one in the world's namespace, and returns the ARN of its role and a token of it.
func (w *world) serviceAccount(name string) (role, token string) {
	w.t.Helper()
	p := &pod{w: w, folder: w.t.TempDir(), object: &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: corev1.PodSpec{
			ServiceAccountName: name, Containers: []corev1.Container{{Name: "app", Image: "app"}},
		},
	}}
	w.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}})
	w.create(p.object)
	p.mount(corev1.ServiceAccountTokenProjection{Audience: "sts.amazonaws.com", Path: "token"})
	return w.arn("role/" + w.namespace + "/" + name), p.token()
}

// login exchanges the token for a session of the role.
func (r *replica) login(token, role string) aws.CredentialsProvider {
	r.w.t.Helper()
	session, err := r.session(token, role)
	if err != nil {
		r.w.t.Fatal(err)
	}
	c := session.Credentials
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func TestReplicasSeeEachOthersChangesAndSessions(t *testing.T) {
	w := emptyWorld(t, env, nil)
	first, second := w.serve(election...), w.serve(election...)
	role, token := w.serviceAccount("orders")
	person := w.person(w.arn("root"))
	w.awaitCode("the second replica knows root", w.arn("root"), func() string { return w.whoIs(second.sts(person.provider())) })
	w.awaitCode("the first replica knows root", w.arn("root"), func() string { return w.whoIs(first.sts(person.provider())) })
	root, rootThere := first.kms(person.provider()), second.kms(person.provider())

	session := first.login(token, role)
	if got, want := w.whoIs(second.sts(session)), w.whoIs(first.sts(session)); got != want {
		t.Errorf("to the second replica the session is %s, to the first one %s", got, want)
	}
	there := second.kms(session)

	created, err := root.CreateKey(w.ctx, &awskms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	keyID := *created.KeyMetadata.KeyId
	w.awaitCode("a key", "", func() string { return w.roundTrip(rootThere, keyID) })
	alias := "alias/orders"
	if _, err := root.CreateAlias(w.ctx, &awskms.CreateAliasInput{AliasName: &alias, TargetKeyId: &keyID}); err != nil {
		t.Fatal(err)
	}
	w.awaitCode("an alias", "", func() string { return w.roundTrip(rootThere, alias) })
	if got := w.roundTrip(there, keyID); got != "AccessDeniedException" {
		t.Errorf("without a policy: %s", got)
	}
	w.allow(root, keyID, role, "kms:Encrypt", "kms:Decrypt")
	w.awaitCode("a key policy", "", func() string { return w.roundTrip(there, keyID) })
	w.allow(rootThere, keyID, role, "kms:Encrypt")
	w.awaitCode("a key policy, the other way", "AccessDeniedException", func() string { return w.roundTrip(first.kms(session), keyID) })
	if _, err := rootThere.CreateGrant(w.ctx, decryptGrant(keyID, role, "")); err != nil {
		t.Fatal(err)
	}
	w.awaitCode("a grant", "", func() string { return w.roundTrip(first.kms(session), keyID) })
	if _, err := root.DisableKey(w.ctx, &awskms.DisableKeyInput{KeyId: &keyID}); err != nil {
		t.Fatal(err)
	}
	w.awaitCode("a key disabled", "DisabledException", func() string { return w.roundTrip(there, keyID) })
}

// decryptGrant gives the grantee kms:Decrypt where the encryption context says who it is, if that is not empty.
func decryptGrant(keyID, grantee, who string) *awskms.CreateGrantInput {
	grant := &awskms.CreateGrantInput{
		KeyId: &keyID, GranteePrincipal: &grantee, Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	}
	if who != "" {
		grant.Constraints = &types.GrantConstraints{EncryptionContextEquals: map[string]string{"who": who}}
	}
	return grant
}

// A grant token is there for the moment before the grant is known everywhere, so that is not waited for here: only for the key.
func TestGrantTokenCountsAtOnceOnAnotherReplica(t *testing.T) {
	w := emptyWorld(t, env, nil)
	first, second := w.serve(election...), w.serve(election...)
	person := w.person(w.arn("root"))
	role, token := w.serviceAccount("orders")
	root, there := first.kms(person.provider()), second.kms(first.login(token, role))
	key := w.readyKey("orders", nil)
	for what, client := range map[string]*awskms.Client{"the first replica": root, "the second replica": second.kms(person.provider())} {
		w.awaitCode(what+" knows root and the key", "", func() string { return w.roundTrip(client, key.Status.KeyID) })
	}
	for i := range 20 {
		who := fmt.Sprint("number ", i)
		encrypted, err := root.Encrypt(w.ctx, &awskms.EncryptInput{
			KeyId: &key.Status.KeyID, Plaintext: []byte("x"), EncryptionContext: map[string]string{"who": who},
		})
		if err != nil {
			t.Fatal(err)
		}
		grant, err := root.CreateGrant(w.ctx, decryptGrant(key.Status.KeyID, role, who))
		if err != nil {
			t.Fatal(err)
		}
		_, err = there.Decrypt(w.ctx, &awskms.DecryptInput{
			CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: map[string]string{"who": who},
			GrantTokens: []string{*grant.GrantToken},
		})
		if err != nil {
			t.Errorf("grant %d: %v", i, err)
		}
	}
}

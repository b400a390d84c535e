// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	corev1 "k8s.io/api/core/v1"
)

// whoIs is who the endpoint says a caller is, or the error.
func (w *world) whoIs(client *sts.Client) string {
	w.t.Helper()
	who, err := client.GetCallerIdentity(w.ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return code(err)
	}
	return aws.ToString(who.Arn)
}

func (w *world) change(secret *corev1.Secret, change func(*corev1.Secret)) {
	w.t.Helper()
	modify(w, secret, change)
}

const unknownKey = "InvalidClientTokenId"

func TestAccessKeyWorksFromTheMomentItsSecretIsLabelledUntilItIsGone(t *testing.T) {
	w := emptyWorld(t, env, nil)
	r := w.serve()
	alice, bob := w.arn("user/alice"), w.arn("user/bob")
	k := newAccessKey(alice)
	k.object.Labels = nil
	who := func() string { return w.whoIs(r.sts(k.provider())) }

	w.create(k.object)
	if got := who(); got != unknownKey {
		t.Errorf("before the Secret has the label: %s", got)
	}
	w.change(k.object, func(s *corev1.Secret) { s.Labels = map[string]string{"kms.chatelaine.dev/access-key": "true"} })
	w.awaitCode("labelled, the key stands for alice", alice, who)
	wrong := credentials.NewStaticCredentialsProvider(k.id, k.secret+"x", "")
	if got := w.whoIs(r.sts(wrong)); got != "SignatureDoesNotMatch" {
		t.Errorf("with another secret: %s", got)
	}
	w.change(k.object, func(s *corev1.Secret) { s.StringData = map[string]string{"principal": bob} })
	w.awaitCode("changed, the key stands for bob", bob, who)
	w.change(k.object, func(s *corev1.Secret) { s.Labels = nil })
	w.awaitCode("without its label, the key is unknown", unknownKey, who)
	w.change(k.object, func(s *corev1.Secret) { s.Labels = map[string]string{"kms.chatelaine.dev/access-key": "true"} })
	w.awaitCode("labelled again, the key works", bob, who)
	w.delete(k.object)
	w.awaitCode("deleted, the key is unknown", unknownKey, who)
}

// Whoever could take another one's place by a second Secret would be that other one.
func TestTwoSecretsWithOneAccessKeyIDAreBothRefused(t *testing.T) {
	w := emptyWorld(t, env, nil)
	r := w.serve()
	alice := w.person(w.arn("user/alice"))
	who := func() string { return w.whoIs(r.sts(alice.provider())) }
	w.awaitCode("alice has a key", w.arn("user/alice"), who)
	second := newAccessKey(w.arn("root"))
	second.object.StringData["accessKeyID"] = alice.id
	w.create(second.object)
	w.awaitCode("another Secret has its ID", unknownKey, who)
	w.delete(second.object)
	w.awaitCode("the other Secret is gone", w.arn("user/alice"), who)
}

func TestPeopleMayDoWhatTheirPrincipalMay(t *testing.T) {
	w := emptyWorld(t, env, nil)
	r := w.serve()
	root, user := r.kms(w.person(w.arn("root")).provider()), r.kms(w.person(w.arn("user/alice")).provider())
	key := w.readyKey("orders", nil)
	w.awaitCode("root has a key", "", func() string { return w.roundTrip(root, key.Status.KeyID) })
	w.awaitCode("a user has a key, and no permission", "AccessDeniedException", func() string { return w.roundTrip(user, key.Status.KeyID) })
	w.allow(root, key.Status.KeyID, w.arn("user/alice"), "kms:Encrypt", "kms:Decrypt")
	if got := w.roundTrip(user, key.Status.KeyID); got != "" {
		t.Errorf("with a policy that allows it: %s", got)
	}
	_, err := user.DisableKey(w.ctx, &awskms.DisableKeyInput{KeyId: &key.Status.KeyID})
	if code(err) != "AccessDeniedException" {
		t.Errorf("what the policy does not allow: %v", err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// enforcedWithin is what is promised: from kubectl apply to the effect on every replica.
const enforcedWithin = 2 * time.Second

// A ServiceAccount's real token, AWS's own SDK, kubectl, and two replicas of which one reconciles, and which look at nothing again
// by themselves while the test runs.
func TestRuleTakesEffectOnEveryReplicaWithinTwoSeconds(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	replicas := []*replica{w.serve("--resync-period", "1h"), w.serve("--resync-period", "1h")}
	pulse := w.feel(replicas)
	key := w.readyKey("orders", func(s *v1alpha1.KeySpec) { s.Aliases = []string{"alias/" + w.namespace} })
	role, token := w.serviceAccount("orders")
	session := replicas[0].login(token, role)
	encrypted, err := replicas[0].kms(w.person(w.arn("root")).provider()).Encrypt(w.ctx, &awskms.EncryptInput{
		KeyId: &key.Status.KeyID, Plaintext: []byte("attack at dawn"),
	})
	if err != nil {
		t.Fatal(err)
	}
	blob, file := encrypted.CiphertextBlob, filepath.Join(t.TempDir(), "policy.yaml")
	manifest := `
apiVersion: kms.chatelaine.dev/v1alpha1
kind: KeyPolicy
metadata: {name: readers, namespace: ` + w.namespace + `}
spec:
  targets: [{name: orders}]
  rules:
  - sid: Use
    principals: [{serviceAccount: {name: orders}}]
    permissions: [`
	for range 3 {
		for _, step := range []struct{ what, permissions, encrypt, decrypt string }{
			{"may encrypt", "Encrypt]", "", "AccessDeniedException"},
			{"may encrypt and decrypt", "Use]", "", ""},
			{"may decrypt only", "Decrypt]", "AccessDeniedException", ""},
		} {
			w.kubectl("apply", "-f", writeFile(t, file, manifest+step.permissions))
			w.enforced(replicas, pulse, session, blob, step.what, step.encrypt, step.decrypt)
		}
		w.kubectl("delete", "keypolicy", "readers", "-n", w.namespace)
		w.enforced(replicas, pulse, session, blob, "is shut out", "AccessDeniedException", "AccessDeniedException")
	}
}

// enforced waits until every replica answers as wanted, and fails if that takes longer than is promised. (It is a promise
// about what happens, not about how fast the machine is: the time is some hundred times what it takes, and that in which something
// stood still does not count.)
func (w *world) enforced(replicas []*replica, p *pulse, session aws.CredentialsProvider, blob []byte, what, encrypt, decrypt string) {
	w.t.Helper()
	begun := time.Now()
	for _, r := range replicas {
		kms := r.kms(session)
		w.await(func() (bool, string) {
			_, encrypting := kms.Encrypt(w.ctx, &awskms.EncryptInput{KeyId: aws.String("alias/" + w.namespace), Plaintext: []byte("x")})
			_, decrypting := kms.Decrypt(w.ctx, &awskms.DecryptInput{CiphertextBlob: blob})
			return code(encrypting) == encrypt && code(decrypting) == decrypt, what
		})
	}
	ended := time.Now()
	took, still := ended.Sub(begun), w.stoodStill(p, begun, ended)
	w.t.Logf("the ServiceAccount %s after %s, in which something stood still for %s", what, took.Round(time.Millisecond), still)
	if took-still > enforcedWithin {
		w.t.Errorf("the ServiceAccount %s after %s, promised within %s; something stood still for %s of it", what, took, enforcedWithin, still)
	}
}

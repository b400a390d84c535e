// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"strings"
	"testing"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// imported gives a Key the material in a Secret.
func imported(secret string, expires *metav1.Time) func(*v1alpha1.KeySpec) {
	return func(s *v1alpha1.KeySpec) {
		s.Origin = v1alpha1.OriginExternal
		s.ImportedMaterial = &v1alpha1.ImportedKeyMaterial{
			SecretRef: &v1alpha1.KeyMaterialSecretReference{Name: secret}, ExpirationTime: expires,
		}
	}
}

// material makes a Secret with key material that the operator may not read.
func (w *world) material(name string) []byte {
	w.t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	w.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name}, Data: map[string][]byte{"material": secret},
	})
	return secret
}

// letRead lets the operator read one Secret, by the sample's Role and RoleBinding, and waits until it may.
func (w *world) letRead(secret string) {
	w.t.Helper()
	sample, err := os.ReadFile("../../config/samples/imported/key_imported.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	made := 0
	for document := range strings.SplitSeq(string(sample), "\n---\n") {
		role, binding := &rbacv1.Role{}, &rbacv1.RoleBinding{}
		switch {
		case strings.Contains(document, "\nkind: RoleBinding"):
			if err := yaml.UnmarshalStrict([]byte(document), binding); err != nil {
				w.t.Fatal(err)
			}
			binding.Namespace = w.namespace
			w.create(binding)
			made++
		case strings.Contains(document, "\nkind: Role"):
			if err := yaml.UnmarshalStrict([]byte(document), role); err != nil {
				w.t.Fatal(err)
			}
			role.Namespace, role.Rules[0].ResourceNames = w.namespace, []string{secret}
			w.create(role)
			made++
		}
	}
	if made != 2 {
		w.t.Fatalf("%d of Role and RoleBinding in the sample", made)
	}
	err = w.env.WaitAllowed(w.ctx, testenv.Access{
		User: testenv.UserName(managerAccount), Namespace: w.namespace, Verb: "get", Resource: "secrets", Name: secret,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// lookNow has the operator look at the Key at once.
func (w *world) lookNow(key *v1alpha1.Key) {
	w.t.Helper()
	fresh := w.getKey(key)
	before := client.MergeFrom(fresh.DeepCopy())
	metav1.SetMetaDataAnnotation(&fresh.ObjectMeta, v1alpha1.ReconcileAtAnnotation, time.Now().Format(time.RFC3339Nano))
	if err := w.env.Client.Patch(w.ctx, fresh, before); err != nil {
		w.t.Fatal(err)
	}
}

// closedServer is a quiet server but for the refusals that these tests are about: of single Secrets of other namespaces.
func closedServer(t *testing.T) *testenv.Env {
	t.Helper()
	server := restartingServer(t)
	start, err := server.Audit.Mark()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		requests, err := server.Audit.Since(start)
		if err != nil {
			t.Error(err)
		}
		refused := requests.By(testenv.UserName(managerAccount)).Forbidden()
		others := refused.Where(func(r testenv.Request) bool {
			return r.Verb != "get" || r.Resource != "secrets" || r.Namespace == operatorNamespace
		})
		if len(others) > 0 || len(refused) == 0 {
			t.Errorf("refused %v, of which other than single Secrets %v", refused, others)
		}
	})
	return server
}

// A MAC tells whose key it was made with: what the SDK gets from the endpoint is what Go computes with the material.
func TestAKeyIsMadeOfTheMaterialInASecretThatTheOperatorMayRead(t *testing.T) {
	w := emptyWorld(t, closedServer(t), nil)
	replica := w.serve()
	secret := w.material("orders-material")
	key := w.key("orders", func(s *v1alpha1.KeySpec) {
		imported("orders-material", nil)(s)
		s.KeySpec, s.KeyUsage = "HMAC_256", "GENERATE_VERIFY_MAC"
	})
	refused := w.awaitKey(key, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialNotReadable)
	wantMessage(t, refused.Status.Conditions, v1alpha1.ConditionSynced,
		"the operator may not read Secret orders-material", "resourceNames [orders-material]", "RoleBinding")

	w.letRead("orders-material")
	w.lookNow(key)
	key = w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.createPolicy(key, w.arn("role/team/app"), "kms:GenerateMac")
	app := replica.kms(w.person(w.arn("role/team/app")).provider())
	message := []byte("attack at dawn")
	var mac []byte
	w.await(func() (bool, string) {
		out, err := app.GenerateMac(w.ctx, &awskms.GenerateMacInput{
			KeyId: &key.Status.KeyID, Message: message, MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		})
		if err != nil {
			return false, "a MAC; it is " + code(err)
		}
		mac = out.Mac
		return true, ""
	})
	own := hmac.New(sha256.New, secret)
	own.Write(message)
	if !bytes.Equal(mac, own.Sum(nil)) {
		t.Error("the key is not the material in the Secret")
	}
	if log := replica.log.String(); strings.Contains(log, string(secret)) {
		t.Error("the material is in the log")
	}
}

func TestImportedMaterialEncryptsAndAnotherSecretOfTheNamespaceStaysClosed(t *testing.T) {
	w := emptyWorld(t, closedServer(t), nil)
	replica := w.serve()
	w.material("open")
	w.material("closed")
	w.letRead("open")
	key := w.readyKey("orders", imported("open", nil))
	w.createPolicy(key, w.arn("role/team/app"), "kms:Encrypt", "kms:Decrypt")
	app := replica.kms(w.person(w.arn("role/team/app")).provider())
	w.awaitCode("the round trip", "", func() string { return w.roundTrip(app, key.Status.KeyID) })
	closed := w.key("closed", imported("closed", nil))
	w.awaitKey(closed, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialNotReadable)

	w.namespace = operatorNamespace
	w.material("at-home")
	home := w.awaitKey(w.key("at-home", imported("at-home", nil)), v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialNotReadable)
	wantMessage(t, home.Status.Conditions, v1alpha1.ConditionSynced, "no Secret of the operator's own namespace")
}

func TestImportedMaterialExpiresAndComesBack(t *testing.T) {
	w := newWorld(t, nil)
	w.material("material")
	w.letRead("material")
	until := &metav1.Time{Time: w.clock.Now().Add(30 * 24 * time.Hour).Truncate(time.Second)}
	key := w.readyKey("orders", imported("material", until))
	w.awaitKey(key, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonSynced)

	w.clock.Step(17 * 24 * time.Hour)
	w.lookNow(key)
	w.awaitKey(key, v1alpha1.ConditionSynced, metav1.ConditionTrue, v1alpha1.ReasonMaterialExpires)
	if note := w.awaitEvent(key, v1alpha1.ReasonMaterialExpires); !strings.Contains(note, until.UTC().Format(time.RFC3339)) {
		t.Errorf("the Event says %q", note)
	}

	w.clock.Step(14 * 24 * time.Hour)
	w.awaitKey(key, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMaterialExpired)
	var expired *v1alpha1.Key
	w.awaitInTime(func() (bool, string) {
		expired = w.getKey(key)
		return expired.Status.KeyState == "PendingImport", "the key without its material"
	})
	if status := expired.Status.ImportedMaterial; status.ExpirationTime != nil || expired.Status.Drift != nil {
		t.Errorf("status = %+v, drift %+v", status, expired.Status.Drift)
	}

	later := &metav1.Time{Time: until.Add(300 * 24 * time.Hour)}
	w.update(key, imported("material", later))
	back := w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	if back.Status.KeyState != "Enabled" || !back.Status.ImportedMaterial.ExpirationTime.Equal(later) || back.Status.Drift != nil {
		t.Errorf("the key is %s, its material %+v, drift %+v", back.Status.KeyState, back.Status.ImportedMaterial, back.Status.Drift)
	}
}

func TestKilledWhileItImportsTheOperatorGoesOnAndMakesNoSecondKey(t *testing.T) {
	server := quietServer(t)
	for _, failpoint := range []string{"key-created", "material-imported", "imported"} {
		t.Run(failpoint, func(t *testing.T) {
			w := emptyWorld(t, server, nil)
			w.material("material")
			w.letRead("material")
			doomed := w.run(failpoint)
			key := w.key("orders", imported("material", nil))
			doomed.awaitDeath()
			w.run("")
			w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
			if keys := w.records("key"); len(keys) != 1 {
				t.Errorf("%d keys were made", len(keys))
			}
		})
	}
}

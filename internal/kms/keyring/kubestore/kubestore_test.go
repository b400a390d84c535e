// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kubestore_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/kubestore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/storetest"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

var ringID = keyring.ID{AccountID: "123456789012", Region: "local"}

const keyID = "4b7f2b1e-0000-4000-8000-000000000001"

func newClient(t *testing.T) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newStore(t *testing.T, client kubernetes.Interface, namespace string) *kubestore.Store {
	t.Helper()
	return kubestore.New(kubestore.Config{
		Client: client, Namespace: namespace, Keyring: ringID, RootKeySecret: "chatelaine-root-key",
	})
}

func keyItem(sealed string) keyring.Item {
	return keyring.Item{Kind: keyring.KindKey, Name: keyID, Title: keyID, Owner: "orders/payments", Sealed: []byte(sealed)}
}

// patience is how long a test waits for what takes moments unless the machine is busy.
const patience = 30 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

func TestSecretsAreAStore(t *testing.T) {
	client := newClient(t)
	storetest.Run(t, func(t *testing.T) keyring.Store { return newStore(t, client, env.Namespace(t)) })
}

func TestARecordIsOneSecretThatAPersonCanRecognise(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	store := newStore(t, client, namespace)
	if _, err := store.Create(t.Context(), keyItem("sealed")); err != nil {
		t.Fatal(err)
	}
	alias := keyring.Item{
		Kind: keyring.KindAlias, Name: keyring.AliasItemName("alias/orders/payments"), Title: "alias/orders/payments",
		Sealed: []byte("sealed"),
	}
	if _, err := store.Create(t.Context(), alias); err != nil {
		t.Fatal(err)
	}
	list, err := client.CoreV1().Secrets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]corev1.Secret{}
	for _, secret := range list.Items {
		got[secret.Labels["kms.chatelaine.dev/record"]] = corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Labels: secret.Labels, Annotations: secret.Annotations},
			Type:       secret.Type, Data: secret.Data,
		}
		if prefix := "kms-" + secret.Labels["kms.chatelaine.dev/record"] + "-"; !strings.HasPrefix(secret.Name, prefix) {
			t.Errorf("the Secret's name %s does not begin with %s", secret.Name, prefix)
		}
	}
	labels := func(kind string) map[string]string {
		return map[string]string{
			"app.kubernetes.io/managed-by": "chatelaine", "kms.chatelaine.dev/record": kind,
			"kms.chatelaine.dev/keyring": "123456789012.local",
		}
	}
	want := map[string]corev1.Secret{
		"key": {
			ObjectMeta: metav1.ObjectMeta{Labels: labels("key"), Annotations: map[string]string{
				"kms.chatelaine.dev/key-id": keyID, "kms.chatelaine.dev/owner": "orders/payments",
				"kms.chatelaine.dev/root-key-secret": "chatelaine-root-key",
			}},
			Type: "kms.chatelaine.dev/record", Data: map[string][]byte{"sealed": []byte("sealed")},
		},
		"alias": {
			ObjectMeta: metav1.ObjectMeta{Labels: labels("alias"), Annotations: map[string]string{
				"kms.chatelaine.dev/alias":           "alias/orders/payments",
				"kms.chatelaine.dev/root-key-secret": "chatelaine-root-key",
			}},
			Type: "kms.chatelaine.dev/record", Data: map[string][]byte{"sealed": []byte("sealed")},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnUpdateKeepsWhatOthersPutOnTheSecretAndRestoresWhatIsOurs(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	store := newStore(t, client, namespace)
	if _, err := store.Create(t.Context(), keyItem("first")); err != nil {
		t.Fatal(err)
	}
	secrets := client.CoreV1().Secrets(namespace)
	name := onlySecret(t, client, namespace)
	patch := `{"metadata":{"labels":{"backup.example/include":"true","kms.chatelaine.dev/record":null},
		"annotations":{"kms.chatelaine.dev/owner":null}}}`
	if _, err := secrets.Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	item, err := store.Get(t.Context(), keyring.KindKey, keyID)
	if err != nil {
		t.Fatal(err)
	}
	item.Sealed, item.Owner, item.Title = []byte("second"), "orders/payments", keyID
	if _, err := store.Update(t.Context(), item); err != nil {
		t.Fatal(err)
	}
	secret, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{
		secret.Labels["backup.example/include"], secret.Labels["kms.chatelaine.dev/record"],
		secret.Annotations["kms.chatelaine.dev/owner"], string(secret.Data["sealed"]),
	}
	if diff := cmp.Diff([]string{"true", "key", "orders/payments", "second"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeyringsInOneNamespaceDoNotMix(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	store := newStore(t, client, namespace)
	other := kubestore.New(kubestore.Config{
		Client: client, Namespace: namespace, Keyring: keyring.ID{AccountID: ringID.AccountID, Region: "mars"},
	})
	for sealed, store := range map[string]*kubestore.Store{"ours": store, "theirs": other} {
		if _, err := store.Create(t.Context(), keyItem(sealed)); err != nil {
			t.Fatal(err)
		}
	}
	// A copy under another name is nobody's record.
	copied := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "kms-key-copy"}, Type: "kms.chatelaine.dev/record",
		Data: map[string][]byte{"sealed": []byte("copy")},
	}
	if _, err := client.CoreV1().Secrets(namespace).Create(t.Context(), copied, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	items, err := store.List(t.Context())
	if err != nil || len(items) != 1 || string(items[0].Sealed) != "ours" {
		t.Errorf("got %v, %v", items, err)
	}
}

func TestRecordsExistForARootKeyIfAnyKeyringUsesItsSecret(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	open := func(region, rootKeySecret string) *kubestore.Store {
		id := keyring.ID{AccountID: ringID.AccountID, Region: region}
		return kubestore.New(kubestore.Config{Client: client, Namespace: namespace, Keyring: id, RootKeySecret: rootKeySecret})
	}
	exist := func(region, rootKeySecret string) bool {
		t.Helper()
		exist, err := open(region, rootKeySecret).RecordsExist(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return exist
	}
	if exist("local", "root") {
		t.Error("an empty namespace has records")
	}
	if _, err := open("local", "root").Create(t.Context(), keyItem("sealed")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		region, secret string
		want           bool
	}{
		{"local", "root", true},
		{"local", "another-root", true}, // the keyring's own records need some root key, whatever is noted on them
		{"mars", "root", true},
		{"mars", "another-root", false},
	} {
		if got := exist(tt.region, tt.secret); got != tt.want {
			t.Errorf("keyring %s with root key %s: %t, want %t", tt.region, tt.secret, got, tt.want)
		}
	}
}

func TestASecretOfAnotherTypeUnderARecordsNameIsPointedOut(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	store := newStore(t, client, namespace)
	item := keyItem("sealed")
	version, err := store.Create(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	name := onlySecret(t, client, namespace)
	if err := store.Delete(t.Context(), item.Kind, item.Name, version); err != nil {
		t.Fatal(err)
	}
	squatter := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := client.CoreV1().Secrets(namespace).Create(t.Context(), squatter, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = store.Get(t.Context(), item.Kind, item.Name)
	if err == nil || !strings.Contains(err.Error(), namespace+"/"+name) {
		t.Errorf("got %v", err)
	}
}

// onlySecret is the name of the one Secret in the namespace.
func onlySecret(t *testing.T, client kubernetes.Interface, namespace string) string {
	t.Helper()
	list, err := client.CoreV1().Secrets(namespace).List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("got %d Secrets, %v, want one", len(list.Items), err)
	}
	return list.Items[0].Name
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kubestore_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// These tests are of the keyring and the store together, on a real API server.

func openRing(t *testing.T, client kubernetes.Interface, namespace string, roots seal.RootKeys) *keyring.Keyring {
	t.Helper()
	ring := keyring.New(ringID, newStore(t, client, namespace), roots, keyring.Options{
		Owner: func(tags map[string]string) string { return tags["owner"] },
	})
	keyringtest.Start(t, ring)
	return ring
}

func createKey(t *testing.T, ring *keyring.Keyring, owner string) *keyring.KeyRecord {
	t.Helper()
	key, err := ring.CreateKey(t.Context(), keyringtest.NewKey(t, "owner="+owner))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func count(r *keyring.KeyRecord) error {
	n, _ := strconv.Atoi(r.Description)
	r.Description = strconv.Itoa(n + 1)
	return nil
}

func description(ring *keyring.Keyring, keyID string) string {
	record, err := ring.Key(keyID)
	if err != nil {
		return err.Error()
	}
	return record.Description
}

func TestConcurrentUpdatesThroughTheAPIServerLoseNone(t *testing.T) {
	namespace, roots := env.Namespace(t), keyringtest.NewRoots(t)
	rings := []*keyring.Keyring{
		openRing(t, newClient(t), namespace, roots), openRing(t, newClient(t), namespace, roots),
	}
	key := createKey(t, rings[0], "orders/payments")
	eventually(t, "both have the key", func() bool { _, err := rings[1].Key(key.KeyID); return err == nil })
	const writers, each = 4, 15
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range each {
				mark := fmt.Sprintf("%d-%d", i, n)
				again(t, func() error {
					_, err := rings[i%2].UpdateKey(t.Context(), key.KeyID, func(r *keyring.KeyRecord) error {
						r.Tags[mark] = "made"
						return nil
					})
					return err
				})
			}
		})
	}
	wg.Wait()
	const owner = 1 // is a tag of its own
	for _, ring := range rings {
		eventually(t, "every update is there", func() bool {
			record, err := ring.Key(key.KeyID)
			return err == nil && len(record.Tags) == writers*each+owner
		})
	}
}

// again tries what may end with an error when the API server is slow, as clients do, until there is none.
func again(t *testing.T, do func() error) {
	for deadline := time.Now().Add(patience); ; {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Error(err)
			return
		}
	}
}

func TestTheAPIServerGivesAnAliasToOneKeyOnly(t *testing.T) {
	namespace, roots := env.Namespace(t), keyringtest.NewRoots(t)
	rings := []*keyring.Keyring{
		openRing(t, newClient(t), namespace, roots), openRing(t, newClient(t), namespace, roots),
	}
	var keys []*keyring.KeyRecord
	for range 6 {
		keys = append(keys, createKey(t, rings[0], "orders/payments"))
	}
	holders := make([]string, len(keys)) // of whom each was told
	var wg sync.WaitGroup
	for i, key := range keys {
		wg.Go(func() {
			again(t, func() error {
				err := rings[i%2].CreateAlias(t.Context(), keyring.AliasRecord{Name: "alias/wanted", KeyID: key.KeyID})
				if err == nil {
					holders[i] = key.KeyID
				}
				if taken, ok := errors.AsType[*keyring.AliasTakenError](err); ok {
					holders[i], err = taken.KeyID, nil
				}
				return err
			})
		})
	}
	wg.Wait()
	for i, holder := range holders {
		if holder != holders[0] {
			t.Errorf("one was told that %s has it, and another one that %s has", holders[0], holder)
		}
		if alias, err := rings[i%2].Alias("alias/wanted"); err != nil || alias.KeyID != holder {
			t.Errorf("it is told to be %s's, and is %v's, %v", holder, alias, err)
		}
	}
}

func TestSecretsAlteredByHandAreNamedAndHealWhenRestored(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	ring := openRing(t, client, namespace, keyringtest.NewRoots(t))
	a, b := createKey(t, ring, "ns/a"), createKey(t, ring, "ns/b")
	bystander := createKey(t, ring, "ns/bystander")
	secrets := client.CoreV1().Secrets(namespace)
	original := map[string]corev1.Secret{}
	list, err := secrets.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range list.Items {
		original[secret.Annotations["kms.chatelaine.dev/key-id"]] = secret
	}
	write := func(keyID string, sealed []byte) {
		t.Helper()
		secret, err := secrets.Get(t.Context(), original[keyID].Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		secret.Data = map[string][]byte{"sealed": sealed}
		if _, err := secrets.Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	sealed := func(keyID string) []byte { return original[keyID].Data["sealed"] }

	write(a.KeyID, sealed(b.KeyID))
	write(b.KeyID, sealed(a.KeyID)[:30])
	eventually(t, "both are named", func() bool { return len(ring.Damaged()) == 2 })
	for _, damage := range ring.Damaged() {
		if want := "Secret " + namespace + "/" + original[damage.Name].Name; damage.Location != want {
			t.Errorf("named as %s, want %s", damage.Location, want)
		}
		if _, err := ring.Key(damage.Name); !errors.Is(err, keyring.ErrDamaged) {
			t.Errorf("a damaged key is served: %v", err)
		}
		if _, err := ring.Owned(damage.Owner); !errors.Is(err, keyring.ErrDamaged) {
			t.Errorf("its owner %s is not told: %v", damage.Owner, err)
		}
	}
	if _, err := ring.UpdateKey(t.Context(), bystander.KeyID, count); err != nil {
		t.Errorf("the others do not serve on: %v", err)
	}

	write(a.KeyID, sealed(a.KeyID))
	write(b.KeyID, sealed(b.KeyID))
	eventually(t, "both are healed", func() bool { return len(ring.Damaged()) == 0 })
	if _, err := ring.UpdateKey(t.Context(), a.KeyID, count); err != nil {
		t.Error(err)
	}
}

func TestTakingTheLabelsOffASecretDoesNotHideTheRecord(t *testing.T) {
	client, namespace := newClient(t), env.Namespace(t)
	ring := openRing(t, client, namespace, keyringtest.NewRoots(t))
	key := createKey(t, ring, "ns/a")
	strip := []byte(`{"metadata":{"labels":null,"annotations":null}}`)
	name := onlySecret(t, client, namespace)
	_, err := client.CoreV1().Secrets(namespace).Patch(t.Context(), name, types.MergePatchType, strip, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	marker := createKey(t, ring, "ns/marker")
	other := openRing(t, client, namespace, keyringtest.NewRoots(t)) // sees what the API server has now
	eventually(t, "the watch is past the edit", func() bool { _, err := ring.Key(marker.KeyID); return err == nil })
	if _, err := ring.Key(key.KeyID); err != nil {
		t.Error(err)
	}
	if _, err := other.Key(key.KeyID); !errors.Is(err, keyring.ErrDamaged) { // damaged to it: it has other root keys
		t.Errorf("a new keyring does not see the record: %v", err)
	}
}

func TestKeysServeOnWhileTheAPIServerIsAwayAndCatchUpAfterwards(t *testing.T) {
	namespace, roots := env.Namespace(t), keyringtest.NewRoots(t)
	client, network := env.ClientOver(t)
	ring, elsewhere := openRing(t, client, namespace, roots), openRing(t, newClient(t), namespace, roots)
	key := createKey(t, ring, "ns/a")
	gone := createKey(t, ring, "ns/a")

	network.Cut()
	eventually(t, "the other one has the keys", func() bool { _, err := elsewhere.Key(gone.KeyID); return err == nil })
	if _, err := elsewhere.UpdateKey(t.Context(), key.KeyID, count); err != nil {
		t.Fatal(err)
	}
	if err := elsewhere.DeleteKey(t.Context(), gone.KeyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	young := createKey(t, elsewhere, "ns/a")

	record, err := ring.Key(key.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	if err := record.Current().Bytes.Use(func([]byte) error { return nil }); err != nil {
		t.Error(err)
	}
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, count); err == nil {
		t.Error("a write succeeded without an API server")
	}

	network.Mend()
	eventually(t, "everything missed is there", func() bool {
		_, goneErr := ring.Key(gone.KeyID)
		_, youngErr := ring.Key(young.KeyID)
		return description(ring, key.KeyID) == "1" && errors.Is(goneErr, keyring.ErrNotFound) && youngErr == nil
	})
	if _, err := ring.UpdateKey(t.Context(), key.KeyID, count); err != nil || description(ring, key.KeyID) != "2" {
		t.Errorf("got %s, %v", description(ring, key.KeyID), err)
	}
}

func TestAWriteThatTheAPIServerCarriedOutCountsThoughItsAnswerIsLost(t *testing.T) {
	namespace := env.Namespace(t)
	client, network := env.ClientOver(t)
	ring := openRing(t, client, namespace, keyringtest.NewRoots(t))
	network.Lose(func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/secrets") && r.Method != http.MethodGet
	})
	key := createKey(t, ring, "ns/a")
	if err := ring.CreateAlias(t.Context(), keyring.AliasRecord{Name: "alias/a", KeyID: key.KeyID}); err != nil {
		t.Error(err)
	}
	for range 3 {
		if _, err := ring.UpdateKey(t.Context(), key.KeyID, count); err != nil {
			t.Error(err)
		}
	}
	if got := description(ring, key.KeyID); got != "3" {
		t.Errorf("counted %s, want 3", got)
	}
}

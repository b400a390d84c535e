// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"maps"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// adopting changes a new Key into one that adopts the key named by ID or ARN.
func adopting(ref string) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { k.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: ref} }
}

// adoptable makes a key outside that this test's namespace may adopt.
func (r *rig) adoptable() *backend.Key {
	return r.seen(r.fake.CreateOutside(map[string]string{v1alpha1.AdoptableByTag: r.namespace, "foreign": "kept"}))
}

func (r *rig) refused(name, ref, reason string, parts ...string) {
	r.t.Helper()
	made := r.newKey(name, adopting(ref))
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, reason)
	wantMessage(r.t, stuck, v1alpha1.ConditionStalled, append(parts, "spec.adopt.keyID")...)
}

func TestKeyIsAdoptedByIDByARNAndByAlias(t *testing.T) {
	r := newRig(t)
	for name, adopt := range map[string]func(*backend.Key) *v1alpha1.KeyAdoption{
		"by-id":  func(k *backend.Key) *v1alpha1.KeyAdoption { return &v1alpha1.KeyAdoption{KeyID: k.ID} },
		"by-arn": func(k *backend.Key) *v1alpha1.KeyAdoption { return &v1alpha1.KeyAdoption{KeyID: k.ARN} },
		"by-alias": func(k *backend.Key) *v1alpha1.KeyAdoption {
			if _, err := r.fake.Apply(r.ctx, k.ID, []backend.Change{backend.PutAlias{Name: "alias/outside"}}); err != nil {
				t.Fatal(err)
			}
			return &v1alpha1.KeyAdoption{Alias: "alias/outside"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			outside := r.adoptable()
			made := r.createReady(name, func(k *v1alpha1.Key) {
				k.Spec.Adopt = adopt(outside)
				k.Spec.Description = "adopted"
			})
			seen := r.seen(outside.ID)
			if made.Status.KeyID != outside.ID || seen.Description != "adopted" || seen.Tags["foreign"] != "kept" {
				t.Errorf("Key has %s; the key outside, %s, is %+v", made.Status.KeyID, outside.ID, seen)
			}
			if holder, _ := backend.OwnerFromTags(seen.Tags); holder != r.ownerOf(made) {
				t.Errorf("owner = %+v", holder)
			}
			r.awaitEvent(made, "Adopted")
		})
	}
}

func TestAdoptingAMissingKeySaysSoAndCreatesNone(t *testing.T) {
	r := newRig(t)
	r.refused("orders", "00000000-0000-4000-8000-000000000000", v1alpha1.ReasonAdoptNotFound, "00000000-0000-4000-8000-000000000000")
	made := r.newKey("by-alias", func(k *v1alpha1.Key) { k.Spec.Adopt = &v1alpha1.KeyAdoption{Alias: "alias/missing"} })
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptNotFound)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "spec.adopt.alias", "alias/missing")
	if owned := r.owned(made); len(owned) != 0 {
		t.Errorf("keys were made: %v", owned)
	}
}

func TestOfTwoKeysThatAdoptOneKeyTheSecondIsToldOfTheFirst(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	first := r.createReady("first", adopting(outside.ID))
	r.refused("second", outside.ID, v1alpha1.ReasonAdoptRefused, "first")
	if holder, _ := backend.OwnerFromTags(r.seen(outside.ID).Tags); holder != r.ownerOf(first) {
		t.Errorf("the second took the key: owner = %+v", holder)
	}
}

func TestOfManyKeysThatAdoptOneKeyAtOnceOneHasIt(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	var rivals []*v1alpha1.Key
	for _, name := range []string{"a", "b", "c", "d"} {
		made := r.newKey(name, adopting(outside.ID))
		r.create(made)
		rivals = append(rivals, made)
	}
	winners := 0
	for _, rival := range rivals {
		ok := poll(func() bool { return len(r.get(rival).Status.Conditions) > 0 })
		if !ok {
			t.Fatalf("Key %s has no status", rival.Name)
		}
		if r.get(rival).Status.KeyID == outside.ID {
			winners++
			continue
		}
		r.await(rival, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	}
	if winners != 1 {
		t.Errorf("%d Keys have the key, want 1", winners)
	}
}

func TestKeyOfAnotherNamespaceOrClusterIsNeverAdopted(t *testing.T) {
	other := env.Namespace(t)
	r := newRig(t, other)
	theirs := r.newKey("secret-project", nil)
	theirs.Namespace = other
	r.create(theirs)
	theirs = r.await(theirs, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	r.changeBackend(func(b *v1alpha1.KMSBackend) { b.Spec.Adoption = v1alpha1.AdoptionAny })

	made := r.newKey("thief", adopting(theirs.Status.KeyID))
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptRefused)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "another namespace")
	if got := message(stuck, v1alpha1.ConditionStalled); contains(got, "secret-project") || contains(got, other) {
		t.Errorf("a tenant was told of another one's Key: %s", got)
	}

	r.delete(theirs)
	r.awaitGone(theirs)
	r.refused("heir", theirs.Status.KeyID, v1alpha1.ReasonAdoptRefused, "another namespace")

	abroad := r.fake.CreateOutside(backend.Owner{Cluster: "elsewhere", Namespace: r.namespace, Name: "x", UID: "u"}.Tags())
	r.refused("traveller", abroad, v1alpha1.ReasonAdoptRefused, "another cluster", backend.TagPrefix)
}

func TestKeyWithoutOwnerIsAdoptedAsTheBackendAllows(t *testing.T) {
	r := newRig(t)
	plain := r.fake.CreateOutside(nil)
	elsewhere := r.fake.CreateOutside(map[string]string{v1alpha1.AdoptableByTag: "another-namespace"})
	r.refused("plain", plain, v1alpha1.ReasonAdoptRefused, v1alpha1.AdoptableByTag+"="+r.namespace)
	r.refused("elsewhere", elsewhere, v1alpha1.ReasonAdoptRefused, v1alpha1.AdoptableByTag+"="+r.namespace)

	r.changeBackend(func(b *v1alpha1.KMSBackend) { b.Spec.Adoption = v1alpha1.AdoptionNone })
	r.refused("tagged", r.adoptable().ID, v1alpha1.ReasonAdoptRefused, "spec.adoption is None")

	r.changeBackend(func(b *v1alpha1.KMSBackend) { b.Spec.Adoption = v1alpha1.AdoptionAny })
	for _, name := range []string{"plain", "elsewhere", "tagged"} {
		r.await(r.newKey(name, nil), v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
}

func TestAdoptedKeyHasToBeWhatIsDeclared(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		adopting(outside.ID)(k)
		k.Spec.KeySpec, k.Spec.KeyUsage = string(keyspec.RSA2048), v1alpha1.KeyUsage(keyspec.SignVerify)
	})
	r.create(made)
	stuck := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	wantMessage(t, stuck, v1alpha1.ConditionStalled, "SYMMETRIC_DEFAULT", "RSA_2048")
	if _, owned := backend.OwnerFromTags(r.seen(outside.ID).Tags); owned {
		t.Error("the key was claimed all the same")
	}
}

func TestRetainedKeyMayBeAdoptedUnderAnotherNameOfItsNamespace(t *testing.T) {
	r := newRig(t)
	first := r.createReady("old-name", nil)
	r.refused("too-early", first.Status.KeyID, v1alpha1.ReasonAdoptRefused, "old-name")
	r.delete(first)
	r.awaitGone(first)
	renamed := r.createReady("new-name", adopting(first.Status.KeyID))
	if renamed.Status.KeyID != first.Status.KeyID {
		t.Errorf("key = %s, want %s", renamed.Status.KeyID, first.Status.KeyID)
	}
}

func TestAdoptedKeyThatIsPendingDeletionComesBackUsable(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	if _, err := r.fake.ScheduleDeletion(r.ctx, outside.ID, 7); err != nil {
		t.Fatal(err)
	}
	made := r.createReady("orders", func(k *v1alpha1.Key) {
		adopting(outside.ID)(k)
		k.Spec.Enabled = new(true)
	})
	if got := r.seen(made.Status.KeyID); got.State != backend.StateEnabled {
		t.Errorf("the adopted key is %s", got.State)
	}
}

// lostCreate is a Key for which a key was made without its knowing, and that key.
func (r *rig) lostCreate() (*v1alpha1.Key, *backend.Key) {
	r.t.Helper()
	r.fake.Inject(backendtest.Fault{
		Verb: backendtest.VerbCreate, AfterEffect: true, Times: 1, Err: &backend.Error{Class: backend.AccessDenied, Message: "the answer was lost"},
	})
	made := r.newKey("orders", nil)
	r.create(made)
	made = r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied)
	owned := r.owned(made)
	if len(owned) != 1 || made.Status.KeyID != "" {
		r.t.Fatalf("keys = %v, status.keyID = %s: the test's premise is gone", owned, made.Status.KeyID)
	}
	return made, owned[0]
}

func TestAKeyThatHasMadeAKeyUnknowinglyAdoptsNoOther(t *testing.T) {
	r := newRig(t)
	outside := r.adoptable()
	made, lost := r.lostCreate()
	r.update(made, adopting(outside.ID))
	refused := r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonSeveralKeys)
	wantMessage(t, refused, v1alpha1.ConditionStalled, "spec.adopt.keyID names key "+outside.ID, "key "+lost.ID+" was made for this Key before", "remove spec.adopt")
	if _, owned := backend.OwnerFromTags(r.seen(outside.ID).Tags); owned {
		t.Error("the key was claimed all the same")
	}

	r.update(made, func(k *v1alpha1.Key) { k.Spec.Adopt = nil })
	if ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); ready.Status.KeyID != lost.ID {
		t.Errorf("the Key has %s, want the key that was made for it, %s", ready.Status.KeyID, lost.ID)
	}
}

func TestAKeyThatHasMadeAKeyUnknowinglyMayAdoptItOrAnotherWhenThatHasNoOwnerAnyMore(t *testing.T) {
	for name, disown := range map[string]bool{"it": false, "another": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			outside := r.adoptable()
			made, lost := r.lostCreate()
			want := lost.ID
			if disown {
				want = outside.ID
				r.fake.Meddle(lost.ID, backend.RemoveTags{Keys: slices.Collect(maps.Keys(r.ownerOf(made).Tags()))})
			}
			r.update(made, adopting(want))
			if ready := r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, ""); ready.Status.KeyID != want {
				t.Errorf("the Key has %s, want %s", ready.Status.KeyID, want)
			}
		})
	}
}

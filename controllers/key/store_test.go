// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

// stores is a backend whose custom key stores can be disconnected, as those of AWS KMS.
type stores struct {
	*backendtest.Fake
	disconnected bool
}

func (s *stores) Get(ctx context.Context, ref string) (*backend.Key, error) {
	key, err := s.Fake.Get(ctx, ref)
	if err == nil && key.Store.ID != "" && s.disconnected {
		key.State = backend.StateUnavailable
	}
	return key, err
}

func TestAKeyIsMadeInItsCustomKeyStore(t *testing.T) {
	r := newRig(t)
	made := r.createReady("orders", func(k *v1alpha1.Key) {
		k.Spec.Origin, k.Spec.CustomKeyStoreID, k.Spec.XksKeyID = v1alpha1.OriginExternalKeyStore, "cks-1", "bb8562717f809024"
	})
	want := backend.CustomKeyStore{ID: "cks-1", XksKeyID: "bb8562717f809024"}
	if key := r.seen(made.Status.KeyID); key.Store != want || key.Origin != backend.OriginExternalKeyStore {
		t.Errorf("the key is %+v", key)
	}

	applies := r.fake.Calls(backendtest.VerbApply)
	disconnected := &stores{Fake: r.fake}
	disconnected.disconnected = true
	r.openBackend(r.backendName, disconnected) // another one, so the Key is looked at
	unavailable := r.await(made, v1alpha1.ConditionSynced, metav1.ConditionFalse, v1alpha1.ReasonKeyUnavailable)
	wantMessage(t, unavailable, v1alpha1.ConditionSynced, "custom key store cks-1 with external key bb8562717f809024 is not connected")
	r.await(made, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonKeyUnavailable)
	if unavailable.Status.KeyState != "Unavailable" || r.fake.Calls(backendtest.VerbApply) != applies {
		t.Errorf("state %s, %d changes", unavailable.Status.KeyState, r.fake.Calls(backendtest.VerbApply)-applies)
	}
	r.openBackend(r.backendName, &stores{Fake: r.fake})
	r.await(made, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

func TestAKeyOfAnotherStoreIsNotAdopted(t *testing.T) {
	r := newRig(t)
	id := r.fake.CreateOutside(map[string]string{v1alpha1.AdoptableByTag: r.namespace})
	made := r.newKey("orders", func(k *v1alpha1.Key) {
		k.Spec.Origin, k.Spec.CustomKeyStoreID = v1alpha1.OriginCloudHSM, "cks-1"
		k.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: id}
	})
	r.create(made)
	r.await(made, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	spread := r.newKey("spread", func(k *v1alpha1.Key) {
		k.Spec.MultiRegion, k.Spec.Adopt = new(true), &v1alpha1.KeyAdoption{KeyID: id}
	})
	r.create(spread)
	refused := r.await(spread, v1alpha1.ConditionCreated, metav1.ConditionFalse, v1alpha1.ReasonAdoptMismatch)
	wantMessage(t, refused, v1alpha1.ConditionCreated, "is a key of one Region, and a multi-Region key is declared")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"slices"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// waiting is a key whose rotation waits for the Region elsewhere, which is not open, and the time that it was requested for.
func (h *house) waiting(t *testing.T, partition *kms.Partition, begin func(b *Backend, keyID string)) (b, elsewhere *Backend, keyID string) {
	t.Helper()
	b, elsewhere = h.openRegionsIn(t, partition)
	who := owner("orders", "replicated")
	key := create(t, b, multiRegion(who))
	apply(t, b, key.ID, replica(who))
	partition.Remove(elsewhere.service)
	h.clock.Step(time.Hour)
	begin(b, key.ID)
	eventually(t, "the rotation waits for the other Region", func() bool {
		return slices.Equal(get(t, b, key.ID).Rotation.AwaitedRegions, []string{"elsewhere"})
	})
	if got := get(t, b, key.ID).Rotation; !got.LastTime.IsZero() {
		t.Errorf("the rotation was carried out: %+v", got)
	}
	return b, elsewhere, key.ID
}

// awaitRotated waits until the key was rotated, by itself, and waits for nothing.
func awaitRotated(t *testing.T, b *Backend, keyID string) backend.Rotation {
	t.Helper()
	eventually(t, "the rotation is carried out", func() bool { return !get(t, b, keyID).Rotation.LastTime.IsZero() })
	rotation := get(t, b, keyID).Rotation
	if len(rotation.AwaitedRegions) > 0 {
		t.Errorf("the rotation is carried out, and waits: %+v", rotation)
	}
	return rotation
}

func TestARotationOnDemandTellsTheRegionItWaitsForAndGoesOnWhenThatIsOpen(t *testing.T) {
	h, partition := newHouse(t), kms.NewPartition()
	b, elsewhere, keyID := h.waiting(t, partition, func(b *Backend, keyID string) {
		requested := backend.Rotate{RequestedAt: h.clock.Now().Add(-time.Minute)}
		apply(t, b, keyID, requested)
		apply(t, b, keyID, requested) // it has begun
	})
	partition.Add(elsewhere.service)
	if got := awaitRotated(t, b, keyID); got.OnDemandCount != 1 || got.LastOnDemandTime.IsZero() {
		t.Errorf("the rotation asked for is %+v", got)
	}
}

func TestAnAutomaticRotationTellsTheRegionItWaitsFor(t *testing.T) {
	h, partition := newHouse(t), kms.NewPartition()
	b, elsewhere, keyID := h.waiting(t, partition, func(b *Backend, keyID string) {
		apply(t, b, keyID, backend.SetRotation{ToDays: 90})
		h.clock.Step(90 * day)
	})
	partition.Add(elsewhere.service)
	if got := awaitRotated(t, b, keyID); got.OnDemandCount != 0 {
		t.Errorf("the rotation on its date is %+v", got)
	}
}

func TestARotationGoesOnWhenTheRegionIsOpenedAndTheReplicaIsNoLongerThere(t *testing.T) {
	h, partition := newHouse(t), kms.NewPartition()
	b, elsewhere, keyID := h.waiting(t, partition, func(b *Backend, keyID string) { apply(t, b, keyID, backend.Rotate{}) })
	if err := elsewhere.ring.DeleteKey(t.Context(), keyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	partition.Add(elsewhere.service)
	awaitRotated(t, b, keyID)
	if got := get(t, b, keyID).MultiRegion.ReplicaRegions; len(got) > 0 {
		t.Errorf("the key has replicas in %q", got)
	}
}

func TestAReplicaWaitsForNoRegion(t *testing.T) {
	h, partition := newHouse(t), kms.NewPartition()
	b, elsewhere := h.openRegionsIn(t, partition)
	who := owner("orders", "replicated")
	key := create(t, b, multiRegion(who))
	apply(t, b, key.ID, replica(who))
	apply(t, b, key.ID, backend.Rotate{})
	for _, each := range []*Backend{b, elsewhere} {
		if got := get(t, each, key.ID).Rotation; got.OnDemandCount != 1 || got.AwaitedRegions != nil {
			t.Errorf("a rotation that reached every Region is %+v", got)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"maps"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Elsewhere is the backend of the same account in another Region, where it makes room for replicas. It is the same one for
// the same Region; faults, counts and settings are each one's own, the clock and the roles are those of all. Any other
// Region does not exist.
func (f *Fake) Elsewhere(region string) *Fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open(region)
}

// HoldReplicas has replicas that are made in this Region stay in StateCreating, until it is called with false.
func (f *Fake) HoldReplicas(hold bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = hold
	for _, key := range f.keys {
		if !hold && key.State == backend.StateCreating {
			key.State = key.stateOfReplica()
		}
	}
}

// Leave has this Region be away, and with false be there again: rotations wait for the replicas in it.
func (f *Fake) Leave(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
	for _, there := range f.regions {
		for _, key := range there.keys {
			there.completeRotation(key)
		}
	}
}

// awaited are the Regions that a rotation of the key waits for.
func (f *Fake) awaited(key *fakeKey) []string {
	if !key.rotating || f.checkPrimary(key) != nil {
		return nil // that of a replica is told by its primary
	}
	var awaited []string
	for _, region := range slices.Sorted(maps.Keys(f.regions)) {
		if there := f.regions[region]; there.away && there.keys[key.ID] != nil {
			awaited = append(awaited, region)
		}
	}
	return awaited
}

// relatives are the Regions of the key; nil for one of one Region.
func (f *Fake) relatives(key *fakeKey) *backend.MultiRegion {
	if key.primary == "" {
		return nil
	}
	all := &backend.MultiRegion{PrimaryRegion: key.primary}
	for _, region := range slices.Sorted(maps.Keys(f.regions)) {
		if f.regions[region].keys[key.ID] != nil && region != key.primary {
			all.ReplicaRegions = append(all.ReplicaRegions, region)
		}
	}
	return all
}

// checkPrimary refuses replicas.
func (f *Fake) checkPrimary(key *fakeKey) error {
	if key.primary != "" && key.primary != f.region {
		return invalid("%s is not a multi-region primary key.", key.ARN)
	}
	return nil
}

// beginWindow dates the end of a key that is to be deleted, unless it is a primary that has replicas still.
func (f *Fake) beginWindow(key *fakeKey) {
	if all := f.relatives(key); all == nil || all.PrimaryRegion != f.region || len(all.ReplicaRegions) == 0 {
		key.DeletionTime = f.now.AddDate(0, 0, key.window)
	}
}

func (f *Fake) replicate(key *fakeKey, c backend.Replicate) error {
	there := f.regions[c.Region]
	switch {
	case key.primary != f.region:
		return invalid("%s is not a multi-region primary key.", key.ARN)
	case there == nil || there == f:
		return invalid("%s cannot be replicated into Region %s.", key.ARN, c.Region)
	case there.keys[key.ID] != nil:
		return nil
	case key.State != backend.StateEnabled:
		return &backend.Error{Class: backend.NotReady, Message: key.ARN + " is " + string(key.State) + "."}
	}
	replica := &fakeKey{shared: key.shared, Key: backend.Key{
		ID: key.ID, ARN: there.arn(key.ID), Spec: key.Spec, Usage: key.Usage, Origin: key.Origin, Description: c.Description, CreationTime: f.now,
	}}
	if err := setTags(replica, c.Tags); err != nil {
		return err
	}
	if err := there.createPolicy(replica, c.Policy); err != nil {
		return err
	}
	replica.State = replica.stateOfReplica()
	if there.slow {
		replica.State = backend.StateCreating
	}
	there.keys[key.ID] = replica
	return nil
}

// stateOfReplica is the state of a replica that was made now: key material is imported into each Region.
func (k *fakeKey) stateOfReplica() backend.State {
	if k.Origin == backend.OriginExternal {
		return backend.StatePendingImport
	}
	return backend.StateEnabled
}

func (f *Fake) updatePrimaryRegion(key *fakeKey, c backend.UpdatePrimaryRegion) error {
	if key.primary != "" && key.primary == c.To {
		return nil
	}
	if key.primary != f.region {
		return invalid("%s is not a multi-region primary key.", key.ARN)
	}
	there := f.regions[c.To]
	if there == nil || there.keys[key.ID] == nil {
		return invalid("%s has no replica in Region %s.", key.ARN, c.To)
	}
	for _, relative := range []*fakeKey{key, there.keys[key.ID]} {
		if relative.State != backend.StateEnabled {
			return &backend.Error{Class: backend.NotReady, Message: relative.ARN + " is " + string(relative.State) + "."}
		}
	}
	key.primary = c.To
	return nil
}

// checkStore refuses a custom key store that does not go with the rest, by AWS's rules.
func checkStore(in backend.CreateInput) error {
	wantStore := in.Origin == backend.OriginCloudHSM || in.Origin == backend.OriginExternalKeyStore
	wantXksKey := in.Origin == backend.OriginExternalKeyStore
	switch {
	case (in.Store.ID != "") != wantStore || (in.Store.XksKeyID != "") != wantXksKey:
		return invalid("origin %s and custom key store %q with key %q do not go together", in.Origin.Or(), in.Store.ID, in.Store.XksKeyID)
	case wantStore && (in.MultiRegion || in.RotationPeriodInDays != 0 || in.Spec != keyspec.SymmetricDefault):
		return invalid("a key in a custom key store is of one Region, SYMMETRIC_DEFAULT, and does not rotate by itself")
	default:
		return nil
	}
}

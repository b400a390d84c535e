// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// process is one process that serves Regions of the realm.
type process struct {
	t         *testing.T
	services  map[string]*kms.Service
	rings     map[string]*keyring.Keyring
	partition *kms.Partition
	stops     []func()
}

// add opens one more Region.
func (p *process) add(r *realm, region string) {
	p.t.Helper()
	ring := keyring.New(keyring.ID{AccountID: accountID, Region: region}, r.stores[region], r.roots, keyring.Options{})
	p.stops = append(p.stops, keyringtest.Start(p.t, ring))
	p.rings[region], p.services[region] = ring, kms.New(ring, r.clock, kms.Options{})
	p.partition.Add(p.services[region])
}

// stop has the process hear of nothing any more.
func (p *process) stop() {
	for _, stop := range p.stops {
		stop()
	}
}

// runDue does what is due in every Region until nothing is.
func (p *process) runDue() {
	p.t.Helper()
	for range 3 {
		for _, region := range regions {
			if service := p.services[region]; service != nil {
				runDue(p.t, service)
			}
		}
	}
}

func (p *process) key(region, keyID string) *kms.Key {
	p.t.Helper()
	key, err := p.services[region].Key(keyID)
	if err != nil {
		p.t.Fatal(err)
	}
	return key
}

func (p *process) record(region, keyID string) *keyring.KeyRecord {
	p.t.Helper()
	return p.key(region, keyID).Record()
}

// newFamily is a multi-Region key with its primary in the north and replicas in the other Regions given.
func (p *process) newFamily(in kms.CreateKeyInput, replicas ...string) string {
	p.t.Helper()
	in.MultiRegion = true
	keyID := create(p.t, p.services[north], in).KeyID
	for _, region := range replicas {
		p.replicate(keyID, region)
	}
	return keyID
}

func (p *process) replicate(keyID, region string) *kms.Key {
	p.t.Helper()
	replica, err := p.key(north, keyID).ReplicateKey(p.t.Context(), kms.ReplicateKeyInput{Region: region})
	if err != nil {
		p.t.Fatal(err)
	}
	return replica
}

// refresh reads the key from every store.
func (p *process) refresh(keyID string) {
	p.t.Helper()
	for _, region := range regions {
		if err := p.rings[region].Refresh(p.t.Context(), keyID); err != nil {
			p.t.Fatal(err)
		}
	}
}

// relatives are the Regions in which the key is.
func (p *process) relatives(keyID string) []string {
	var found []string
	for _, region := range regions {
		if service := p.services[region]; service == nil {
			continue
		} else if _, err := service.Key(keyID); err == nil {
			found = append(found, region)
		}
	}
	return found
}

// checkShared says where relatives differ in what they share, of which nothing may be under way any more.
func (p *process) checkShared(keyID string) {
	p.t.Helper()
	type shared struct {
		Materials []string
		Rotations []keyring.Rotation
		Settings  keyring.RotationSettings
		Pending   bool
		Rotating  keyring.RotationType
		Primary   keyring.MultiRegion
	}
	of := func(region string) shared {
		record := p.record(region, keyID)
		s := shared{
			Rotations: record.Rotations, Settings: record.Rotation, Pending: record.Pending != nil,
			Rotating: record.Rotating, Primary: *record.MultiRegion,
		}
		for _, m := range record.Materials {
			s.Materials = append(s.Materials, m.ID)
		}
		return s
	}
	relatives := p.relatives(keyID)
	want := of(relatives[0])
	if want.Pending || want.Rotating != "" {
		p.t.Errorf("a rotation is still under way: %+v", want)
	}
	primaries := 0
	for _, region := range relatives {
		if diff := cmp.Diff(want, of(region)); diff != "" {
			p.t.Errorf("%s and %s differ:\n%s", relatives[0], region, diff)
		}
		if p.key(region, keyID).MultiRegionType() == kms.MultiRegionPrimary {
			primaries++
		}
	}
	if primaries != 1 {
		p.t.Errorf("there are %d primaries", primaries)
	}
}

// checkNoted says whether the relatives' records name the Regions in which there are replicas, and no others.
func (p *process) checkNoted(keyID string) {
	p.t.Helper()
	for _, region := range p.relatives(keyID) {
		m := p.record(region, keyID).MultiRegion
		want := slices.DeleteFunc(p.relatives(keyID), func(region string) bool { return region == m.PrimaryRegion })
		slices.Sort(want)
		if !slices.Equal(m.Replicas, want) || len(m.Replicating) > 0 || !m.ReplicatingSince.IsZero() {
			p.t.Errorf("the record in the %s has %+v, and there are replicas in %v", region, m, want)
		}
	}
}

// sealed are ciphertexts that relatives made.
type sealed [][]byte

// encrypt has every relative that is enabled encrypt, and adds to earlier ciphertexts.
func (p *process) encrypt(keyID string, earlier sealed) sealed {
	p.t.Helper()
	for _, region := range p.relatives(keyID) {
		key := p.key(region, keyID)
		if key.Record().State != lifecycle.Enabled {
			continue
		}
		ciphertext, _, err := key.Encrypt(keyspec.AlgorithmSymmetricDefault, nil, []byte("made in "+region))
		if err != nil {
			p.t.Fatal(err)
		}
		earlier = append(earlier, ciphertext)
	}
	return earlier
}

// checkDecrypts has every relative that is enabled decrypt everything.
func (p *process) checkDecrypts(keyID string, ciphertexts sealed) {
	p.t.Helper()
	for _, region := range p.relatives(keyID) {
		key := p.key(region, keyID)
		if key.Record().State != lifecycle.Enabled {
			continue
		}
		for i, ciphertext := range ciphertexts {
			if _, _, err := key.Decrypt(p.t.Context(), keyspec.AlgorithmSymmetricDefault, nil, ciphertext); err != nil {
				p.t.Errorf("%s does not decrypt ciphertext %d: %v", region, i, err)
			}
		}
	}
}

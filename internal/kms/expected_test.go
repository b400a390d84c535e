// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestAReplicaInARegionThatIsToBeOpenedIsNotForbiddenButNotThereYet(t *testing.T) {
	r := newRealm(t)
	p := r.openOnly(north)
	keyID := p.newFamily(kms.CreateKeyInput{})
	replicate := func() error {
		_, err := p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: south})
		return err
	}
	if err := replicate(); !kms.HasCode(err, kms.UnsupportedOperationException) {
		t.Errorf("a Region of which nobody knows: %v", err)
	}
	p.partition.Expect(keyring.ID{AccountID: accountID, Region: south})
	if err := replicate(); !kms.HasCode(err, kms.DependencyTimeoutException) {
		t.Errorf("a Region that is to be opened: %v", err)
	}
	p.add(r, south)
	if err := replicate(); err != nil {
		t.Error(err)
	}
}

func TestAKeysMetadataTellsItsRegions(t *testing.T) {
	p := newRealm(t).open()
	single := create(t, p.services[north], kms.CreateKeyInput{})
	if single.PrimaryRegion != "" || single.ReplicaRegions != nil {
		t.Errorf("a key of one Region is in %s and %v", single.PrimaryRegion, single.ReplicaRegions)
	}
	keyID := p.newFamily(kms.CreateKeyInput{}, west, south)
	for _, region := range regions {
		key, err := p.services[region].DescribeKey(t.Context(), keyID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{south, west}, key.ReplicaRegions); diff != "" || key.PrimaryRegion != north {
			t.Errorf("seen from the %s, the primary is in the %s; replicas (-want +got):\n%s", region, key.PrimaryRegion, diff)
		}
	}
}

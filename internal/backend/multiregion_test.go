// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestAMultiRegionKeyIsInTheRegionsOfItsPrimaryAndReplicas(t *testing.T) {
	key := &backend.MultiRegion{PrimaryRegion: "eu-west-1", ReplicaRegions: []string{"eu-central-1", "us-east-1"}}
	for region, want := range map[string]bool{"eu-west-1": true, "eu-central-1": true, "us-east-1": true, "us-east-2": false, "": false} {
		if got := key.In(region); got != want {
			t.Errorf("in %q: %t, want %t", region, got, want)
		}
	}
	var single *backend.MultiRegion
	if single.In("eu-west-1") {
		t.Error("a key of one Region has a replica")
	}
}

func TestChangesOfMultiRegionKeysSayInWhichRegions(t *testing.T) {
	for _, c := range []struct {
		change      backend.Change
		field, text string
	}{
		{backend.Replicate{Region: "us-east-1", Description: "d", Policy: "{}"}, "replicas", "replica in us-east-1 made"},
		{backend.UpdatePrimaryRegion{From: "eu-west-1", To: "us-east-1"}, "primaryRegion", "primary Region eu-west-1: set to us-east-1"},
	} {
		if c.change.Field() != c.field || c.change.String() != c.text {
			t.Errorf("%T is %q: %q, want %q: %q", c.change, c.change.Field(), c.change.String(), c.field, c.text)
		}
	}
}

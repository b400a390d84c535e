// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestAKeyIsBroughtToWhereItIsDeclaredToBe(t *testing.T) {
	in := func(primary string, replicas ...string) *backend.MultiRegion {
		return &backend.MultiRegion{PrimaryRegion: primary, ReplicaRegions: replicas}
	}
	regions := func(primary string, kept []string, replicas ...string) Regions {
		return Regions{Home: "home", Primary: primary, Kept: kept, Replicas: replicas}
	}
	const removedPrimary = "spec.replicas: south was removed and has the primary key: set spec.primaryRegion to another Region of the key, or declare the replica again"
	for name, c := range map[string]struct {
		want Regions
		seen *backend.MultiRegion
		need Spread
	}{
		"alone":                                {regions("", nil), in("home"), Spread{}},
		"a replica to be made":                 {regions("", nil, "south"), in("home"), Spread{Replicate: []string{"south"}}},
		"a replica that is there":              {regions("", []string{"south"}, "south"), in("home", "south"), Spread{Keep: []string{"south"}}},
		"one there and one not":                {regions("", nil, "south", "west"), in("home", "south"), Spread{Keep: []string{"south"}, Replicate: []string{"west"}}},
		"others' replica":                      {regions("", nil), in("home", "south"), Spread{}},
		"a replica no longer declared":         {regions("", []string{"south"}), in("home", "south"), Spread{Release: []string{"south"}}},
		"one that is gone, no longer declared": {regions("", []string{"south"}), in("home"), Spread{Release: []string{"south"}}},
		"the primary where it is to be":        {regions("home", nil, "south"), in("home", "south"), Spread{Keep: []string{"south"}}},
		"the primary elsewhere":                {regions("south", nil, "south"), in("home", "south"), Spread{Keep: []string{"south"}, MoveTo: "south"}},
		"the primary to come home":             {regions("home", nil, "south"), in("south", "home"), Spread{Keep: []string{"south"}, MoveTo: "home"}},
		"the primary left where it is":         {regions("", nil, "south"), in("south", "home"), Spread{Keep: []string{"south"}}},
		"a primary that is not there yet":      {regions("south", nil, "south"), in("home"), Spread{Replicate: []string{"south"}}},
		"home declared as a replica": {regions("", nil, "home"), in("home"), Spread{
			Mistakes: []string{"spec.replicas[0].region: home is the Region of the Key's KMSBackend, in which the key is anyway: remove it"},
		}},
		"a primary that is not declared": {regions("west", nil, "south"), in("home", "south", "west"), Spread{
			Keep:     []string{"south"},
			Mistakes: []string{"spec.primaryRegion: the key is not declared to be in west: add that Region to spec.replicas, or name another one"},
		}},
		"the primary's Region removed":            {regions("", []string{"south"}), in("south", "home"), Spread{Mistakes: []string{removedPrimary}}},
		"the primary's Region removed, and moved": {regions("home", []string{"south"}), in("south", "home"), Spread{MoveTo: "home"}},
		"the primary's Region removed, moved to where it is not": {regions("west", []string{"south"}), in("south", "home"), Spread{Mistakes: []string{
			"spec.primaryRegion: the key is not declared to be in west: add that Region to spec.replicas, or name another one", removedPrimary,
		}}},
		"the primary's Region removed, moved to one to be made": {regions("west", []string{"south"}, "west"), in("south", "home"), Spread{Replicate: []string{"west"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.need, Where(c.want, c.seen), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

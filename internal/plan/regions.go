// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// Regions is where a multi-Region key is declared to be.
type Regions struct {
	// Home is the Region of the Key's own KMSBackend.
	Home string
	// Replicas are the other Regions that are declared.
	Replicas []string
	// Primary is the Region declared for the primary; empty leaves it where it is.
	Primary string
	// Kept are the Regions besides Home in which the Key has kept the key so far.
	Kept []string
}

// Spread is what a multi-Region key needs to be where it is declared to be.
type Spread struct {
	// Replicate are the Regions into which the key is to be replicated.
	Replicate []string
	// Keep are the declared Regions besides home in which it is already.
	Keep []string
	// Release are the Regions in which it was kept, and is declared to be no longer.
	Release []string
	// MoveTo is the Region whose replica is to become the primary, and is there; empty if none is to.
	MoveTo string
	// Mistakes say what of the declaration cannot be, beginning with the field.
	Mistakes []string
}

// Where compares where a key is declared to be with where it was seen. A Region that has the primary is not released, since a
// key cannot be without: the primary is moved before.
func Where(want Regions, seen *backend.MultiRegion) Spread {
	var out Spread
	for i, region := range want.Replicas {
		switch {
		case region == want.Home:
			out.Mistakes = append(out.Mistakes, fmt.Sprintf(
				"spec.replicas[%d].region: %s is the Region of the Key's KMSBackend, in which the key is anyway: remove it", i, region))
		case seen.In(region):
			out.Keep = append(out.Keep, region)
		default:
			out.Replicate = append(out.Replicate, region)
		}
	}
	declared := want.Primary == "" || want.Primary == want.Home || slices.Contains(want.Replicas, want.Primary)
	switch {
	case !declared:
		out.Mistakes = append(out.Mistakes, fmt.Sprintf(
			"spec.primaryRegion: the key is not declared to be in %s: add that Region to spec.replicas, or name another one", want.Primary))
	case want.Primary != "" && want.Primary != seen.PrimaryRegion && seen.In(want.Primary):
		out.MoveTo = want.Primary
	}
	for _, region := range want.Kept {
		switch {
		case region == want.Home || slices.Contains(want.Replicas, region):
		case region != seen.PrimaryRegion:
			out.Release = append(out.Release, region)
		case want.Primary == "" || !declared:
			out.Mistakes = append(out.Mistakes, fmt.Sprintf(
				"spec.replicas: %s was removed and has the primary key: set spec.primaryRegion to another Region of the key, or declare the replica again", region))
		}
	}
	return out
}

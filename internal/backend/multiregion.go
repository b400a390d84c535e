// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"
	"slices"
)

// MultiRegion says in which Regions a multi-Region key is, one primary and any number of replicas: keys of one ID and one
// material, each with an ARN, policy, grants, aliases, tags, description and state of its own. Rotation is shared, and set on
// the primary. Each is a key of the backend of its Region. (AWS KMS Developer Guide, "Multi-Region keys".)
type MultiRegion struct {
	// PrimaryRegion is the Region of the primary key.
	PrimaryRegion string
	// ReplicaRegions are those of the replica keys, sorted.
	ReplicaRegions []string
}

// In says whether the key is in the Region.
func (m *MultiRegion) In(region string) bool {
	return m != nil && (m.PrimaryRegion == region || slices.Contains(m.ReplicaRegions, region))
}

// The changes of multi-Region keys. Both are made at the backend of the primary's Region.
type (
	// Replicate makes a replica of the primary in another Region of its account, enabled, with the tags and the policy given.
	// It is a key of that Region's backend from then on, which may show it a moment later, in StateCreating at first. One that
	// is there already is no error, and is left as it is. NotReady unless the primary is enabled; InvalidInput for a key that
	// is no primary, for a Region that does not exist, and for a policy that SetPolicy would not put.
	Replicate struct {
		Region, Description string
		// Tags are all of the replica's tags, owner tags included.
		Tags map[string]string
		// Policy is as in CreateInput.
		Policy string
	}
	// UpdatePrimaryRegion makes the replica in the Region To the primary, and the key a replica. That it is so already is no
	// error. NotReady unless both are enabled; InvalidInput if there is no replica in that Region.
	UpdatePrimaryRegion struct{ From, To string }
)

// Field is the field of Key.spec that the change is about.
func (Replicate) Field() string { return "replicas" }

// Field is the field of Key.spec that the change is about.
func (UpdatePrimaryRegion) Field() string { return "primaryRegion" }

func (c Replicate) String() string { return "replica in " + c.Region + " made" }

func (c UpdatePrimaryRegion) String() string {
	return fmt.Sprintf("primary Region %s: set to %s", c.From, c.To)
}

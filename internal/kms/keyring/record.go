// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"maps"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// KeyRecord is everything that is known of one key, its material included. Records that a Keyring returns are shared:
// they must not be changed.
type KeyRecord struct {
	KeyID       string
	Spec        keyspec.Spec
	Usage       keyspec.Usage
	State       lifecycle.State
	Description string
	Tags        map[string]string

	CreationTime time.Time
	// DeletionTime is when the key is to be destroyed; zero unless State is PendingDeletion.
	DeletionTime time.Time
	// PendingWindowInDays is the window that led to DeletionTime; 0 unless State is PendingDeletion.
	PendingWindowInDays int32

	Rotation RotationSettings
	// Rotations done so far, the oldest first.
	Rotations []Rotation
	// Materials are never empty: the last one is current, the older ones are for decryption.
	Materials []Material
}

// RotationSettings are those of automatic rotation.
type RotationSettings struct {
	Enabled bool
	// PeriodInDays is 0 unless rotation is enabled.
	PeriodInDays int32
	// EnabledAt is when rotation was last turned on; zero unless it is.
	EnabledAt time.Time
}

// RotationType says what caused a rotation, by AWS's names.
type RotationType string

// The types of rotation.
const (
	Automatic RotationType = "AUTOMATIC"
	OnDemand  RotationType = "ON_DEMAND"
)

// Rotation is one replacement of the key material.
type Rotation struct {
	Time time.Time
	Type RotationType
	// MaterialID is that of the material which became current.
	MaterialID string
}

// Material is one generation of a key's material.
type Material struct {
	// ID is AWS's KeyMaterialId.
	ID        string
	CreatedAt time.Time
	// Bytes are what material.Export returned.
	Bytes *SecretBytes
}

// AliasRecord is one alias.
type AliasRecord struct {
	// Name begins with alias/.
	Name         string
	KeyID        string
	CreationTime time.Time
	LastUpdated  time.Time
}

// Current is the material in use for new ciphertext, signatures and MACs.
func (r *KeyRecord) Current() Material { return r.Materials[len(r.Materials)-1] }

// LastRotation is the time of the last rotation of one of the types given; zero if there was none.
func (r *KeyRecord) LastRotation(types ...RotationType) time.Time {
	for _, rotation := range slices.Backward(r.Rotations) {
		if slices.Contains(types, rotation.Type) {
			return rotation.Time
		}
	}
	return time.Time{}
}

// OnDemandCount is the number of rotations on demand so far.
func (r *KeyRecord) OnDemandCount() int {
	count := 0
	for _, rotation := range r.Rotations {
		if rotation.Type == OnDemand {
			count++
		}
	}
	return count
}

// NextRotation is when the next automatic rotation is due; zero when automatic rotation is off.
func (r *KeyRecord) NextRotation() time.Time {
	if !r.Rotation.Enabled {
		return time.Time{}
	}
	return lifecycle.NextRotation(r.Rotation.EnabledAt, r.LastRotation(Automatic), r.Rotation.PeriodInDays)
}

// clone is a copy that can be changed freely, its tags never nil. The secret bytes are shared: they never change.
func (r *KeyRecord) clone() *KeyRecord {
	c := *r
	c.Tags = make(map[string]string, len(r.Tags))
	maps.Copy(c.Tags, r.Tags)
	c.Rotations = slices.Clone(r.Rotations)
	c.Materials = slices.Clone(r.Materials)
	return &c
}

// equal says whether writing r over other would change nothing.
func (r *KeyRecord) equal(other *KeyRecord) bool {
	return r.KeyID == other.KeyID && r.Spec == other.Spec && r.Usage == other.Usage && r.State == other.State &&
		r.Description == other.Description && maps.Equal(r.Tags, other.Tags) &&
		r.CreationTime.Equal(other.CreationTime) && r.DeletionTime.Equal(other.DeletionTime) &&
		r.PendingWindowInDays == other.PendingWindowInDays && r.Rotation.equal(other.Rotation) &&
		slices.EqualFunc(r.Rotations, other.Rotations, Rotation.equal) &&
		slices.EqualFunc(r.Materials, other.Materials, Material.equal)
}

func (s RotationSettings) equal(other RotationSettings) bool {
	return s.Enabled == other.Enabled && s.PeriodInDays == other.PeriodInDays && s.EnabledAt.Equal(other.EnabledAt)
}

func (r Rotation) equal(other Rotation) bool {
	return r.Time.Equal(other.Time) && r.Type == other.Type && r.MaterialID == other.MaterialID
}

// equal goes by the ID, which is derived from the bytes.
func (m Material) equal(other Material) bool {
	return m.ID == other.ID && m.CreatedAt.Equal(other.CreatedAt)
}

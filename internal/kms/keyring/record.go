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
	Origin      Origin
	State       lifecycle.State
	Description string
	Tags        map[string]string
	// Policy is the key policy, a JSON document; empty means the one that the service gives keys without.
	Policy string
	// Grants in force, the oldest first.
	Grants []Grant
	// MultiRegion is nil for a key of one Region.
	MultiRegion *MultiRegion

	CreationTime time.Time
	// DeletionTime is when the key is to be destroyed; zero unless State is PendingDeletion.
	DeletionTime time.Time
	// PendingWindowInDays is the window that led to DeletionTime; 0 unless State is PendingDeletion.
	PendingWindowInDays int32

	Rotation RotationSettings
	// Rotations done so far, the oldest first.
	Rotations []Rotation
	// Materials: the last one is current, the older ones are for decryption. Only a key whose material is imported can have
	// none, or ones whose bytes are gone.
	Materials []Material
	// Pending is material that becomes current at the next rotation; nil if there is none. Its bytes can be nil like those of
	// any imported material.
	Pending *Material
	// Rotating is set while Pending is on its way: it was made here and becomes current by itself as soon as every relative
	// of a multi-Region key has it. It is empty for imported material, which waits for RotateKeyOnDemand.
	Rotating RotationType
	// LastUse is the last use of the material that was noted, of several within a while only one; nil if there was none.
	LastUse *Use
}

// Origin says where a key's material comes from, by AWS's names.
type Origin string

// The origins.
const (
	OriginAWSKMS   Origin = "AWS_KMS"  // made here
	OriginExternal Origin = "EXTERNAL" // imported
)

// Use is one use of a key's material.
type Use struct {
	Time time.Time
	// Operation is by AWS's name, such as Decrypt.
	Operation string
	// RequestID and EventID are those of the request and of its record in the audit trail.
	RequestID string
	EventID   string
	// Principal is the ARN of who did it.
	Principal string
}

// MultiRegion says that a key may have relatives: keys in other Regions of the account with the same ID and material.
type MultiRegion struct {
	// PrimaryRegion is that of the primary key, as of Epoch. Of several relatives that differ the one with the highest epoch
	// is right, so that changing any of this is one write: into the record of the primary that was.
	PrimaryRegion string
	Epoch         int64
	// Replicas are the Regions in which there are replicas, or may be, sorted. It is what a primary goes by that cannot see
	// all of them.
	Replicas []string
	// Replicating are those Regions of Replicas, sorted, in which nobody has seen the replica yet: it is being made, or who was
	// making it died. ReplicatingSince is when the last of them was begun; zero if there is none.
	Replicating      []string
	ReplicatingSince time.Time
}

// Grant allows a principal some operations on the key.
type Grant struct {
	ID           string
	Name         string
	CreationTime time.Time
	// Exactly one of Grantee, an ARN, and GranteeService is set; at most one of Retiring and RetiringService.
	Grantee         string
	GranteeService  string
	Retiring        string
	RetiringService string
	// IssuingAccount is the ARN of the root of the account in which the grant was created.
	IssuingAccount string
	Operations     []string
	// EncryptionContextEquals and EncryptionContextSubset constrain the grant if they are not nil.
	EncryptionContextEquals map[string]string
	EncryptionContextSubset map[string]string
	SourceArn               string
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
	// Bytes are what material.Export returned; nil for imported material that was deleted or has expired.
	Bytes *SecretBytes
	// Description is the importer's.
	Description string
	// ExpirationTime is when imported material is deleted; zero for never.
	ExpirationTime time.Time
}

// AliasRecord is one alias.
type AliasRecord struct {
	// Name begins with alias/.
	Name         string
	KeyID        string
	CreationTime time.Time
	LastUpdated  time.Time
}

// Current is the material in use for new ciphertext, signatures and MACs; the zero Material if nothing was imported yet.
func (r *KeyRecord) Current() Material {
	if len(r.Materials) == 0 {
		return Material{}
	}
	return r.Materials[len(r.Materials)-1]
}

// Material is the material with that ID, pending ones included; nil if there is none.
func (r *KeyRecord) Material(id string) *Material {
	if r.Pending != nil && r.Pending.ID == id {
		return r.Pending
	}
	for i := range r.Materials {
		if r.Materials[i].ID == id {
			return &r.Materials[i]
		}
	}
	return nil
}

// LastRotation is the time of the last rotation of one of the types given; zero if there was none.
func (r *KeyRecord) LastRotation(types ...RotationType) time.Time {
	for _, rotation := range slices.Backward(r.Rotations) {
		if slices.Contains(types, rotation.Type) {
			return rotation.Time
		}
	}
	return time.Time{}
}

// OnDemandCount is the number of rotations on demand so far, one that is on its way included.
func (r *KeyRecord) OnDemandCount() int {
	count := 0
	if r.Rotating == OnDemand {
		count++
	}
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
	c.Grants = slices.Clone(r.Grants)
	c.Pending = clonePointer(r.Pending)
	if c.MultiRegion = clonePointer(r.MultiRegion); c.MultiRegion != nil {
		c.MultiRegion.Replicas = slices.Clone(r.MultiRegion.Replicas)
		c.MultiRegion.Replicating = slices.Clone(r.MultiRegion.Replicating)
	}
	c.LastUse = clonePointer(r.LastUse)
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// Equal says whether writing r over other would change nothing.
func (r *KeyRecord) Equal(other *KeyRecord) bool {
	return r.KeyID == other.KeyID && r.Spec == other.Spec && r.Usage == other.Usage && r.Origin == other.Origin &&
		r.State == other.State && r.Description == other.Description && maps.Equal(r.Tags, other.Tags) &&
		r.Policy == other.Policy && equalPointers(r.MultiRegion, other.MultiRegion, MultiRegion.Equal) &&
		slices.EqualFunc(r.Grants, other.Grants, Grant.equal) &&
		r.CreationTime.Equal(other.CreationTime) && r.DeletionTime.Equal(other.DeletionTime) &&
		r.PendingWindowInDays == other.PendingWindowInDays && r.Rotation.equal(other.Rotation) &&
		slices.EqualFunc(r.Rotations, other.Rotations, Rotation.equal) &&
		slices.EqualFunc(r.Materials, other.Materials, Material.equal) &&
		equalPointers(r.Pending, other.Pending, Material.equal) && r.Rotating == other.Rotating &&
		equalPointers(r.LastUse, other.LastUse, Use.equal)
}

func equalPointers[T any](a, b *T, equal func(T, T) bool) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equal(*a, *b)
}

func (g Grant) equal(other Grant) bool {
	return g.ID == other.ID && g.Name == other.Name && g.CreationTime.Equal(other.CreationTime) &&
		g.Grantee == other.Grantee && g.GranteeService == other.GranteeService &&
		g.Retiring == other.Retiring && g.RetiringService == other.RetiringService &&
		g.IssuingAccount == other.IssuingAccount && slices.Equal(g.Operations, other.Operations) &&
		equalConstraint(g.EncryptionContextEquals, other.EncryptionContextEquals) &&
		equalConstraint(g.EncryptionContextSubset, other.EncryptionContextSubset) && g.SourceArn == other.SourceArn
}

// equalConstraint tells a constraint that is empty from one that is not set.
func equalConstraint(a, b map[string]string) bool {
	return (a == nil) == (b == nil) && maps.Equal(a, b)
}

// Equal says whether both say the same.
func (m MultiRegion) Equal(other MultiRegion) bool {
	return m.PrimaryRegion == other.PrimaryRegion && m.Epoch == other.Epoch && slices.Equal(m.Replicas, other.Replicas) &&
		slices.Equal(m.Replicating, other.Replicating) && m.ReplicatingSince.Equal(other.ReplicatingSince)
}

func (u Use) equal(other Use) bool {
	return u.Time.Equal(other.Time) && u.Operation == other.Operation && u.RequestID == other.RequestID &&
		u.EventID == other.EventID && u.Principal == other.Principal
}

func (s RotationSettings) equal(other RotationSettings) bool {
	return s.Enabled == other.Enabled && s.PeriodInDays == other.PeriodInDays && s.EnabledAt.Equal(other.EnabledAt)
}

func (r Rotation) equal(other Rotation) bool {
	return r.Time.Equal(other.Time) && r.Type == other.Type && r.MaterialID == other.MaterialID
}

// equal goes by the ID, which is derived from the bytes, and by whether they are there.
func (m Material) equal(other Material) bool {
	return m.ID == other.ID && m.CreatedAt.Equal(other.CreatedAt) && (m.Bytes == nil) == (other.Bytes == nil) &&
		m.Description == other.Description && m.ExpirationTime.Equal(other.ExpirationTime)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kms is the built-in key management service: AWS KMS's semantics on a keyring.
//
// A Service answers for one account and region. Operations have AWS's names and rules: states (package lifecycle), key
// specs and usages (package keyspec), limits, and errors with AWS's codes and texts (Error). Callers are trusted: who may
// do what is decided in package operation, in front of it. What AWS has and this does not: custom key stores.
//
// # Changing a key
//
// What changes a key's record is a Mutation, and Update carries out any number of them in one write:
//
//	service.Update(ctx, keyID, kms.EnableKey(), kms.TagResource(tags), kms.EnableKeyRotation(365))
//
// Aliases are records of their own, so that the store can see to it that each exists once: CreateAlias, DeleteAlias.
//
// # What happens by itself
//
// Run rotates keys on their date, deletes imported material that expires, brings the relatives of a multi-Region key in
// step, and destroys keys whose waiting window has passed, also when that was while no process ran. Any number of processes
// may do so; each rotation and each destruction happens once. It also writes down when keys were last used.
//
// # Multi-Region keys and Regions that are not open
//
// The primary of a multi-Region key has the Regions of its replicas in its record. While one of them is not in the Partition,
// or its keyring is not loaded, it counts as having the replica: the primary stays in PendingReplicaDeletion, and a rotation
// that has begun waits. A replica, too, is not destroyed before its primary could be asked whether it still is. They go on
// when the Region is added. A Region that was removed for good, with its replica in it, is waited for without end, and
// KeyMetadata says which one; the way out is to open it again. With its records, a rotation goes on, and the replica can be
// deleted there; without them it is seen that there is no replica. A primary can be taken back meanwhile.
package kms

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Service is the key management service of one account and region. It is safe for concurrent use.
type Service struct {
	ring            *keyring.Keyring
	clock           clock.Clock
	defaultPolicy   *policy.Document
	defaultText     string // of defaultPolicy, which most keys have
	namespacedRoles bool
	wrappingKeys    func(wrapping.KeySpec) (private, public []byte, err error)
	lives           lives
	uses            uses
	goneGrants      goneGrants
	partition       atomic.Pointer[Partition]
	wake            chan struct{} // Run is to look again

	mu      sync.Mutex
	planned time.Time // when Run looks again by itself
}

// Options adapt a Service to its caller. The zero value is good.
type Options struct {
	// DefaultPolicy is the policy of keys that were made without one; nil allows nobody anything.
	DefaultPolicy *policy.Document
	// NamespacedRoles says that roles are those of ServiceAccounts, whose namespace is in the role's ARN and not in that of a
	// session: policies and grants must name roles.
	NamespacedRoles bool
	// WrappingKeys makes the wrapping keys of imports, which it gives away; nil is wrapping.GenerateWrappingKey. It is for tests, which
	// have no time for that.
	WrappingKeys func(wrapping.KeySpec) (private, public []byte, err error)
}

// New returns the service on a keyring, which the caller runs.
func New(ring *keyring.Keyring, clock clock.Clock, options Options) *Service {
	s := &Service{
		ring: ring, clock: clock, defaultPolicy: options.DefaultPolicy, namespacedRoles: options.NamespacedRoles,
		wrappingKeys: options.WrappingKeys, wake: make(chan struct{}, 1),
	}
	if options.DefaultPolicy != nil {
		s.defaultText = options.DefaultPolicy.String()
	}
	ring.Subscribe(s.lives.follow)
	return s
}

// KeyMetadata is what DescribeKey and its relatives tell of a key.
type KeyMetadata struct {
	KeyID       string
	ARN         string
	Spec        keyspec.Spec
	Usage       keyspec.Usage
	Origin      keyring.Origin
	State       lifecycle.State
	Description string
	// Tags are never nil.
	Tags map[string]string
	// Aliases are sorted.
	Aliases      []string
	CreationTime time.Time
	// DeletionTime is zero unless the key is pending deletion.
	DeletionTime time.Time
	// ExpirationTime is when the first of the key's imported materials expires; zero if none does.
	ExpirationTime time.Time
	Rotation       RotationStatus
	// PrimaryRegion and ReplicaRegions are what Key.Relatives tells; empty for a key of one Region.
	PrimaryRegion  string
	ReplicaRegions []string
}

// RotationStatus is what GetKeyRotationStatus and ListKeyRotations tell, in short, and more truly than AWS: a key that is
// pending deletion does not rotate, but keeps its settings for when it is taken back. Times without meaning are zero.
type RotationStatus struct {
	Enabled bool
	// PeriodInDays is 0 unless rotation is enabled.
	PeriodInDays int32
	// NextTime is in the past when the rotation is overdue: because the key is not enabled, or for a moment.
	NextTime         time.Time
	LastTime         time.Time
	LastOnDemandTime time.Time
	OnDemandCount    int
	// AwaitedRegions are those of the replicas, sorted, for which a rotation waits that has begun at the primary: they do not
	// have the new material yet. It becomes current, and LastTime is set, when all have it.
	AwaitedRegions []string
}

// DescribeKey returns the key that ref names: a key ID, a key ARN, an alias name or an alias ARN.
func (s *Service) DescribeKey(ctx context.Context, ref string) (*KeyMetadata, error) {
	keyID, err := s.resolve(ref)
	if err != nil {
		return nil, err
	}
	record, err := s.record(ctx, keyID)
	if err != nil {
		return nil, err
	}
	return s.metadata(record), nil
}

// KeyIDs returns the IDs of all keys, those that are pending deletion and those whose record is damaged among them, in no
// order.
func (s *Service) KeyIDs() ([]string, error) {
	keyIDs, err := s.ring.KeyIDs()
	if err != nil {
		return nil, s.translate(err, "")
	}
	return keyIDs, nil
}

// FindByOwner returns the keys of an owner, as the keyring derives it from their tags, the oldest first.
func (s *Service) FindByOwner(ctx context.Context, owner string) ([]*KeyMetadata, error) {
	records, err := s.ring.Owned(owner)
	if err != nil {
		return nil, s.translate(err, "")
	}
	keys := make([]*KeyMetadata, 0, len(records))
	for _, record := range records {
		record, err := s.record(ctx, record.KeyID)
		if HasCode(err, NotFoundException) {
			continue
		}
		if err != nil {
			return nil, err
		}
		keys = append(keys, s.metadata(record))
	}
	return keys, nil
}

// record is the key's record; it is at least as new as any write of this process, those whose answer was lost included.
func (s *Service) record(ctx context.Context, keyID string) (*keyring.KeyRecord, error) {
	if err := s.ring.Settle(ctx, keyID); err != nil {
		return nil, s.translate(err, keyID)
	}
	record, err := s.ring.Key(keyID)
	if err != nil {
		return nil, s.translate(err, keyID)
	}
	return record, nil
}

// now is the time to note in records.
func (s *Service) now() time.Time { return s.clock.Now().UTC() }

func (s *Service) metadata(r *keyring.KeyRecord) *KeyMetadata {
	tags := make(map[string]string, len(r.Tags))
	maps.Copy(tags, r.Tags)
	primary, replicas := s.regionsOf(r)
	rotation := rotationStatus(r)
	rotation.AwaitedRegions = s.awaitedBy(r, replicas)
	return &KeyMetadata{
		KeyID: r.KeyID, ARN: s.KeyARN(r.KeyID),
		Spec: r.Spec, Usage: r.Usage, Origin: r.Origin, State: r.State,
		Description: r.Description, Tags: tags, Aliases: s.ring.AliasesOf(r.KeyID),
		CreationTime: r.CreationTime, DeletionTime: r.DeletionTime,
		ExpirationTime: nextExpiry(r), Rotation: rotation, PrimaryRegion: primary, ReplicaRegions: replicas,
	}
}

func rotationStatus(r *keyring.KeyRecord) RotationStatus {
	return RotationStatus{
		Enabled: r.Rotation.Enabled, PeriodInDays: r.Rotation.PeriodInDays, NextTime: r.NextRotation(),
		LastTime:         r.LastRotation(keyring.Automatic, keyring.OnDemand),
		LastOnDemandTime: r.LastRotation(keyring.OnDemand),
		OnDemandCount:    r.OnDemandCount(),
	}
}

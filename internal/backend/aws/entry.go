// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// seen is one thing that is known of a key: read from AWS, or written by this process.
type seen[T any] struct {
	value T
	known bool
	// wrote is when this process last changed it. Reads that began soon after may not show that.
	wrote time.Time
}

// read takes what a read that began at begun saw, unless it may not show what was written.
func (s *seen[T]) read(value T, begun time.Time, lag time.Duration) {
	if s.known && begun.Before(s.wrote.Add(lag)) {
		return
	}
	s.value, s.known = value, true
}

// write takes what this process made it.
func (s *seen[T]) write(value T, now time.Time) { s.value, s.known, s.wrote = value, true, now }

// change makes a change of what is known, if anything is.
func (s *seen[T]) change(now time.Time, edit func(*T)) {
	if s.known {
		edit(&s.value)
		s.wrote = now
	}
}

// entry is what is known of a key. All but id and public change under the view's mutex.
type entry struct {
	id string
	// since is when the key became known, or was made: reads soon after may not show it, and lists that were begun then may lack it.
	since time.Time
	// verified is when all of it was last read, or the key made.
	verified time.Time
	// tried is when a sweep last set about to look at all of it.
	tried time.Time
	// tagsDenied is when a sweep was last refused its tags.
	tagsDenied time.Time

	metadata seen[metadata]
	tags     seen[map[string]string]
	schedule seen[schedule]
	history  seen[history]
	policy   seen[string]
	grants   seen[grants]
	// rotateLost is when a rotation on demand was asked for to which no answer came.
	rotateLost time.Time
	// public is the public key, which never changes.
	public []byte
}

// schedule is what GetKeyRotationStatus tells of automatic rotation.
type schedule struct {
	periodInDays int // 0 when it is off
	next         time.Time
}

// history is what ListKeyRotations tells, when the key material was the one with that ID.
type history struct {
	last, lastOnDemand time.Time
	onDemand           int
	materialID         string
}

// metadata is what DescribeKey tells.
type metadata struct {
	arn          string
	spec         keyspec.Spec
	usage        keyspec.Usage
	origin       backend.Origin
	state        backend.State
	description  string
	creationTime time.Time
	deletionTime time.Time
	// expirationTime is when imported key material expires.
	expirationTime time.Time
	materialID     string
	// multiRegion is never changed, but replaced.
	multiRegion *backend.MultiRegion
	store       backend.CustomKeyStore
	// rotates says whether keys of this kind have a rotation status.
	rotates bool
}

// complete says whether enough is known to tell the key as a whole, but for aliases.
func (e *entry) complete() bool {
	return e.metadata.known && e.tags.known && (!e.metadata.value.rotates || e.schedule.known && e.history.known)
}

// key is the key as it is known, without aliases.
func (e *entry) key() *backend.Key {
	m, s, h := e.metadata.value, e.schedule.value, e.history.value
	return &backend.Key{
		ID: e.id, ARN: m.arn, Spec: m.spec, Usage: m.usage, Origin: m.origin, State: m.state, Description: m.description,
		Tags: maps.Clone(e.tags.value), CreationTime: m.creationTime, DeletionTime: m.deletionTime, ExpirationTime: m.expirationTime,
		MultiRegion: m.multiRegion, Store: m.store,
		Rotation: backend.Rotation{
			Enabled: s.periodInDays > 0, PeriodInDays: s.periodInDays, NextTime: s.next,
			LastTime: h.last, LastOnDemandTime: h.lastOnDemand, OnDemandCount: h.onDemand,
		},
	}
}

// owner is whom the key's tags name; false while they are not known, or name nobody.
func (e *entry) owner() (backend.Owner, bool) {
	if !e.tags.known {
		return backend.Owner{}, false
	}
	return backend.OwnerFromTags(e.tags.value)
}

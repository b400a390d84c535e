// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"reflect"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// entry is what is known of a key. All but id and public change under the view's mutex.
type entry struct {
	id string
	// since is when the key became known, or was made: reads soon after may not show it, and lists that were begun then may lack it.
	since time.Time
	// missed is until when the key may have been written to in ways that this process does not know of: until it was opened, or the
	// key was forgotten. Zero for a key that it made.
	missed time.Time
	// verified is when all of it was last read, or the key made.
	verified time.Time
	// tried is when a sweep last set about to look at all of it.
	tried time.Time
	// tagsDenied is when a sweep was last refused its tags.
	tagsDenied time.Time
	// denied is when a sweep was last refused a look at it, or at its grants, unless it was looked at since.
	denied time.Time

	metadata seen[metadata]
	tags     seen[map[string]string]
	schedule seen[schedule]
	history  seen[history]
	// lostRotation is when a rotation on demand was asked for whose answer was lost, while that is in doubt.
	lostRotation time.Time
	policy       seen[string]
	grants       seen[grants]
	// mayTags are tags that it may have while they are in doubt, and mayGrants are grants of which nobody knows whether they are there.
	mayTags   map[string]string
	mayGrants []backend.Grant
	// public is the public key, which never changes.
	public []byte
}

// schedule is what GetKeyRotationStatus tells of automatic rotation.
type schedule struct {
	periodInDays int // 0 when it is off
	next         time.Time
	// onDemand is when a rotation on demand was begun that is not at its end.
	onDemand time.Time
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

// whole says whether enough is known, be it in doubt, to tell the key as a whole, but for aliases.
func (e *entry) whole() bool {
	return e.metadata.known && e.tags.known && (!e.metadata.value.rotates || e.schedule.known && e.history.known)
}

// complete says whether enough is known for certain to tell the key as a whole, but for aliases.
func (e *entry) complete() bool {
	return e.whole() && e.shownAt(0).IsZero()
}

// key is the key as it is known, without aliases. In doubt it has every tag that it may have.
func (e *entry) key() *backend.Key {
	m, s, h := e.metadata.value, e.schedule.value, e.history.value
	onDemand, lastOnDemand := e.rotationsOnDemand()
	return &backend.Key{
		ID: e.id, ARN: m.arn, Spec: m.spec, Usage: m.usage, Origin: m.origin, State: m.state, Description: m.description,
		Tags: e.allTags(), CreationTime: m.creationTime, DeletionTime: m.deletionTime, ExpirationTime: m.expirationTime,
		MultiRegion: m.multiRegion, Store: m.store,
		Rotation: backend.Rotation{
			Enabled: s.periodInDays > 0, PeriodInDays: s.periodInDays, NextTime: s.next,
			LastTime: h.last, LastOnDemandTime: lastOnDemand, OnDemandCount: onDemand,
		},
	}
}

// differs says whether anything that was known of the key before is not so any more. That tags are in doubt is nothing that is known:
// who could not set them hears of that as an error, and tries again when it is time.
func (e *entry) differs(before *entry) bool {
	return before.tags.known && !maps.Equal(before.tags.value, e.tags.value) ||
		before.whole() && !reflect.DeepEqual(before.untagged(), e.untagged()) ||
		before.policy.known && before.policy.value != e.policy.value ||
		before.grants.known && !reflect.DeepEqual(before.grants.value.list, e.grants.value.list)
}

// untagged is the key without its tags.
func (e *entry) untagged() *backend.Key {
	key := e.key()
	key.Tags = nil
	return key
}

// rotationsOnDemand are how often the key was rotated on demand, and when last, one that is under way included.
func (e *entry) rotationsOnDemand() (count int, last time.Time) {
	count, last = e.history.value.onDemand, e.history.value.lastOnDemand
	if begun := e.schedule.value.onDemand; begun.After(last) {
		return count + 1, begun
	}
	return count, last
}

// rotatedAt is when a rotation on demand was that AWS lists: as this process reckoned it, be it the one that is known or, among those
// that were not, one whose answer was lost.
func (e *entry) rotatedAt(told time.Time, isNew bool) time.Time {
	if isNew {
		return e.asLost(told)
	}
	return asReckoned(told, e.history.value.lastOnDemand)
}

// rotatingAt is when a rotation on demand was begun that AWS is at: the one that is known or the one whose answer was lost, whichever is
// nearer.
func (e *entry) rotatingAt(told time.Time) time.Time {
	known := e.history.value.lastOnDemand
	return e.rotatedAt(told, told.Sub(e.lostRotation).Abs() < told.Sub(known).Abs())
}

// asLost is when the rotation was whose answer was lost, if it may be that one: of two clocks, the one by which it came after the
// request.
func (e *entry) asLost(told time.Time) time.Time {
	return later(told, asReckoned(told, e.lostRotation))
}

// allTags are the tags that the key has, and those that it may have.
func (e *entry) allTags() map[string]string {
	if !e.tags.doubted {
		return maps.Clone(e.tags.value)
	}
	tags := map[string]string{}
	maps.Copy(tags, e.mayTags)
	maps.Copy(tags, e.tags.value)
	return tags
}

// doubtTags notes that no answer came to a change of tags, after which the key may have those in set. Tags that are being removed it
// may have as well.
func (e *entry) doubtTags(set map[string]string, now time.Time) {
	if !e.tags.doubted {
		e.mayTags = map[string]string{}
	}
	maps.Copy(e.mayTags, set)
	e.tags.doubt(now)
}

// owner is whom the key's tags name; false while they are not known, or name nobody.
func (e *entry) owner() (backend.Owner, bool) {
	if !e.tags.known {
		return backend.Owner{}, false
	}
	return backend.OwnerFromTags(e.tags.value)
}

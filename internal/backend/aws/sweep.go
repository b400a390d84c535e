// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// creditPerKey is how many calls a sweep may make for each key of this cluster, beyond the pages of lists.
const creditPerKey = 0.1

// Sweep finds what others changed. It reads all keys, aliases and tags by lists, and some keys in depth: those that are due (to be
// rotated or destroyed, or to lose imported material), and in turn as many others as cost a tenth of a call per key of this cluster.
// Watchers are told of what changed. One sweep runs at a time; what one could not read does not keep it from the rest.
func (b *Backend) Sweep(ctx context.Context) error {
	b.sweeping.Lock()
	defer b.sweeping.Unlock()
	keys := creditPerKey * float64(b.view.size())
	b.credit = min(b.credit+keys, max(b.view.costOfDeepest(), keys))
	return errors.Join(b.sweepKeys(ctx), b.sweepAliases(ctx), b.sweepTags(ctx), b.sweepDeep(ctx))
}

// sweepKeys looks for keys that are gone. That a list lacks one is not enough.
func (b *Backend) sweepKeys(ctx context.Context) error {
	begun := b.clock.Now()
	ids, err := b.listKeys(ctx)
	if err != nil {
		return err
	}
	if !b.taggingAPI() {
		if err := b.readUnknown(ctx, ids, begun); err != nil {
			return err
		}
	}
	for _, id := range b.view.absent(ids, begun) {
		if _, err := b.describe(ctx, id); err != nil && !backend.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// absent are the keys that a list which began at begun should have and has not.
func (v *view) absent(listed []string, begun time.Time) []string {
	there := make(map[string]struct{}, len(listed))
	for _, id := range listed {
		there[id] = struct{}{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var absent []string
	for id, e := range v.keys {
		if _, ok := there[id]; !ok && !begun.Before(e.since.Add(v.lags.Reads)) {
			absent = append(absent, id)
		}
	}
	slices.Sort(absent)
	return absent
}

// sweepAliases reads all aliases.
func (b *Backend) sweepAliases(ctx context.Context) error {
	changed, err := b.readAliases(ctx, b.clock.Now())
	if err != nil {
		return err
	}
	for id := range changed {
		b.tellOf(id)
	}
	return nil
}

// sweepTags reads the tags of this cluster's keys by one listing, where there is one. A key that it lacks has lost its owner
// tags; that is looked at.
func (b *Backend) sweepTags(ctx context.Context) error {
	if !b.taggingAPI() {
		return nil
	}
	before := b.view.tagsOfOwned()
	begun := b.clock.Now()
	listed, err := b.readListing(ctx, begun)
	if err != nil {
		if b.taggingAPI() {
			return err
		}
		return nil // it is not there, or not allowed
	}
	for _, id := range b.view.unlisted(listed, begun) {
		if b.credit < 1 {
			break // the next sweep will see
		}
		b.credit--
		tags, err := b.tagsOf(ctx, id)
		if err != nil && !backend.IsNotFound(err) {
			return err
		}
		b.view.editKnown(id, begun, func(e *entry) { e.tags.read(tags, begun, b.lags.Reads) })
	}
	for id, after := range b.view.tagsOfOwned() {
		if !maps.Equal(before[id], after) {
			b.tellOf(id)
		}
		delete(before, id)
	}
	for _, tags := range before {
		if owner, owned := backend.OwnerFromTags(tags); owned {
			b.tell(owner)
		}
	}
	return nil
}

// size is the number of this cluster's keys.
func (v *view) size() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	size := 0
	for _, e := range v.keys {
		if v.ours(e) {
			size++
		}
	}
	return size
}

// tagsOfOwned are the tags of this cluster's keys.
func (v *view) tagsOfOwned() map[string]map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	tags := map[string]map[string]string{}
	for id, e := range v.keys {
		if v.ours(e) {
			tags[id] = e.tags.value
		}
	}
	return tags
}

// unlisted are this cluster's keys that the Tagging API lacks although it should show them by now.
func (v *view) unlisted(listed map[string]map[string]string, begun time.Time) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var unlisted []string
	for id, e := range v.keys {
		_, ok := listed[id]
		if !ok && v.ours(e) && !begun.Before(later(e.since, e.tags.wrote).Add(v.lags.Tagging)) {
			unlisted = append(unlisted, id)
		}
	}
	return unlisted
}

// sweepDeep looks at keys in depth: those that are due, and in turn as many others as the credit is good for.
func (b *Backend) sweepDeep(ctx context.Context) error {
	due, inTurn := b.view.toLookAt(b.clock.Now())
	for _, id := range due {
		if err := b.lookDeep(ctx, id, false); err != nil && !backend.IsNotFound(err) {
			return err
		}
	}
	for _, id := range inTurn {
		tags := !b.taggingAPI()
		cost := b.view.costOfLook(id, tags)
		if b.credit < cost {
			return nil
		}
		b.credit -= cost
		if err := b.lookDeep(ctx, id, tags); err != nil && !backend.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// toLookAt are those of this cluster's keys that are wholly known: whose rotation or destruction is due, and the others, those
// first that were looked at longest ago.
func (v *view) toLookAt(now time.Time) (due, inTurn []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, e := range v.keys {
		switch {
		case !v.ours(e) || !e.complete():
		case e.due(now):
			due = append(due, id)
		default:
			inTurn = append(inTurn, id)
		}
	}
	slices.SortFunc(inTurn, func(a, b string) int { return v.keys[a].verified.Compare(v.keys[b].verified) })
	slices.Sort(due)
	return due, inTurn
}

// costOfDeepest is the most calls that a look in depth at a key takes.
func (v *view) costOfDeepest() float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	most := 0.0
	for _, e := range v.keys {
		most = max(most, e.costOfLook(true))
	}
	return most
}

// costOfLook is the number of calls that a look in depth at the key takes.
func (v *view) costOfLook(id string, tags bool) float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.keys[id]; ok {
		return e.costOfLook(tags)
	}
	return 1
}

func (e *entry) costOfLook(tags bool) float64 {
	cost := 1 + e.grantPages()
	for _, reads := range []bool{tags, e.metadata.value.rotates, e.policy.known} {
		if reads {
			cost++
		}
	}
	return float64(cost)
}

// due says whether AWS may have done something with the key by itself since it was looked at. If AWS is late, that is found in
// turn: a date makes for one look.
func (e *entry) due(now time.Time) bool {
	date := time.Time{}
	switch e.metadata.value.state {
	case backend.StateCreating, backend.StateUpdating:
		return true
	case backend.StatePendingDeletion:
		date = e.metadata.value.deletionTime
	case backend.StateEnabled:
		date = later(e.schedule.value.next, e.metadata.value.expirationTime) // imported material is not rotated, so there is one
	case backend.StateDisabled:
		date = e.metadata.value.expirationTime
	default:
	}
	return !date.IsZero() && !now.Before(date) && e.verified.Before(date)
}

// lookDeep reads all of a key anew, its tags too if they are asked for, and tells its owner if something is not what it was.
func (b *Backend) lookDeep(ctx context.Context, id string, tags bool) error {
	unlock, err := b.locks.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	before, _ := b.view.any(id)
	policyBefore, policyKnown := b.knownPolicy(id)
	grantsBefore, _ := b.knownGrants(id)
	if _, err := b.describe(ctx, id); err != nil {
		return err
	}
	if err := b.reread(ctx, id, tags, policyKnown); err != nil {
		return err
	}
	b.view.editKnown(id, b.clock.Now(), func(e *entry) { e.verified = b.clock.Now() })
	after, _ := b.view.any(id)
	policyAfter, _ := b.knownPolicy(id)
	grantsAfter, _ := b.knownGrants(id)
	if !reflect.DeepEqual(before, after) || policyBefore != policyAfter || !reflect.DeepEqual(grantsBefore, grantsAfter) {
		b.tellOf(id)
	}
	return nil
}

func (b *Backend) reread(ctx context.Context, id string, tags, policy bool) error {
	if tags {
		if err := b.complete(ctx, id, true); err != nil {
			return err
		}
	} else if err := b.readRotationOf(ctx, id); err != nil {
		return err
	}
	if policy {
		if err := b.readPolicy(ctx, id); err != nil {
			return err
		}
	}
	return b.rereadGrants(ctx, id)
}

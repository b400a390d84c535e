// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// creditPerKey is how many calls a sweep may make for each key of this cluster, beyond the pages of lists.
const creditPerKey = 0.1

// Sweep finds what others changed. It reads all keys, aliases and tags by lists, and some keys in depth: those that are due (to be
// rotated or destroyed, or to lose imported material), and in turn as many others as cost a tenth of a call per key of this cluster.
// Grants that were listed too early after a start are listed once more. Watchers are told of what changed. One sweep runs at a time; what one could not read does not keep it from the rest.
func (b *Backend) Sweep(ctx context.Context) error {
	b.sweeping.Lock()
	defer b.sweeping.Unlock()
	keys := creditPerKey * float64(b.view.size())
	b.credit = min(b.credit+keys, max(b.view.costOfDeepest(), keys))
	return errors.Join(b.sweepKeys(ctx), b.sweepAliases(ctx), b.sweepTags(ctx), b.sweepGrants(ctx), b.sweepDeep(ctx))
}

// sweepKeys looks for keys that are gone. That a list lacks one is not enough.
func (b *Backend) sweepKeys(ctx context.Context) error {
	begun := b.clock.Now()
	ids, err := b.listKeys(ctx)
	if err != nil {
		return err
	}
	var failed error
	if !b.taggingAPI() {
		failed = b.readUnknown(ctx, ids, begun)
	}
	var unread unread
	for _, id := range b.view.absent(ids, begun) {
		if _, err := b.describe(ctx, id); !unread.goOn(err) {
			break
		}
	}
	return errors.Join(failed, unread.err())
}

// absent are the keys that a list which began at begun should have and has not; in no order, so that none is always the last.
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
	err = b.readUnlisted(ctx, b.view.unlisted(listed, begun))
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
	return err
}

// readUnlisted reads the tags of keys that the Tagging API lacks, as far as the credit goes; the next sweep will see to the others.
func (b *Backend) readUnlisted(ctx context.Context, ids []string) error {
	var unread unread
	for _, id := range ids {
		if b.credit < 1 {
			break
		}
		b.credit--
		begun := b.clock.Now()
		tags, err := b.tagsOf(ctx, id)
		b.view.editKnown(id, begun, func(e *entry) {
			switch backend.ClassOf(err) {
			case "", backend.NotFound:
				e.tags.read(tags, begun, b.lags.Reads)
			case backend.AccessDenied:
				e.tagsDenied = begun
			default:
			}
		})
		if !unread.goOn(err) {
			break
		}
	}
	return unread.err()
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

// deniedAgain is after what time a sweep looks again at a key that keeps the operator out, or asks for its tags: it costs what looks in
// depth at other keys have to spend, and the sweep says that it failed.
const deniedAgain = 24 * time.Hour

// unlisted are this cluster's keys that the Tagging API lacks although it should show them by now; in no order, so that none is
// always the last.
func (v *view) unlisted(listed map[string]map[string]string, begun time.Time) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var unlisted []string
	for id, e := range v.keys {
		_, ok := listed[id]
		denied := !e.tagsDenied.IsZero() && begun.Before(e.tagsDenied.Add(deniedAgain))
		if !ok && !denied && v.ours(e) && !begun.Before(later(e.since, e.tags.wrote).Add(v.lags.Tagging)) {
			unlisted = append(unlisted, id)
		}
	}
	return unlisted
}

// lookDeep reads all of a key anew, its tags too if they are asked for, or in doubt. The view tells whose key is not what it was.
func (b *Backend) lookDeep(ctx context.Context, id string, tags bool) error {
	unlock, err := b.locks.lock(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	policy := false
	b.view.peek(id, func(e *entry) { policy, tags = e.policy.known, tags || !e.tags.certain() })
	if _, err := b.describe(ctx, id); err != nil {
		return err
	}
	if err := b.reread(ctx, id, tags, policy); err != nil {
		return err
	}
	b.view.editKnown(id, b.clock.Now(), func(e *entry) { e.verified = b.clock.Now() })
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

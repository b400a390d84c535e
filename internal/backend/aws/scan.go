// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// stranger is a key whose tags name nobody of this cluster.
type stranger struct {
	// first is when it was met, and read when its tags were read last.
	first, read time.Time
	tagged      bool
}

// settled says whether it will stay one unless somebody tags it. A new key may be listed before its tags are.
func (s stranger) settled(lag time.Duration) bool {
	return s.tagged || !s.read.Before(s.first.Add(lag))
}

// ensureScan has all keys listed at since or later, and the tags of those read that nothing is known of.
func (b *Backend) ensureScan(ctx context.Context, since time.Time) error {
	return b.scans.ensure(ctx, since, b.clock.Now, func(ctx context.Context, begun time.Time) error {
		ids, err := b.listKeys(ctx)
		if err != nil {
			return err
		}
		return b.readUnknown(ctx, ids, begun)
	})
}

// readUnknown reads the tags of the keys that nothing is known of. What was read is kept also if others could not be.
func (b *Backend) readUnknown(ctx context.Context, ids []string, begun time.Time) error {
	unknown := b.view.unknown(ids)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan string)
	var running sync.WaitGroup
	for range min(readers, len(unknown)) {
		running.Go(func() {
			for id := range next {
				if err := b.readNewTags(ctx, id, begun); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, id := range unknown {
		select {
		case next <- id:
		case <-ctx.Done():
		}
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// readNewTags reads the tags of a key that nothing is known of. A key that is gone is nobody's; and so is one whose policy keeps
// the operator out, if the operator may read the tags of other keys.
func (b *Backend) readNewTags(ctx context.Context, id string, begun time.Time) error {
	tags, err := b.tagsOf(ctx, id)
	switch class := backend.ClassOf(err); {
	case class == "":
	case class == backend.NotFound, class == backend.AccessDenied && b.mayReadTags(ctx):
		tags = nil
	default:
		return err
	}
	b.view.meet(id, tags, begun, b.clock.Now())
	return nil
}

// mayReadTags says whether the operator may read the tags of keys at all: those of some key were read, or can be of one that is
// known to be this cluster's.
func (b *Backend) mayReadTags(ctx context.Context) bool {
	if b.tagsAllowed.Load() {
		return true
	}
	id, known := b.view.anyOurs()
	if !known {
		return false
	}
	_, err := b.tagsOf(ctx, id)
	return err == nil
}

// anyOurs is the ID of some key of this cluster.
func (v *view) anyOurs() (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, e := range v.keys {
		if v.ours(e) {
			return id, true
		}
	}
	return "", false
}

// unknown are those of the keys whose tags are to be read. Strangers that are not listed any more are forgotten.
func (v *view) unknown(ids []string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var unknown []string
	strangers := map[string]stranger{}
	for _, id := range ids {
		s, met := v.strangers[id]
		if met {
			strangers[id] = s
		}
		e, known := v.keys[id]
		if met && !s.settled(v.lags.Reads) || !met && (!known || !e.tags.known) {
			unknown = append(unknown, id)
		}
	}
	v.strangers = strangers
	return unknown
}

// meet takes the tags of a key that nothing was known of, from a reading that began at begun. The key may have been made since.
func (v *view) meet(id string, tags map[string]string, begun, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	owner, owned := backend.OwnerFromTags(tags)
	if owned && owner.Cluster == v.cluster {
		v.editLocked(id, now, func(e *entry) { e.tags.read(maps.Clone(tags), begun, v.lags.Reads) })
		return
	}
	s, met := v.strangers[id]
	if !met {
		s.first = now
	}
	s.read, s.tagged = begun, len(tags) > 0
	v.strangers[id] = s
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// sweepDeep looks at keys in depth: those that are due, and in turn as many others as the credit is good for.
func (b *Backend) sweepDeep(ctx context.Context) error {
	due, inTurn := b.view.toLookAt(b.clock.Now())
	return errors.Join(b.lookAtDue(ctx, due), b.lookInTurn(ctx, inTurn))
}

func (b *Backend) lookAtDue(ctx context.Context, ids []string) error {
	var unread unread
	for _, id := range ids {
		if !unread.goOn(b.tryDeep(ctx, id, false)) {
			break
		}
	}
	return unread.err()
}

func (b *Backend) lookInTurn(ctx context.Context, ids []string) error {
	tags := !b.taggingAPI()
	var unread unread
	for _, id := range ids {
		cost := b.view.costOfLook(id, tags)
		if b.credit < cost {
			break
		}
		b.credit -= cost
		if !unread.goOn(b.tryDeep(ctx, id, tags)) {
			break
		}
	}
	return unread.err()
}

// tryDeep is lookDeep, after which it is others' turn, whatever comes of it.
func (b *Backend) tryDeep(ctx context.Context, id string, tags bool) error {
	b.view.editKnown(id, b.clock.Now(), func(e *entry) { e.tried = b.clock.Now() })
	return b.noteDenied(id, b.lookDeep(ctx, id, tags))
}

// noteDenied is err, after which a key that kept the operator out is left alone by sweeps for a while.
func (b *Backend) noteDenied(id string, err error) error {
	if backend.ClassOf(err) == backend.AccessDenied {
		b.view.editKnown(id, b.clock.Now(), func(e *entry) { e.denied = b.clock.Now() })
	}
	return err
}

// keepsOut says whether the key refused a sweep's look of late, and no other came about since.
func (e *entry) keepsOut(now time.Time) bool {
	return !e.denied.IsZero() && e.verified.Before(e.denied) && now.Before(e.denied.Add(deniedAgain))
}

// unread collects why keys could not be read, each of which keeps a sweep from no other. The zero value is ready.
type unread struct {
	first error
	more  int
}

// goOn takes what became of one key, and says whether to go on with the next: not if it may be that AWS answers nothing.
func (u *unread) goOn(err error) bool {
	class := backend.ClassOf(err)
	if class == "" || class == backend.NotFound {
		return true
	}
	if u.first == nil {
		u.first = err
	} else {
		u.more++
	}
	return class != backend.Throttled && class != backend.Unavailable
}

// err is why the first one could not be read, and how many more could not.
func (u *unread) err() error {
	if u.more == 0 {
		return u.first
	}
	return fmt.Errorf("%w (and so with %d more keys)", u.first, u.more)
}

// toLookAt are those of this cluster's keys that are wholly known and do not keep the operator out: whose rotation or destruction is due,
// and the others, those first that were looked at longest ago, or were to be: one that cannot be read is no more in the way of others
// than any.
func (v *view) toLookAt(now time.Time) (due, inTurn []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, e := range v.keys {
		switch {
		case !v.ours(e) || !e.whole() || e.keepsOut(now):
		case e.due(now), e.shown(now, v.lags.Reads):
			due = append(due, id)
		default:
			inTurn = append(inTurn, id)
		}
	}
	longestAgo := func(a, b string) int { return v.keys[a].looked().Compare(v.keys[b].looked()) }
	slices.SortFunc(due, longestAgo)
	slices.SortFunc(inTurn, longestAgo)
	return due, inTurn
}

// looked is when the key was last looked at in depth, or was to be.
func (e *entry) looked() time.Time { return later(e.verified, e.tried) }

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

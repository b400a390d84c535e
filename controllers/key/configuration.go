// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// configure makes the key's configuration as declared, in one call to the backend, and takes it up into status.
func (r *Reconciler) configure(ctx context.Context, p *pass) {
	want, before, now := p.desired(), p.seen, r.Now()
	changes := plan.Diff(want, before, now)
	p.wakeAt(changes.NextAt)
	rotated, handled := p.rotatedSince(), handledRequest(want, p.seen, changes, nil)
	var err error
	if len(changes.Now) > 0 {
		var after *backend.Key
		after, err = p.backend.Apply(ctx, p.seen.ID, changes.Now)
		if after != nil {
			rotated = rotated || after.Rotation.LastTime.After(p.seen.Rotation.LastTime)
			p.seen = after
		}
		handled = handledRequest(want, p.seen, changes, err)
		p.failSync(changeProblems(err)...)
		failpoint.Hit("configured")
	}
	p.driftedConfiguration(want, before, changes, now, err)
	if err == nil {
		p.status.SyncedGeneration = p.key.Generation
	}
	if len(changes.Deferred) > 0 {
		p.notes = append(p.notes, "to be done when the key is enabled: "+describe(changes.Deferred))
	}
	if rotated {
		r.event(p, normal, "Rotated", "key %s has new key material", p.name())
	}
	if before.State == backend.StatePendingDeletion && p.seen.State != before.State {
		r.importMaterial(ctx, p) // it could not be before
	}
	r.reportWaits(ctx, p)
	if err := transition(p.seen); err != nil {
		p.failSync(conditions.FromError(err))
	}
	p.observe(handled)
}

// rotatedSince says whether the key was rotated since status was last written.
func (p *pass) rotatedSince() bool {
	last, known := p.seen.Rotation.LastTime, p.key.Status.Rotation
	if last.IsZero() || p.key.Status.KeyID == "" || !p.isPrimary() {
		return false
	}
	return known == nil || known.LastTime == nil || known.LastTime.Time.Before(last.Truncate(time.Second))
}

// changeProblems says of each change that failed what it means. An alias that another key holds is for people to
// settle; it is looked at again slowly, since the holder may let it go.
func changeProblems(err error) []conditions.Problem {
	if err == nil {
		return nil
	}
	failed, ok := errors.AsType[*backend.ChangesError](err)
	if !ok {
		return []conditions.Problem{conditions.FromError(err)}
	}
	var problems []conditions.Problem
	for _, f := range failed.Failed {
		problem := conditions.FromError(f.Err)
		if _, alias := f.Change.(backend.PutAlias); alias && backend.ClassOf(f.Err) == backend.Conflict {
			problem = conditions.Stalled(v1alpha1.ReasonAliasConflict, f.Err.Error()+
				": remove it there, or declare another alias")
		}
		problem.Message = fmt.Sprintf("spec.%s: %s", f.Change.Field(), problem.Message)
		problems = append(problems, problem)
	}
	return problems
}

func (p *pass) failSync(problems ...conditions.Problem) { p.unsynced = append(p.unsynced, problems...) }

// reportSynced joins what the phases said about Synced: the first problem gives the reason, all give the message.
func (p *pass) reportSynced() {
	p.checkHeld()
	if len(p.unsynced) == 0 {
		reason := v1alpha1.ReasonSynced
		switch {
		case p.unresolved:
			reason = v1alpha1.ReasonPrincipalsUnresolved
		case p.expiring:
			reason = v1alpha1.ReasonMaterialExpires
		}
		p.conditions.True(v1alpha1.ConditionSynced, reason, strings.Join(p.notes, "; "))
		return
	}
	p.conditions.FailAll(v1alpha1.ConditionSynced, p.unsynced)
}

func describe(changes []backend.Change) string {
	parts := make([]string, 0, len(changes))
	for _, c := range changes {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, "; ")
}

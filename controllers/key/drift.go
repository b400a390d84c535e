// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/tell"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// verifiedStep is how much newer the last look at the whole key has to be than what status says for status to be written
// for that alone.
const verifiedStep = time.Hour

// drifted notes that a field of the key is not as declared, after an attempt to put it right that ended with err. It is
// drift if the field had been as declared before (settled), if it is known to differ, or if nothing may be changed;
// otherwise it is on its way there. Every phase that compares a field tells by this or by p.drift.AsDeclared.
func (p *pass) drifted(difference plan.Difference, settled bool, err error) {
	switch {
	case !settled && p.held == nil && !p.drift.Noted(difference.Field):
	case err == nil:
		p.drift.Repaired(difference)
	default:
		p.drift.Differs(difference)
		if !slices.Contains(p.unrepaired, err.Error()) {
			p.unrepaired = append(p.unrepaired, err.Error())
		}
	}
}

// driftedConfiguration notes what differed before changes were made that ended with err.
func (p *pass) driftedConfiguration(want plan.Key, before *backend.Key, changes plan.Changes, now time.Time, err error) {
	found := plan.Differences(want, before, changes.Now)
	var left []plan.Difference
	if err != nil {
		left = plan.Differences(want, p.seen, plan.Diff(want, p.seen, now).Now)
	}
	undecided := plan.Differences(want, before, changes.Deferred)
	for _, field := range plan.ConfigurationFields {
		difference, failed := ofField(left, field)
		if failed {
			p.drifted(difference, p.wasSettled(), err)
			continue
		}
		if difference, differed := ofField(found, field); differed {
			p.drifted(difference, p.wasSettled(), nil)
			continue
		}
		if _, later := ofField(undecided, field); !later {
			p.drift.AsDeclared(field)
		}
	}
}

func ofField(differences []plan.Difference, field string) (plan.Difference, bool) {
	i := slices.IndexFunc(differences, func(d plan.Difference) bool { return d.Field == field })
	if i < 0 {
		return plan.Difference{}, false
	}
	return differences[i], true
}

// reportDrift is the phase of Drifted: it sums up what the others noted, and tells of what is new. Each Event is about one
// field and has an action of its own, since the API server's client takes those that differ in their note only for one.
func (r *Reconciler) reportDrift(p *pass) {
	reason := r.tellDrifts(p)
	if remaining := p.drift.Remaining(); len(remaining) > 0 {
		p.conditions.True(v1alpha1.ConditionDrifted, reason, describeAll(remaining))
		return
	}
	p.conditions.False(v1alpha1.ConditionDrifted, v1alpha1.ReasonNoDrift, "")
}

// tellDrifts takes up what drifted and tells of what is new, and returns why it is not put right.
func (r *Reconciler) tellDrifts(p *pass) string {
	p.status.Drift = p.drift.Entries()
	reason, remains := v1alpha1.ReasonDriftRemains, "could not be put right: "+strings.Join(p.unrepaired, "; ")
	if p.held != nil {
		reason, remains = v1alpha1.ReasonDriftObserved, "is left so: "+p.held.Message
	}
	noticed, repaired := p.drift.News()
	for _, difference := range noticed {
		r.tellDrift(p, reason, difference, remains)
	}
	for _, difference := range repaired {
		r.tellDrift(p, "DriftRepaired", difference, "was put right")
	}
	return reason
}

func (r *Reconciler) tellDrift(p *pass, reason string, difference plan.Difference, ended string) {
	note := fmt.Sprintf("key %s drifted in %s, and %s", p.seen.ID, difference, ended)
	tell.Event(r.Events, p.key, warning, reason, tell.Reconciling+"-"+difference.Field, note)
}

func describeAll(differences []plan.Difference) string {
	parts := make([]string, 0, len(differences))
	for _, d := range differences {
		parts = append(parts, d.String())
	}
	return strings.Join(parts, "; ")
}

// noteVerified takes up when the key was last looked at as a whole: along with what is written anyway, or when that is so
// much newer that it is worth a write of its own.
func (p *pass) noteVerified(written bool) {
	if p.verifier == nil || p.status.KeyID == "" {
		return
	}
	at, known := p.verifier.Verified(p.status.KeyID)
	last := p.status.LastVerifiedTime
	if !known || at.IsZero() || (last != nil && !at.After(last.Time)) {
		return
	}
	if written || last == nil || at.Sub(last.Time) >= verifiedStep {
		p.status.LastVerifiedTime = seconds(at)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// ensureExists is the phase of Created: the key in status is still there and still this Key's; or one is found, adopted
// or made. A key that is gone is never replaced: what was encrypted under it would silently become unreadable.
func (r *Reconciler) ensureExists(ctx context.Context, p *pass) bool {
	r.checkNow(ctx, p)
	problem := r.findOrCreate(ctx, p)
	if problem != nil {
		p.conditions.Fail(v1alpha1.ConditionCreated, *problem)
		p.waitFor(v1alpha1.ConditionCreated, v1alpha1.ConditionSynced, v1alpha1.ConditionPolicyApplied, v1alpha1.ConditionDrifted)
		return false
	}
	p.status.KeyID, p.status.ARN, p.status.BackendKind = p.seen.ID, p.seen.ARN, kindOf(p.kmsBackend)
	p.conditions.True(v1alpha1.ConditionCreated, v1alpha1.ReasonCreated, "")
	return true
}

func (r *Reconciler) findOrCreate(ctx context.Context, p *pass) *conditions.Problem {
	in, err := p.createInput()
	if err != nil {
		return stalled(v1alpha1.ReasonInvalidInput, err.Error())
	}
	switch {
	case p.status.KeyID != "":
		return r.findKnown(ctx, p)
	case p.key.Spec.Adopt != nil:
		return r.adopt(ctx, p, in)
	}
	found, problem := r.findOwned(ctx, p, in)
	if found || problem != nil {
		return problem
	}
	failpoint.Hit("before-create")
	p.seen, err = p.backend.Create(ctx, in)
	if base := p.base.Text; backend.ClassOf(err) == backend.InvalidInput && in.Policy != base {
		in.Policy = base // should the policy be what is wrong, its own phase says so
		p.seen, err = p.backend.Create(ctx, in)
	}
	if err != nil {
		return failed(err)
	}
	failpoint.Hit("key-created")
	return nil
}

// findKnown looks the key in status up again.
func (r *Reconciler) findKnown(ctx context.Context, p *pass) *conditions.Problem {
	if problem := p.checkHome(); problem != nil {
		return problem
	}
	seen, err := p.backend.Get(ctx, p.status.KeyID)
	if backend.IsNotFound(err) {
		if again, problem := r.replicateHome(ctx, p); again {
			return problem
		}
		r.tellLost(p)
		p.status.KeyState = ""
		return stalled(v1alpha1.ReasonKeyLost, p.lostMessage())
	}
	if err != nil {
		if backend.ClassOf(err) == backend.Damaged {
			p.status.KeyState = "" // nobody knows
		}
		return failed(err)
	}
	if holder, owned := backend.OwnerFromTags(seen.Tags); owned && !holder.Same(p.owner) {
		return stalled(v1alpha1.ReasonAdoptRefused, fmt.Sprintf(
			"key %s now carries the owner tags of another Key: remove its tags that begin with %s to give it back to this one",
			seen.ID, backend.TagPrefix))
	}
	p.seen = seen
	return r.pastTransition(ctx, p)
}

// tellLost tells once that the key is gone; the condition says so from then on.
func (r *Reconciler) tellLost(p *pass) {
	if condition := findCondition(p.key, v1alpha1.ConditionCreated); condition == nil || condition.Reason != v1alpha1.ReasonKeyLost {
		r.event(p, warning, "KeyLost", "key %s is no longer on KMSBackend %s", p.status.KeyID, p.status.Backend)
	}
}

// findOwned finds a key that carries this Key's owner tags: made by a pass that crashed before it wrote status, or by
// an earlier Key of this name, whose key comes back with everything that was encrypted under it.
func (r *Reconciler) findOwned(ctx context.Context, p *pass, in backend.CreateInput) (bool, *conditions.Problem) {
	owned, err := p.backend.Owned(ctx, p.owner)
	if err != nil {
		return false, failed(err)
	}
	if own := slices.IndexFunc(owned, func(k *backend.Key) bool { return k.Tags[backend.TagUID] == p.owner.UID }); own >= 0 {
		owned = owned[own : own+1]
	}
	switch len(owned) {
	case 0:
		return false, nil
	case 1:
	default:
		return true, stalled(v1alpha1.ReasonSeveralKeys, fmt.Sprintf(
			"several keys carry this Key's owner tags (%s): name the right one in spec.adopt.keyID", strings.Join(ids(owned), ", ")))
	}
	if mismatch := plan.Mismatch(in, owned[0]); mismatch != "" {
		return true, stalled(v1alpha1.ReasonAdoptMismatch, mismatch)
	}
	p.seen = owned[0]
	if p.seen.Tags[backend.TagUID] != p.owner.UID {
		r.event(p, normal, "Recovered", "found key %s (%s) of an earlier Key of this name", p.seen.ID, p.seen.State)
	}
	return true, nil
}

func ids(keys []*backend.Key) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, k.ID)
	}
	return out
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/tell"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// compilePolicies finds out what the KeyPolicies come to, before the key is made: it is made with its policy.
func (r *Reconciler) compilePolicies(ctx context.Context, p *pass) bool {
	p.about = policies.About(&p.key.Spec, p.identity)
	reader := policies.Reader{Client: r.declared(p)}
	p.parts = reader.Compile(ctx, p.key, p.about)
	p.base = r.baseOf(p.about)
	p.err = reader.Err
	return p.err == nil
}

// declared is from where KeyPolicies and ServiceAccounts are read: for a key that is left for good, from the API server, since what was
// deleted a moment ago must not stay in force by what the cache still has.
func (r *Reconciler) declared(p *pass) client.Reader {
	if p.leaving {
		return r.Reader
	}
	return r.Client
}

// initialPolicy is the policy to make the key with. One that is too large is not put on any key; the phase says so.
func (p *pass) initialPolicy() string {
	merged := p.merge(nil)
	if _, tooLarge := merged.TooLarge(); tooLarge {
		return p.base.Text
	}
	return merged.Text
}

// baseOf is the policy of a key that nobody may use. Most keys of an account have that one, so it is made once.
func (r *Reconciler) baseOf(about compile.About) compile.Merged {
	place := compile.About{OperatorARN: about.OperatorARN, AccountID: about.AccountID}
	made, ok := r.bases.Load(place)
	if !ok {
		made, _ = r.bases.LoadOrStore(place, compile.Merge(place, nil, nil))
	}
	base, _ := made.(compile.Merged)
	return base
}

// merge is the policy that the KeyPolicies come to.
func (p *pass) merge(inForce *policy.Document) compile.Merged {
	if len(p.parts) == 0 {
		return p.base
	}
	return compile.Merge(p.about, p.parts, inForce)
}

// applyPolicy is the phase of PolicyApplied: the key policy is what the KeyPolicies that select the Key declare.
func (r *Reconciler) applyPolicy(ctx context.Context, p *pass) {
	text, err := p.backend.Policy(ctx, p.seen.ID)
	if err != nil {
		p.conditions.Fail(v1alpha1.ConditionPolicyApplied, conditions.FromError(err))
		return
	}
	if len(p.parts) == 0 && text == p.base.Text { // as with most keys of the software KMS
		p.drift.AsDeclared(policyField)
		p.status.Policy = policyStatus(p.base)
		p.reportPolicy(nil)
		return
	}
	has, err := policy.Read([]byte(text))
	if err != nil {
		has = &policy.Document{} // somebody put what this operator cannot read: it differs in everything
	}
	p.foreign = p.status.Policy == nil && !compile.HasBase(has)
	if p.keepsOwnPolicy() || p.foreign && p.leaving {
		p.drift.AsDeclared(policyField)
		p.reportPolicy(nil)
		return
	}
	want := p.merge(p.lastPut(has))
	if problem, tooLarge := want.TooLarge(); tooLarge {
		p.conditions.Fail(v1alpha1.ConditionPolicyApplied, conditions.Stalled(v1alpha1.ReasonPolicyTooLarge, problem))
		r.putLess(ctx, p, has, want.Text, p.keepAll())
		return
	}
	comparison := policy.Compare(want.Document, has)
	orphans := comparison.Orphans
	if !comparison.Equal() {
		if err := r.putPolicy(ctx, p, text, want, strings.Join(comparison.Differences, "; ")); err != nil {
			p.conditions.Fail(v1alpha1.ConditionPolicyApplied, conditions.FromError(err))
			if backend.ClassOf(err) == backend.InvalidInput {
				r.putLess(ctx, p, has, want.Text, p.lesser()...)
			}
			return
		}
		orphans = nil // they exist again, or the policy would have been refused
	} else {
		p.drift.AsDeclared(policyField)
	}
	p.status.Policy = policyStatus(want)
	p.reportPolicy(orphans)
}

// keepsOwnPolicy says that the policy which an adopted key came with stays, since no KeyPolicy has replaced it yet and none
// that could selects the Key: a mistake, or a ServiceAccount that is not there yet, does not lock out who could use the key so far.
func (p *pass) keepsOwnPolicy() bool {
	namesSomebody := func(part compile.Part) bool { return !part.Refused() && len(part.Statements) > 0 }
	return p.key.Spec.Adopt != nil && p.foreign && !slices.ContainsFunc(p.parts, namesSomebody)
}

// lastPut is what the key policy still has of what this operator put last: what is kept of a KeyPolicy that is refused is
// taken from there, and from nothing that somebody else put.
func (p *pass) lastPut(has *policy.Document) *policy.Document {
	if p.status.Policy == nil {
		return nil
	}
	return compile.Intact(has, p.status.Policy.Sources, p.parts)
}

const (
	// putting is the action of the Events of putPolicy.
	putting = "PutKeyPolicy"
	// policyField is what drift calls the key policy.
	policyField = "policy"
)

// putPolicy replaces the key policy, and tells of what that takes away or puts right. A policy that a key came with, and that is
// not the operator's, is told before it is gone.
func (r *Reconciler) putPolicy(ctx context.Context, p *pass, before string, want compile.Merged, differs string) error {
	if p.foreign && p.held == nil {
		note := fmt.Sprintf("the policy that key %s came with was: %s", p.name(), before)
		if err := tell.Whole(ctx, r.Client, p.key, normal, "PolicyReplaced", p.action(putting), note); err != nil {
			return err
		}
	}
	after, err := p.backend.Apply(ctx, p.seen.ID, []backend.Change{backend.SetPolicy{Document: want.Text, Differs: differs}})
	settled := p.status.Policy != nil && p.status.Policy.Hash == want.Hash
	p.drifted(plan.Difference{Field: policyField, From: sourcesOf(want), To: differs}, settled, err)
	if err != nil {
		return err
	}
	p.seen = after
	failpoint.Hit("policy-put")
	return nil
}

// sourcesOf says in words what the key policy is made of.
func sourcesOf(merged compile.Merged) string {
	names := make([]string, 0, len(merged.Sources))
	for _, source := range merged.Sources {
		names = append(names, source.Name)
	}
	if len(names) == 0 {
		return "no KeyPolicy"
	}
	return "KeyPolicies " + strings.Join(names, ", ")
}

func policyStatus(merged compile.Merged) *v1alpha1.KeyPolicyInForce {
	status := &v1alpha1.KeyPolicyInForce{Hash: merged.Hash}
	for _, source := range merged.Sources {
		status.Sources = append(status.Sources, v1alpha1.KeyPolicySource{Name: source.Name, Hash: source.Hash})
	}
	return status
}

// reportPolicy says what there is to say about the policy that the key has, once that is the one that it is to have. A refused
// KeyPolicy is for people to correct. A ServiceAccount that is not there yet holds nobody else up: the key is usable, and heals
// by itself.
func (p *pass) reportPolicy(orphans []policy.Orphan) {
	var refused, notes []string
	for i := range p.parts {
		part := &p.parts[i]
		for _, finding := range part.Findings {
			if finding.Severity == lint.Error {
				refused = append(refused, fmt.Sprintf("KeyPolicy %s is refused: %s", part.Name, compile.Describe(finding)))
			}
		}
		for _, unresolved := range part.Unresolved {
			notes = append(notes, fmt.Sprintf("KeyPolicy %s: %s", part.Name, unresolved))
		}
	}
	orphaned := len(notes)
	for _, orphan := range orphans {
		notes = append(notes, fmt.Sprintf("AWS has %s in the place of a role or user that was deleted (one of %s): should it exist again, "+
			"change a KeyPolicy to have the policy put again", orphan.UniqueID, strings.Join(orphan.Candidates, ", ")))
	}
	message := strings.Join(append(refused, notes...), "; ")
	switch {
	case len(refused) > 0:
		p.conditions.Fail(v1alpha1.ConditionPolicyApplied, conditions.Stalled(v1alpha1.ReasonPolicyRefused, message))
	case orphaned > 0:
		p.conditions.True(v1alpha1.ConditionPolicyApplied, v1alpha1.ReasonPrincipalsUnresolved, message)
	case p.status.Policy == nil:
		p.conditions.True(v1alpha1.ConditionPolicyApplied, v1alpha1.ReasonPolicyKept,
			"the key has the policy that it was adopted with; a KeyPolicy that selects this Key replaces it")
	case len(p.parts) == 0:
		p.conditions.True(v1alpha1.ConditionPolicyApplied, v1alpha1.ReasonNoPolicies,
			"no KeyPolicy selects this Key: nobody may use it, and only the operator and the account may administer it")
	default:
		p.conditions.True(v1alpha1.ConditionPolicyApplied, v1alpha1.ReasonPolicyApplied, message)
	}
}

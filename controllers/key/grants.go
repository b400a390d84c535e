// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// grantsField is what drift calls the grants: the field of spec.
const grantsField = "grants"

// applyGrants makes the key's grants as declared. They are known by their names at the backend, which are the Key's own, and
// not by status: so what a crash, or an earlier Key of this name, left there is found. A grant with a principal that cannot be
// named is not in force until it can be, like a rule of a KeyPolicy. As long as the key may have some of the Key's name that neither spec
// nor status knows of, status says so, and they are asked for again.
func (r *Reconciler) applyGrants(ctx context.Context, p *pass) {
	if !p.mayHaveGrants() {
		return
	}
	if p.granter == nil {
		p.refuseGrants()
		return
	}
	p.status.GrantsUnknown = new(true)
	want, err := r.declaredGrants(ctx, p)
	if err != nil {
		p.failSync(conditions.FromError(err))
		return
	}
	have, err := p.granter.Grants(ctx, p.seen.ID)
	if err != nil {
		p.failSync(conditions.FromError(err))
		return
	}
	changes := plan.Grants(p.owner, want, have, p.seen.State == backend.StateEnabled)
	if len(changes.Deferred) > 0 {
		p.notes = append(p.notes, "to be done when the key is enabled: "+describe(changes.Deferred))
	}
	if len(changes.Now) > 0 {
		have = r.changeGrants(ctx, p, changes.Now, have)
	} else if len(changes.Deferred) == 0 {
		p.drift.AsDeclared(grantsField)
	}
	p.status.Grants = grantStatus(p.owner, want, have, p.key.Status.Grants)
	if !slices.ContainsFunc(have, p.isForgotten) {
		p.status.GrantsUnknown = nil
	}
}

// isForgotten says of a grant that it has the Key's name, and that status does not know of it.
func (p *pass) isForgotten(grant backend.Grant) bool {
	_, own := backend.DeclaredGrantName(p.owner, grant.Name)
	return own && !slices.ContainsFunc(p.status.Grants, func(s v1alpha1.KeyGrantStatus) bool { return s.GrantID == grant.ID })
}

// mayHaveGrants says whether it has to be asked which grants the key has: it is to have some, had some, is on its way to what is
// declared, so that nobody knows, or is to be looked at now. Most Keys have none, and asking can be a call to the backend.
func (p *pass) mayHaveGrants() bool {
	lookedAt := p.status.LastHandledReconcileAt != p.key.Status.LastHandledReconcileAt
	return len(p.key.Spec.Grants) > 0 || len(p.status.Grants) > 0 || p.status.GrantsUnknown != nil || !p.wasSettled() || lookedAt
}

// refuseGrants is for backends whose keys can have none.
func (p *pass) refuseGrants() {
	if len(p.key.Spec.Grants) > 0 {
		p.failSync(conditions.Stalled(v1alpha1.ReasonInvalidInput, fmt.Sprintf(
			"spec.grants: keys on KMSBackend %s cannot have grants: remove them, and let KeyPolicies say who may use the key", p.status.Backend)))
	}
}

// changeGrants makes the changes and returns the grants that the key then has.
func (r *Reconciler) changeGrants(ctx context.Context, p *pass, changes []backend.Change, have []backend.Grant) []backend.Grant {
	after, err := p.backend.Apply(ctx, p.seen.ID, changes)
	if after != nil {
		p.seen = after
	}
	p.failSync(changeProblems(err)...)
	p.driftedGrants(changes, have, err)
	failpoint.Hit("grants-changed")
	now, err := p.granter.Grants(ctx, p.seen.ID)
	if err != nil {
		p.failSync(conditions.FromError(err))
		return have
	}
	return now
}

// driftedGrants notes which of the changes put right what somebody else did: a grant that this Key put is gone, or there is
// one of its name that it did not put. What follows from a change of the Key, or of a ServiceAccount, is no drift.
func (p *pass) driftedGrants(changes []backend.Change, have []backend.Grant, err error) {
	drift := slices.DeleteFunc(slices.Clone(changes), func(change backend.Change) bool { return !p.isGrantDrift(change) })
	settled := len(drift) > 0
	if !settled || p.held != nil {
		drift = changes
	}
	p.drifted(plan.GrantDifference(drift, have), settled, err)
}

func (p *pass) isGrantDrift(change backend.Change) bool {
	before := p.key.Status.Grants
	switch c := change.(type) {
	case backend.PutGrant:
		name, _ := backend.DeclaredGrantName(p.owner, c.Grant.Name)
		return slices.ContainsFunc(before, func(s v1alpha1.KeyGrantStatus) bool { return s.Name == name && s.Hash == c.Grant.Hash() })
	case backend.RevokeGrant:
		put := slices.ContainsFunc(before, func(s v1alpha1.KeyGrantStatus) bool { return s.GrantID == c.ID })
		return !put && p.wasSettled()
	default:
		return false
	}
}

// declaredGrants are the grants as the backend is to have them, without those whose principals cannot be named.
func (r *Reconciler) declaredGrants(ctx context.Context, p *pass) ([]backend.Grant, error) {
	reader := policies.Reader{Client: r.declared(p)}
	accounts := reader.ServiceAccounts(ctx)
	var declared []backend.Grant
	for i := range p.key.Spec.Grants {
		grant := &p.key.Spec.Grants[i]
		grantee, unresolved := p.grantPrincipal(grant.Grantee, accounts)
		retiring, alsoUnresolved := p.grantPrincipal(grant.RetiringPrincipal, accounts)
		if unresolved == nil {
			unresolved = alsoUnresolved
		}
		if unresolved != nil {
			p.unresolved = true
			p.notes = append(p.notes, fmt.Sprintf("grant %s waits: %s", grant.Name, unresolved))
			continue
		}
		declared = append(declared, newGrant(p.owner, grant, grantee, retiring))
	}
	return declared, reader.Err
}

// grantPrincipal is the ARN of who is declared, which is empty for nobody, or why there is none.
func (p *pass) grantPrincipal(declared *v1alpha1.GrantPrincipal, accounts compile.ServiceAccounts) (string, *compile.Unresolved) {
	switch {
	case declared == nil:
		return "", nil
	case declared.ServiceAccount != nil:
		return compile.RoleOf(&p.about, p.key.Namespace, *declared.ServiceAccount, accounts)
	case declared.Account != "":
		return policy.AccountARN(p.about.OperatorARN, declared.Account), nil
	default:
		return declared.AWS, nil
	}
}

func newGrant(owner backend.Owner, declared *v1alpha1.KeyGrant, grantee, retiring string) backend.Grant {
	grant := backend.Grant{Name: backend.GrantName(owner, declared.Name), Grantee: grantee, Retiring: retiring}
	for _, operation := range declared.Operations {
		grant.Operations = append(grant.Operations, string(operation))
	}
	if constraints := declared.Constraints; constraints != nil {
		grant.EncryptionContextEquals = encryptionContext(constraints.EncryptionContextEquals)
		grant.EncryptionContextSubset = encryptionContext(constraints.EncryptionContextSubset)
	}
	return grant
}

func encryptionContext(declared map[string]v1alpha1.EncryptionContextValue) map[string]string {
	if len(declared) == 0 {
		return nil
	}
	context := make(map[string]string, len(declared))
	for name, value := range declared {
		context[name] = string(value)
	}
	return context
}

// grantStatus is what status says of the Key's grants on the key: those that are as declared and, of the others, those that it
// said before and that are still there. What somebody else made under a name of the Key's is not in it.
func grantStatus(owner backend.Owner, want, have []backend.Grant, before []v1alpha1.KeyGrantStatus) []v1alpha1.KeyGrantStatus {
	var status []v1alpha1.KeyGrantStatus
	add := func(grant backend.Grant) {
		name, _ := backend.DeclaredGrantName(owner, grant.Name)
		if !slices.ContainsFunc(status, func(s v1alpha1.KeyGrantStatus) bool { return s.Name == name }) {
			status = append(status, v1alpha1.KeyGrantStatus{Name: name, GrantID: grant.ID, Hash: grant.Hash()})
		}
	}
	for _, grant := range have {
		if slices.ContainsFunc(want, grant.SameAs) {
			add(grant)
		}
	}
	for _, grant := range have {
		if slices.ContainsFunc(before, func(s v1alpha1.KeyGrantStatus) bool { return s.GrantID == grant.ID }) {
			add(grant)
		}
	}
	slices.SortFunc(status, func(a, b v1alpha1.KeyGrantStatus) int { return strings.Compare(a.Name, b.Name) })
	return status
}

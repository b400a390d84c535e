// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// maxLesser is how many policies are tried where the wanted one is refused.
const maxLesser = 8

// putLess puts what can be put where not all can: one principal that is gone, or one KeyPolicy that is too large, must not keep
// in force what was taken away elsewhere. The first of the choices that the backend takes is put. Each keeps of some KeyPolicies
// what is in force of them, without the principals that are gone. refused is the policy that could not be put; PolicyApplied says
// already why.
func (r *Reconciler) putLess(ctx context.Context, p *pass, has *policy.Document, refused string, choices ...[]compile.Part) {
	if p.status.Policy == nil || p.held != nil {
		return // nothing that is in force comes from KeyPolicies, or nothing is to be changed
	}
	tried := []string{refused}
	for _, parts := range choices {
		less := compile.Merge(p.about, parts, p.lastPut(has))
		if _, tooLarge := less.TooLarge(); tooLarge || slices.Contains(tried, less.Text) {
			continue
		}
		tried = append(tried, less.Text)
		if comparison := policy.Compare(less.Document, has); !comparison.Equal() {
			change := backend.SetPolicy{Document: less.Text, Differs: strings.Join(comparison.Differences, "; ")}
			after, err := p.backend.Apply(ctx, p.seen.ID, []backend.Change{change})
			if err != nil {
				continue
			}
			p.seen = after
		}
		p.status.Policy = policyStatus(less)
		return
	}
}

// lesser are the choices where the backend refuses the wanted policy, which for AWS one principal is enough for: to keep what has
// not changed as it is in force; to keep one KeyPolicy more so, each in its turn; to keep all.
func (p *pass) lesser() [][]compile.Part {
	if p.status.Policy == nil {
		return nil
	}
	choices := [][]compile.Part{p.keep(p.unchanged)}
	for i := range p.parts {
		if len(choices) < maxLesser && !p.unchanged(&p.parts[i]) {
			choices = append(choices, p.keep(func(part *compile.Part) bool {
				return part.Name == p.parts[i].Name || p.unchanged(part)
			}))
		}
	}
	return append(choices, p.keepAll())
}

// keepAll are the parts, all to be kept as they are in force.
func (p *pass) keepAll() []compile.Part {
	return p.keep(func(*compile.Part) bool { return true })
}

// keep are the parts, those that keep names to be kept as they are in force.
func (p *pass) keep(keep func(*compile.Part) bool) []compile.Part {
	parts := slices.Clone(p.parts)
	for i := range parts {
		parts[i].Keep = keep(&parts[i])
	}
	return parts
}

// unchanged says whether what is in force of a KeyPolicy is what it declares.
func (p *pass) unchanged(part *compile.Part) bool {
	return slices.ContainsFunc(p.status.Policy.Sources, func(source v1alpha1.KeyPolicySource) bool {
		return source.Name == part.Name && source.Hash == part.Hash()
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// checkInput decides what the schema of the Key cannot, before anything is made outside. For a key that exists already
// it holds back only what is not allowed (the backend's rules may have changed since).
func (r *Reconciler) checkInput(p *pass) bool {
	p.aliases = p.key.Spec.Aliases
	if p.kmsBackend.Spec.AliasScope != v1alpha1.AliasScopeNamespacePrefixed {
		return true
	}
	outside := plan.AliasesOutside(p.key.Namespace, p.key.Spec.Aliases)
	if len(outside) == 0 {
		return true
	}
	problem := aliasNotAllowed(p, outside)
	if p.status.KeyID == "" {
		p.conditions.Fail(v1alpha1.ConditionCreated, problem)
		p.waitFor(v1alpha1.ConditionCreated, v1alpha1.ConditionSynced, v1alpha1.ConditionPolicyApplied, v1alpha1.ConditionDrifted)
		return false
	}
	p.failSync(problem)
	p.aliases = slices.DeleteFunc(slices.Clone(p.key.Spec.Aliases), func(alias string) bool {
		return slices.Contains(outside, alias) && !slices.Contains(p.status.Aliases, alias)
	})
	return true
}

func aliasNotAllowed(p *pass, outside []string) conditions.Problem {
	return conditions.Stalled(v1alpha1.ReasonAliasNotAllowed, fmt.Sprintf(
		"spec.aliases: KMSBackend %s allows this namespace only aliases that begin with alias/%s/: rename %s",
		p.kmsBackend.Name, p.key.Namespace, strings.Join(outside, ", ")))
}

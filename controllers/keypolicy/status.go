// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keypolicy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

const (
	// maxTargets is how many Keys status lists, and maxMessage how long each one's message may be (KeyPolicyStatus).
	maxTargets = 256
	maxMessage = 1024
)

// readyConditions are those that Ready is derived from.
var readyConditions = []string{v1alpha1.ConditionValid, v1alpha1.ConditionPrincipalsResolved, v1alpha1.ConditionApplied}

// status is the KeyPolicy's status by what was seen, and the problems in it.
func (s *survey) status(object *v1alpha1.KeyPolicy) (v1alpha1.KeyPolicyStatus, []conditions.Problem) {
	status := v1alpha1.KeyPolicyStatus{ObservedGeneration: object.Generation}
	c := conditions.New(object.Status.Conditions, object.Generation)
	s.reportValid(c)
	s.reportPrincipals(c)
	count := s.reportApplied(c)
	reason, message := v1alpha1.ReasonReady, ""
	if len(s.targets) == 0 {
		reason, message = v1alpha1.ReasonNoTargets, "no Key is selected at present"
	}
	c.Summarize(readyConditions, reason, message)
	status.Conditions = c.List

	slices.SortFunc(s.targets, func(a, b v1alpha1.KeyPolicyTargetStatus) int {
		return cmp.Or(-strings.Compare(string(a.State), string(b.State)), strings.Compare(a.Name, b.Name))
	})
	status.Targets = slices.Clip(s.targets[:min(len(s.targets), maxTargets)])
	status.Matched, status.Applied = new(int32(len(s.targets))), new(int32(count[v1alpha1.TargetApplied]))
	return status, c.Problems()
}

// reportValid says what the linter found, on whichever key.
func (s *survey) reportValid(c *conditions.Conditions) {
	var errors, warnings []string
	for i := range s.parts {
		for _, finding := range s.parts[i].Findings {
			if finding.Severity == lint.Error {
				errors = append(errors, compile.Describe(finding))
			} else {
				warnings = append(warnings, compile.Describe(finding))
			}
		}
	}
	message := strings.Join(append(once(errors), once(warnings)...), "; ")
	switch {
	case len(errors) > 0:
		c.Fail(v1alpha1.ConditionValid, conditions.Stalled(v1alpha1.ReasonErrors, message))
	case len(warnings) > 0:
		c.True(v1alpha1.ConditionValid, v1alpha1.ReasonWarnings, message)
	default:
		c.True(v1alpha1.ConditionValid, v1alpha1.ReasonValid, "")
	}
}

// reportPrincipals names the ServiceAccounts that rules have to do without. That passes by itself when they appear.
func (s *survey) reportPrincipals(c *conditions.Conditions) {
	var missing []string
	for i := range s.parts {
		for _, unresolved := range s.parts[i].Unresolved {
			missing = append(missing, unresolved.String())
		}
	}
	if len(missing) == 0 {
		c.True(v1alpha1.ConditionPrincipalsResolved, v1alpha1.ReasonResolved, "")
		return
	}
	c.Fail(v1alpha1.ConditionPrincipalsResolved, conditions.Problem{
		Reason: v1alpha1.ReasonPrincipalsUnresolved, Message: strings.Join(once(missing), "; "),
	})
}

// reportApplied says whether the policy is in force wherever it is to be, and counts the states of its targets.
func (s *survey) reportApplied(c *conditions.Conditions) map[v1alpha1.KeyPolicyTargetState]int {
	count := map[v1alpha1.KeyPolicyTargetState]int{}
	first := map[v1alpha1.KeyPolicyTargetState]string{}
	for _, target := range s.targets {
		count[target.State]++
		if first[target.State] == "" {
			first[target.State] = "Key " + target.Name + ": " + target.Message
		}
	}
	say := func(state v1alpha1.KeyPolicyTargetState, what string) string {
		return fmt.Sprintf("%s on %d of %d Keys, such as %s", what, count[state], len(s.targets), first[state])
	}
	switch {
	case count[v1alpha1.TargetConflict] > 0:
		c.Fail(v1alpha1.ConditionApplied, conditions.Stalled(v1alpha1.ReasonTargetConflict,
			say(v1alpha1.TargetConflict, "cannot be put into force")))
	case count[v1alpha1.TargetPending] > 0:
		c.Fail(v1alpha1.ConditionApplied, conditions.Problem{
			Reason: v1alpha1.ReasonProgressing, Message: say(v1alpha1.TargetPending, "not in force yet"),
		})
	case len(s.targets) == 0:
		c.True(v1alpha1.ConditionApplied, v1alpha1.ReasonNoTargets, "no Key is selected at present")
	default:
		c.True(v1alpha1.ConditionApplied, v1alpha1.ReasonApplied, fmt.Sprintf("in force on %d Keys", len(s.targets)))
	}
	return count
}

func errorsOf(part *compile.Part) string {
	var errors []string
	for _, finding := range part.Findings {
		if finding.Severity == lint.Error {
			errors = append(errors, compile.Describe(finding))
		}
	}
	return strings.Join(errors, "; ")
}

// once is the texts in their order, each once.
func once(texts []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(texts, func(text string) bool {
		again := seen[text]
		seen[text] = true
		return again
	})
}

func shorten(message string) string { return conditions.Shorten(message, maxMessage) }

func findCondition(key *v1alpha1.Key, conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(key.Status.Conditions, conditionType)
}

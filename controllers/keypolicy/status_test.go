// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keypolicy

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// readers is a part with a statement.
func readers() *compile.Part {
	return &compile.Part{Name: "readers", Statements: []policy.Statement{{Sid: "readers Use", Effect: policy.Allow}}}
}

// keyWith is a Key that says what is in force and, unless empty, why PolicyApplied is as it is.
func keyWith(part *compile.Part, status metav1.ConditionStatus, reason string) *v1alpha1.Key {
	key := &v1alpha1.Key{ObjectMeta: metav1.ObjectMeta{Name: "orders"}}
	if part != nil {
		key.Status.Policy = &v1alpha1.KeyPolicyInForce{Hash: "whole", Sources: []v1alpha1.KeyPolicySource{{Name: part.Name, Hash: part.Hash()}}}
	}
	if reason != "" {
		key.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionPolicyApplied, Status: status, Reason: reason, Message: "what the Key says",
		}}
	}
	return key
}

func TestTargetIsAppliedOnlyWhereTheKeyIsCertainOfIt(t *testing.T) {
	const yes, no, unknown = metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown
	inForce, older := readers(), &compile.Part{Name: "readers", Statements: []policy.Statement{{Sid: "readers Older"}}}
	refused := readers()
	refused.Statements, refused.Findings = nil, []lint.Finding{{Severity: lint.Error, Sid: "Use", Problem: "a mistake"}}
	nobody := &compile.Part{Name: "readers", Unresolved: []compile.Unresolved{{Namespace: "shop", Name: "api", Problem: "does not exist"}}}
	nothing := &compile.Part{Name: "readers"}
	for name, test := range map[string]struct {
		key     *v1alpha1.Key
		part    *compile.Part
		want    v1alpha1.KeyPolicyTargetState
		message string
	}{
		"in force":                               {keyWith(inForce, yes, v1alpha1.ReasonPolicyApplied), inForce, v1alpha1.TargetApplied, ""},
		"in force, another one is refused":       {keyWith(inForce, no, v1alpha1.ReasonPolicyRefused), inForce, v1alpha1.TargetApplied, ""},
		"in force, changed ones are too large":   {keyWith(inForce, no, v1alpha1.ReasonPolicyTooLarge), inForce, v1alpha1.TargetApplied, ""},
		"changed outside and not put right":      {keyWith(inForce, no, v1alpha1.ReasonThrottled), inForce, v1alpha1.TargetPending, "what the Key says"},
		"changed outside and not to be put":      {keyWith(inForce, no, v1alpha1.ReasonAccessDenied), inForce, v1alpha1.TargetConflict, "what the Key says"},
		"changed outside and observed":           {keyWith(inForce, no, v1alpha1.ReasonObserved), inForce, v1alpha1.TargetConflict, "what the Key says"},
		"the backend is away":                    {keyWith(inForce, unknown, v1alpha1.ReasonPending), inForce, v1alpha1.TargetPending, "what the Key says"},
		"an older one is in force":               {keyWith(older, yes, v1alpha1.ReasonPolicyApplied), inForce, v1alpha1.TargetPending, "what the Key says"},
		"too large":                              {keyWith(older, no, v1alpha1.ReasonPolicyTooLarge), inForce, v1alpha1.TargetConflict, "what the Key says"},
		"the backend refuses it":                 {keyWith(older, no, v1alpha1.ReasonInvalidInput), inForce, v1alpha1.TargetConflict, "what the Key says"},
		"refused":                                {keyWith(inForce, no, v1alpha1.ReasonPolicyRefused), refused, v1alpha1.TargetConflict, "a mistake"},
		"nobody is left":                         {keyWith(nil, yes, v1alpha1.ReasonNoPolicies), nobody, v1alpha1.TargetPending, "shop/api does not exist"},
		"it comes to nothing":                    {keyWith(older, yes, v1alpha1.ReasonPolicyApplied), nothing, v1alpha1.TargetPending, "what the Key says"},
		"it comes to nothing, and nothing is in": {keyWith(&compile.Part{Name: "x"}, yes, v1alpha1.ReasonPolicyApplied), nothing, v1alpha1.TargetApplied, ""},
		"the Key was not looked at yet":          {keyWith(nil, "", ""), inForce, v1alpha1.TargetPending, "waits for the Key"},
	} {
		got := targetStatus(test.key, test.part)
		if got.State != test.want || (got.Message == "") != (test.message == "") || !strings.Contains(got.Message, test.message) {
			t.Errorf("%s: %s, %q", name, got.State, got.Message)
		}
	}
}

func TestTargetsAreBoundedAndThoseNotAppliedComeFirst(t *testing.T) {
	seen := &survey{}
	for i := range 400 {
		state := v1alpha1.TargetApplied
		if i%100 == 99 {
			state = []v1alpha1.KeyPolicyTargetState{v1alpha1.TargetConflict, v1alpha1.TargetPending}[i/100%2]
		}
		seen.targets = append(seen.targets, v1alpha1.KeyPolicyTargetStatus{Name: fmt.Sprintf("key-%03d", i), State: state})
	}
	status, _ := seen.status(&v1alpha1.KeyPolicy{})
	if len(status.Targets) != 256 || *status.Matched != 400 || *status.Applied != 396 {
		t.Errorf("%d targets, %d matched, %d applied", len(status.Targets), *status.Matched, *status.Applied)
	}
	for i, name := range []string{"key-199", "key-399", "key-099", "key-299", "key-000", "key-001"} {
		if status.Targets[i].Name != name {
			t.Errorf("target %d is %s (%s), want %s", i, status.Targets[i].Name, status.Targets[i].State, name)
		}
	}
	if last := status.Targets[255].Name; last != "key-253" {
		t.Errorf("the last one is %s", last)
	}
}

func TestWhatIsSaidOfATargetFitsIntoStatus(t *testing.T) {
	part := readers()
	part.Findings = []lint.Finding{{Severity: lint.Error, Problem: strings.Repeat("鍵", 2000)}}
	if got := targetStatus(keyWith(nil, "", ""), part); len(got.Message) > maxMessage || !strings.HasSuffix(got.Message, "...") {
		t.Errorf("a message of %d bytes: %.40s", len(got.Message), got.Message)
	}
}

func TestAMistakeOnManyKeysIsSaidOnce(t *testing.T) {
	part := readers()
	part.Findings = []lint.Finding{
		{Severity: lint.Error, Sid: "Use", Element: "actions", Problem: "a mistake"},
		{Severity: lint.Warning, Sid: "Use", Problem: "something odd"},
	}
	seen := &survey{parts: []compile.Part{*part, *part}}
	status, _ := seen.status(&v1alpha1.KeyPolicy{})
	for _, condition := range status.Conditions {
		if condition.Type != v1alpha1.ConditionValid {
			continue
		}
		want := "Error: spec.rules[Use].actions: a mistake; Warning: spec.rules[Use]: something odd"
		if condition.Message != want || condition.Reason != v1alpha1.ReasonErrors {
			t.Errorf("Valid = %+v", condition)
		}
		return
	}
	t.Error("nothing is said about Valid")
}

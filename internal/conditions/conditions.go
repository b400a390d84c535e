// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conditions keeps the status conditions of every kind in one shape, the one that kstatus reads: each phase
// reports one condition, Ready is derived from them and never set by hand, and Reconciling and Stalled say whether the
// operator or a person has the next move. It is pure.
package conditions

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// Conditions is the list of an object's conditions during one pass.
type Conditions struct {
	// List is what goes into status.
	List       []metav1.Condition
	before     []metav1.Condition
	generation int64
	problems   []Problem
}

// New starts from the conditions in status; generation is that of the spec which the pass is about.
func New(old []metav1.Condition, generation int64) *Conditions {
	return &Conditions{List: slices.Clone(old), before: old, generation: generation}
}

// True reports a condition as met.
func (c *Conditions) True(conditionType, reason, message string) {
	c.set(conditionType, metav1.ConditionTrue, reason, message)
}

// False reports a condition as not there of which that is a good thing.
func (c *Conditions) False(conditionType, reason, message string) {
	c.set(conditionType, metav1.ConditionFalse, reason, message)
}

// Wait reports a condition that another one has to precede.
func (c *Conditions) Wait(conditionType, message string) {
	c.set(conditionType, metav1.ConditionUnknown, v1alpha1.ReasonPending, message)
}

// Fail reports a condition as not met, and why.
func (c *Conditions) Fail(conditionType string, problem Problem) {
	c.problems = append(c.problems, problem)
	c.set(conditionType, metav1.ConditionFalse, problem.Reason, problem.Message)
}

// FailAll reports a condition as not met for several reasons: the first gives the reason, all give the message.
func (c *Conditions) FailAll(conditionType string, problems []Problem) {
	c.problems = append(c.problems, problems...)
	messages := make([]string, 0, len(problems))
	for _, problem := range problems {
		messages = append(messages, problem.Message)
	}
	c.set(conditionType, metav1.ConditionFalse, problems[0].Reason, strings.Join(messages, "; "))
}

// Problems are those reported in this pass.
func (c *Conditions) Problems() []Problem { return c.problems }

// IsTrue says whether a condition is met.
func (c *Conditions) IsTrue(conditionType string) bool {
	return meta.IsStatusConditionTrue(c.List, conditionType)
}

// Summarize derives Ready from the conditions named, in their order: the first that is not met speaks, and one that was
// never reported is not met. When all are met, readyReason and readyMessage say how. Reconciling and Stalled follow
// from the problems reported in this pass.
func (c *Conditions) Summarize(of []string, readyReason, readyMessage string) {
	c.summarizeReady(of, readyReason, readyMessage)
	i := slices.IndexFunc(c.problems, func(p Problem) bool { return p.Stalled })
	switch {
	case i >= 0:
		c.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, c.problems[i].Reason, c.problems[i].Message)
		c.set(v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonSettled, "")
	case len(c.problems) > 0:
		c.set(v1alpha1.ConditionStalled, metav1.ConditionFalse, v1alpha1.ReasonProgressing, "")
		c.set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing, c.problems[0].Message)
	default:
		c.set(v1alpha1.ConditionStalled, metav1.ConditionFalse, v1alpha1.ReasonSettled, "")
		c.set(v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonSettled, "")
	}
}

func (c *Conditions) summarizeReady(of []string, reason, message string) {
	var unreported []string
	for _, conditionType := range of {
		condition := meta.FindStatusCondition(c.List, conditionType)
		switch {
		case condition == nil:
			unreported = append(unreported, conditionType)
		case condition.Status != metav1.ConditionTrue:
			c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, condition.Reason, condition.Message)
			return
		}
	}
	if len(unreported) > 0 {
		c.set(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPending, "waits for "+strings.Join(unreported, ", "))
		return
	}
	c.set(v1alpha1.ConditionReady, metav1.ConditionTrue, reason, message)
}

// Remark adds to what a condition says; an empty remark adds nothing.
func (c *Conditions) Remark(conditionType, remark string) {
	condition := meta.FindStatusCondition(c.List, conditionType)
	if condition == nil || remark == "" {
		return
	}
	message := remark
	if condition.Message != "" {
		message = condition.Message + "; " + remark
	}
	c.set(conditionType, condition.Status, condition.Reason, message)
}

func (c *Conditions) set(conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.List, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: Shorten(message, maxMessage), ObservedGeneration: c.generation,
	})
	// One that is reported twice in a pass, and ends where it began, made no transition.
	now, before := meta.FindStatusCondition(c.List, conditionType), meta.FindStatusCondition(c.before, conditionType)
	if before != nil && before.Status == now.Status {
		now.LastTransitionTime = before.LastTransitionTime
	}
}

// maxMessage is metav1.Condition's bound, in bytes.
const maxMessage = 32768

// Shorten is text in at most most bytes. A character that the cut would halve is left out: the API server would store
// something else in its place, and each pass would find its own status changed.
func Shorten(text string, most int) string {
	const more = "..."
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(more)], "") + more
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// notReadyError names the samples that are not Ready, with their conditions.
type notReadyError struct {
	samples samples
	after   time.Duration
}

func (e *notReadyError) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "not Ready after %v:\n", e.after)
	for _, sample := range e.samples {
		fmt.Fprintf(&out, "\n%s\n%s", title(sample), conditionTable(conditionsOf(sample)))
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// trailing are the spaces by which a tabwriter fills empty cells up.
var trailing = regexp.MustCompile(` +\n`)

// conditionTable has a line for each condition.
func conditionTable(conditions []metav1.Condition) string {
	if len(conditions) == 0 {
		return "  no conditions: the operator has not looked at it yet\n"
	}
	var out strings.Builder
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  TYPE\tSTATUS\tREASON\tMESSAGE")
	for _, c := range conditions {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", c.Type, c.Status, c.Reason, c.Message)
	}
	_ = table.Flush() // a strings.Builder takes everything
	return trailing.ReplaceAllString(out.String(), "\n")
}

// title is an object as a person names it.
func title(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}

// inBrief names the samples with the reasons why they are not Ready.
func inBrief(pending samples) string {
	parts := make([]string, 0, len(pending))
	for _, sample := range pending {
		part := title(sample)
		if ready := meta.FindStatusCondition(conditionsOf(sample), v1alpha1.ConditionReady); ready != nil {
			part += " (" + ready.Reason + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// isReady says whether the object is Ready in its present generation.
func isReady(object *unstructured.Unstructured) bool {
	ready := meta.FindStatusCondition(conditionsOf(object), v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == object.GetGeneration()
}

// qualification is what there is to say about an object beside that it is Ready: a disabled key is, too.
func qualification(object *unstructured.Unstructured) string {
	ready := meta.FindStatusCondition(conditionsOf(object), v1alpha1.ConditionReady)
	if ready == nil || ready.Reason == v1alpha1.ReasonReady {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", ready.Reason, ready.Message)
}

// conditionsOf are the conditions in the object's status; none where there are none that can be read.
func conditionsOf(object *unstructured.Unstructured) []metav1.Condition {
	var read struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &read); err != nil {
		return nil
	}
	return read.Status.Conditions
}

// tail is the last lines of a log, indented.
func tail(log string, lines int) string {
	all := strings.Split(strings.TrimSpace(log), "\n")
	return "  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}

// dataOf is the part of a ConfigMap's YAML from data: to the next field.
func dataOf(yaml string) string {
	var data []string
	for line := range strings.Lines(yaml) {
		switch {
		case line == "data:\n":
			data = append(data, line)
		case len(data) > 0 && strings.HasPrefix(line, " "):
			data = append(data, line)
		case len(data) > 0:
			return strings.Join(data, "")
		}
	}
	return strings.Join(data, "")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestOnlyChatelainesKindsAreSamples(t *testing.T) {
	const key = `{"apiVersion": "kms.chatelaine.dev/v1alpha1", "kind": "Key", "metadata": {"namespace": "shop", "name": "orders"}}`
	const namespace = `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}`
	for name, test := range map[string]struct {
		printed string
		want    []string
	}{
		"a list":                    {`{"apiVersion": "v1", "kind": "List", "items": [` + namespace + `, ` + key + `]}`, []string{"Key shop/orders"}},
		"one object":                {key, []string{"Key shop/orders"}},
		"one object of another API": {namespace, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := parseSamples([]byte(test.printed))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, sample := range found {
				got = append(got, title(sample))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASampleIsReadyOnlyInItsPresentGeneration(t *testing.T) {
	for name, test := range map[string]struct {
		conditions []any
		want       bool
	}{
		"no conditions":              {nil, false},
		"ready":                      {[]any{condition("Ready", "True", 2)}, true},
		"not ready":                  {[]any{condition("Ready", "False", 2)}, false},
		"ready as it was before":     {[]any{condition("Ready", "True", 1)}, false},
		"something else than ready":  {[]any{condition("Created", "True", 2)}, false},
		"ready beside what is false": {[]any{condition("Stalled", "False", 2), condition("Ready", "True", 2)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isReady(sample("orders", test.conditions...)); got != test.want {
				t.Errorf("ready: %v, want %v", got, test.want)
			}
		})
	}
}

func TestEachSampleThatIsNotReadyIsReportedWithItsConditions(t *testing.T) {
	silent := map[string]any{"type": "Reconciling", "status": "False", "reason": "ReasonOfReconciling"}
	err := &notReadyError{after: 3 * time.Minute, samples: samples{
		sample("orders", condition("Ready", "False", 2), condition("BackendReady", "Unknown", 2), silent),
		sample("signing"),
	}}
	const want = `not Ready after 3m0s:

Key shop/orders
  TYPE          STATUS   REASON                MESSAGE
  Ready         False    ReasonOfReady         message of Ready
  BackendReady  Unknown  ReasonOfBackendReady  message of BackendReady
  Reconciling   False    ReasonOfReconciling

Key shop/signing
  no conditions: the operator has not looked at it yet`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestWhatIsWaitedForIsNamedWithItsReason(t *testing.T) {
	got := inBrief(samples{sample("orders", condition("Ready", "False", 2)), sample("signing")})
	if want := "Key shop/orders (ReasonOfReady), Key shop/signing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheLastLinesOfALogAreShown(t *testing.T) {
	for log, want := range map[string]string{
		"one\ntwo\nthree\n": "  two\n  three",
		"one\n":             "  one",
	} {
		if got := tail(log, 2); got != want {
			t.Errorf("tail of %q: %q, want %q", log, got, want)
		}
	}
}

func TestOnlyTheDataOfAConfigMapIsShown(t *testing.T) {
	const yaml = "apiVersion: v1\ndata:\n  A: a\n  B: |\n    b\nkind: ConfigMap\nmetadata:\n  name: orders-key\n"
	if got, want := dataOf(yaml), "data:\n  A: a\n  B: |\n    b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func sample(name string, conditions ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"kind":     "Key",
		"metadata": map[string]any{"namespace": "shop", "name": name, "generation": int64(2)},
		"status":   map[string]any{"conditions": conditions},
	}}
}

func condition(conditionType, status string, generation int64) any {
	return map[string]any{
		"type": conditionType, "status": status, "observedGeneration": generation,
		"reason": "ReasonOf" + conditionType, "message": "message of " + conditionType,
	}
}

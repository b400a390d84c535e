// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const (
	poll = 100 * time.Millisecond
	// patience is after how long without news the samples that are not Ready yet are named.
	patience = 10 * time.Second
)

// samples are objects of Chatelaine's kinds, whichever these are.
type samples []*unstructured.Unstructured

func (d *demo) applySamples(ctx context.Context) (samples, error) {
	printed, err := d.kubectl(ctx, "apply", "-k", d.options.samples, "-o", "json")
	if err != nil {
		return nil, err
	}
	applied, err := parseSamples([]byte(printed))
	if err != nil {
		return nil, fmt.Errorf("reading what kubectl applied: %w", err)
	}
	if len(applied) == 0 {
		return nil, fmt.Errorf("%s has no object of the group %s", d.options.samples, v1alpha1.GroupVersion.Group)
	}
	return applied, nil
}

// parseSamples finds Chatelaine's kinds in what kubectl apply -o json prints: a List, or one object alone.
func parseSamples(printed []byte) (samples, error) {
	applied := &unstructured.Unstructured{}
	if err := applied.UnmarshalJSON(printed); err != nil {
		return nil, err
	}
	var found samples
	keep := func(object *unstructured.Unstructured) {
		if object.GroupVersionKind().Group == v1alpha1.GroupVersion.Group {
			found = append(found, object)
		}
	}
	if !applied.IsList() {
		keep(applied)
		return found, nil
	}
	list, err := applied.ToList()
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		keep(&list.Items[i])
	}
	return found, nil
}

// published is the ConfigMap into which the first Key that says so is published; empty when none is.
func (s samples) published() (namespace, name string) {
	for _, sample := range s {
		if name, _, _ := unstructured.NestedString(sample.Object, "status", "configMapName"); name != "" {
			return sample.GetNamespace(), name
		}
	}
	return "", ""
}

// encrypting is the first Key with an alias that encrypts; nil when there is none.
func (s samples) encrypting() *v1alpha1.Key {
	for _, sample := range s {
		key := &v1alpha1.Key{}
		if sample.GetKind() != "Key" || runtime.DefaultUnstructuredConverter.FromUnstructured(sample.Object, key) != nil {
			continue
		}
		if symmetric := key.Spec.KeySpec == "" || key.Spec.KeySpec == "SYMMETRIC_DEFAULT"; symmetric && len(key.Spec.Aliases) > 0 {
			return key
		}
	}
	return nil
}

// waitForSamples waits until every sample is Ready, and tells of each. Its error says of those that are not why.
func (d *demo) waitForSamples(ctx context.Context, pending samples) error {
	told := time.Now()
	for {
		unready, err := d.look(ctx, pending)
		switch {
		case ctx.Err() != nil:
			return &notReadyError{samples: pending, after: d.timeout}
		case err != nil:
			return err
		case len(unready) == 0:
			return nil
		case len(unready) < len(pending):
			told = time.Now()
		case time.Since(told) > patience:
			d.screen.step("still waiting for %s", inBrief(unready))
			told = time.Now()
		}
		pending = unready
		pause(ctx)
	}
}

// look reads the samples anew, tells of those that are Ready and returns the others.
func (d *demo) look(ctx context.Context, pending samples) (samples, error) {
	unready := slices.Clone(pending)
	for _, sample := range pending {
		if err := d.env.Client.Get(ctx, client.ObjectKeyFromObject(sample), sample); err != nil {
			return nil, fmt.Errorf("reading %s: %w", title(sample), err)
		}
		if isReady(sample) {
			d.screen.step("%s is Ready%s", title(sample), qualification(sample))
			unready = slices.DeleteFunc(unready, func(o *unstructured.Unstructured) bool { return o == sample })
		}
	}
	return unready, nil
}

// pause waits a moment, or for ctx.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(poll):
	}
}

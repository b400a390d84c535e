// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// Selection is how a KeyPolicy comes to be for a Key.
type Selection int

// The ways: not at all, by a selector, by its name.
const (
	NotSelected Selection = iota
	BySelector
	ByName
)

// Selects says whether, and how, the KeyPolicy selects the Key of its namespace with this name and these labels.
func Selects(object *v1alpha1.KeyPolicy, name string, keyLabels map[string]string) Selection {
	found := NotSelected
	for i := range object.Spec.Targets {
		target := &object.Spec.Targets[i]
		if target.Name != "" && target.Name == name {
			return ByName
		}
		if selector, err := selectorOf(target); err == nil && selector.Matches(labels.Set(keyLabels)) {
			found = BySelector
		}
	}
	return found
}

// selectorOf is a target's selector; it selects nothing if the target has none.
func selectorOf(target *v1alpha1.KeyPolicyTarget) (labels.Selector, error) {
	return metav1.LabelSelectorAsSelector(target.Selector)
}

// Unreadable says whether a selector of the KeyPolicy cannot be read, so that nobody knows what it would select.
func Unreadable(object *v1alpha1.KeyPolicy) bool {
	return slices.ContainsFunc(object.Spec.Targets, func(target v1alpha1.KeyPolicyTarget) bool {
		_, err := selectorOf(&target)
		return err != nil
	})
}

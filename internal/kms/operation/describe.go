// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// states are those of a key, in the order in which documentation lists them.
var states = []lifecycle.State{
	lifecycle.Enabled, lifecycle.Disabled, lifecycle.PendingImport, lifecycle.PendingDeletion,
}

// States are the key states in which the operation goes; nil for one that looks after it by itself.
func (op *Operation) States() []lifecycle.State {
	if op.State == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(states), func(s lifecycle.State) bool {
		return lifecycle.Allowed(s, op.State) != nil
	})
}

// HasDryRun says whether a request can be tried without being carried out.
func (op *Operation) HasDryRun() bool { return op.input != nil && op.input.dryRun >= 0 }

// Conditions are the condition keys that the members of a request set, sorted.
func (op *Operation) Conditions() []string {
	if op.input == nil {
		return nil
	}
	keys := op.input.conditions(nil)
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (s *shape) conditions(keys []string) []string {
	for i := range s.members {
		if m := &s.members[i]; m.nested != nil {
			keys = m.nested.conditions(keys)
		} else if m.condition != "" {
			keys = append(keys, m.condition)
		}
	}
	return keys
}

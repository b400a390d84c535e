// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

// servicesOwn are the actions of AWS KMS that no caller can perform, so that there is no operation.
var servicesOwn = []string{"kms:SynchronizeMultiRegionKey"}

func TestTheVocabularyOfPoliciesIsThePermissionsOfTheOperations(t *testing.T) {
	permissions := slices.Clone(servicesOwn)
	for _, op := range All() {
		permissions = append(permissions, op.Permissions...)
	}
	slices.Sort(permissions)
	if diff := cmp.Diff(slices.Compact(permissions), vocabulary.Actions()); diff != "" {
		t.Errorf("(-operations +vocabulary):\n%s", diff)
	}
}

func TestTheVocabularyAgreesWithTheOperationsOnUsageAndScope(t *testing.T) {
	for _, op := range All() {
		for _, permission := range op.Permissions {
			action, known := vocabulary.Lookup(permission)
			if !known {
				t.Errorf("%s: the vocabulary does not know it", permission)
				continue
			}
			if action.Usage != op.Usage || action.Cryptographic() != op.Uses {
				t.Errorf("%s: the vocabulary says usage %q, cryptographic %t; the operation %q, %t",
					permission, action.Usage, action.Cryptographic(), op.Usage, op.Uses)
			}
			if want := scope(op); action.Scope != want {
				t.Errorf("%s: the vocabulary says scope %d, the operation %d", permission, action.Scope, want)
			}
		}
	}
}

func scope(op *Operation) vocabulary.Scope {
	switch {
	case op.Name == "RetireGrant":
		return vocabulary.ScopeGrant
	case op.Key == NoKey && !op.OnAlias && op.Name != "DeleteAlias":
		return vocabulary.ScopeAccount
	default:
		return vocabulary.ScopeKey
	}
}

func TestEveryConditionKeyOfARequestIsInTheVocabulary(t *testing.T) {
	found := 0
	var check func(name string, s *shape)
	check = func(name string, s *shape) {
		for _, m := range s.members {
			if m.nested != nil {
				check(name, m.nested)
			}
			if m.condition == "" || m.condition == "kms:EncryptionContext" { // the latter stands for the keys of its names
				continue
			}
			found++
			if _, known := vocabulary.ConditionKey(m.condition); !known {
				t.Errorf("%s: the vocabulary does not know %s", name, m.condition)
			}
		}
	}
	for _, op := range All() {
		check(op.Name, op.input)
	}
	if found == 0 {
		t.Error("no request has a condition key")
	}
}

func TestWhatTheOperatorMayDoIsAboutKeys(t *testing.T) {
	for _, name := range policy.Administration() {
		if action, known := vocabulary.Lookup(name); !known || action.Scope != vocabulary.ScopeKey || action.Cryptographic() {
			t.Errorf("%s: known %t, %+v", name, known, action)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package vocabulary

import (
	"path"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Scope says where an action can be given.
type Scope int

// The scopes.
const (
	// ScopeKey: a key policy can give it.
	ScopeKey Scope = iota
	// ScopeAccount: it is not about a key, and only an IAM policy can give it.
	ScopeAccount
	// ScopeGrant: a grant gives it and, beside that, an IAM policy; a key policy does not.
	ScopeGrant
	// ScopeService: a key policy can give it, but only AWS KMS itself performs it.
	ScopeService
)

// Action is what is known of an action.
type Action struct {
	// Name is with its service, such as kms:Decrypt.
	Name  string
	Scope Scope
	// Usage is the key usage that it needs; empty for any.
	Usage keyspec.Usage
	// Symmetric says that it needs a key of spec SYMMETRIC_DEFAULT.
	Symmetric bool
	// PublicKey says that it needs a key pair.
	PublicKey bool
}

// Cryptographic says that the action uses the key's material, rather than administers the key.
func (a Action) Cryptographic() bool { return a.Usage != "" }

// Possible says whether a key of this spec and usage can perform the action.
func (a Action) Possible(spec keyspec.Spec, usage keyspec.Usage) bool {
	if a.Scope == ScopeAccount || a.Scope == ScopeGrant {
		return false
	}
	return (a.Usage == "" || a.Usage == usage) && (!a.Symmetric || spec.Symmetric()) && (!a.PublicKey || spec.HasPublicKey())
}

// Lookup returns the action of that name, which has no wildcards.
func Lookup(name string) (Action, bool) {
	for _, action := range actions {
		if strings.EqualFold(action.Name, name) {
			return action, true
		}
	}
	return Action{}, false
}

// Known says whether there is an action of that name, which has no wildcards.
func Known(name string) bool {
	_, known := Lookup(name)
	return known
}

// Possible says whether there is an action of that name and a key of this spec and usage can perform it.
func Possible(name string, spec keyspec.Spec, usage keyspec.Usage) bool {
	action, known := Lookup(name)
	return known && action.Possible(spec, usage)
}

// Actions returns the names of all actions, sorted.
func Actions() []string {
	names := make([]string, len(actions))
	for i, action := range actions {
		names[i] = action.Name
	}
	return names
}

// Match returns the names of the actions that an action in a policy stands for, sorted: kms:Generate* is each that
// generates something, * is all.
func Match(pattern string) []string {
	if pattern == "*" {
		return Actions()
	}
	if !strings.ContainsAny(pattern, `*?[]\`) {
		if action, known := Lookup(pattern); known {
			return []string{action.Name}
		}
		return nil
	}
	if strings.ContainsAny(pattern, `[]\`) {
		return nil // no wildcards of IAM, but of path.Match
	}
	var names []string
	for _, action := range actions {
		if matches, err := path.Match(strings.ToLower(pattern), strings.ToLower(action.Name)); err == nil && matches {
			names = append(names, action.Name)
		}
	}
	return names
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

// actions are a rule's: those that its permissions stand for on this key, and its own. Own ones that the key cannot perform are
// left to the linter where the KeyPolicy names the key, and left out where a selector picked it.
func (c *compiler) actions(rule *v1alpha1.KeyPolicyRule) []string {
	var actions []string
	for _, permission := range rule.Permissions {
		expanded := c.expand(string(permission))
		if rule.Effect == v1alpha1.EffectDeny && !slices.Contains(looking, permission) {
			expanded = slices.DeleteFunc(expanded, isLook)
		}
		if len(expanded) == 0 {
			c.impossible(rule.Sid, "permissions", string(permission))
		}
		actions = append(actions, expanded...)
	}
	for _, action := range rule.Actions {
		if !c.about.ByName && c.isKnown() && c.nothing(action) {
			c.impossible(rule.Sid, "actions", action)
			continue
		}
		actions = append(actions, action)
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// nothing says whether an action, which may have wildcards, is one of keys and yet none that this key can perform.
func (c *compiler) nothing(action string) bool {
	ofKeys := false
	for _, name := range vocabulary.Match(action) {
		if known, _ := vocabulary.Lookup(name); known.Scope == vocabulary.ScopeKey {
			ofKeys = true
		}
		if vocabulary.Possible(name, c.about.Spec, c.about.Usage) {
			return false
		}
	}
	return ofKeys
}

// looking are the permissions that are themselves about looking at a key. The others include it, since who may use a key has to
// find out about it; but who is not to use it need not be kept from that, least of all the operator.
var looking = []v1alpha1.Permission{v1alpha1.PermissionRead, v1alpha1.PermissionAdminister, v1alpha1.PermissionGrant}

func isLook(action string) bool { return action == "kms:DescribeKey" || action == "kms:GetPublicKey" }

// impossible notes what the key's usage can never perform.
func (c *compiler) impossible(sid, element, what string) {
	severity, way := lint.Warning, "the rule does nothing with it on this key"
	if c.about.ByName {
		severity, way = lint.Error, "remove it, or name another key"
	}
	c.find(severity, sid, element, fmt.Sprintf("%s is nothing that a key with keyUsage %s can do: %s", what, c.about.Usage, way))
}

func (c *compiler) isKnown() bool { return c.about.Usage != "" }

// expand is what a permission stands for. Where the key is not known it stands for what it may on any key.
func (c *compiler) expand(permission string) []string {
	if c.isKnown() {
		return vocabulary.Expand(permission, c.about.Spec, c.about.Usage)
	}
	var all []string
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			all = append(all, vocabulary.Expand(permission, spec, usage)...)
		}
	}
	return all
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAliasesOutsideTheNamespacesOwnPrefixAreNamed(t *testing.T) {
	for alias, outside := range map[string]bool{
		"alias/team/orders":        false,
		"alias/team/orders/eu":     false,
		"alias/team/team-a/orders": false,
		"alias/team/":              true,
		"alias/team":               true,
		"alias/team-a/orders":      true,
		"alias/team-":              true,
		"alias/teamorders":         true,
		"alias/orders":             true,
		"alias/other/team/orders":  true,
		"alias/Team/orders":        true,
		"alias//team/orders":       true,
		"team/orders":              true,
		"":                         true,
	} {
		if got := slices.Contains(AliasesOutside("team", []string{alias}), alias); got != outside {
			t.Errorf("%q is outside of namespace team: %t, want %t", alias, got, outside)
		}
	}
}

func TestANamespaceThatBeginsLikeAnotherHasItsOwnPrefix(t *testing.T) {
	aliases := []string{"alias/team/orders", "alias/team-a/orders", "alias/team-a-b/orders"}
	for namespace, want := range map[string][]string{
		"team":   {"alias/team-a/orders", "alias/team-a-b/orders"},
		"team-a": {"alias/team/orders", "alias/team-a-b/orders"},
		"tea":    aliases,
	} {
		if diff := cmp.Diff(want, AliasesOutside(namespace, aliases)); diff != "" {
			t.Errorf("namespace %s (-want +got):\n%s", namespace, diff)
		}
	}
	if outside := AliasesOutside("team", nil); outside != nil {
		t.Errorf("no alias, and yet outside: %v", outside)
	}
}

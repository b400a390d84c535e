// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestGrantsAreMadeBeforeOthersAreRevoked(t *testing.T) {
	grant := func(id, name string, operations ...string) backend.Grant {
		return backend.Grant{ID: id, Name: backend.GrantName(ordersA, name), Grantee: "arn:a", Operations: operations}
	}
	type grants = []backend.Grant
	type changes = []backend.Change
	revoke := func(id, name string) backend.Change {
		return backend.RevokeGrant{ID: id, Name: backend.GrantName(ordersA, name)}
	}
	others := backend.Grant{ID: "9", Name: backend.GrantName(backend.Owner{Namespace: "team", Name: "other"}, "a"), Grantee: "arn:a"}
	decrypt, encrypt := grant("", "a", "Decrypt"), grant("", "a", "Encrypt")
	for name, c := range map[string]struct {
		want, have    grants
		disabled      bool
		now, deferred changes
	}{
		"nothing":               {},
		"as declared":           {want: grants{decrypt}, have: grants{grant("1", "a", "Decrypt")}},
		"declared":              {want: grants{decrypt}, now: changes{backend.PutGrant{Grant: decrypt}}},
		"no longer declared":    {have: grants{grant("1", "a", "Decrypt")}, now: changes{revoke("1", "a")}},
		"of others":             {have: grants{others, {ID: "8", Name: "a"}}},
		"changed":               {want: grants{encrypt}, have: grants{grant("1", "a", "Decrypt")}, now: changes{backend.PutGrant{Grant: encrypt, Replaces: []string{"1"}}}},
		"made twice":            {want: grants{decrypt}, have: grants{grant("1", "a", "Decrypt"), grant("2", "a", "Decrypt")}, now: changes{revoke("2", "a")}},
		"new one made, old not": {want: grants{encrypt}, have: grants{grant("1", "a", "Decrypt"), grant("2", "a", "Encrypt")}, now: changes{revoke("1", "a")}},
		"one renamed": {
			want: grants{grant("", "b", "Decrypt")}, have: grants{grant("1", "a", "Decrypt")},
			now: changes{backend.PutGrant{Grant: grant("", "b", "Decrypt")}, revoke("1", "a")},
		},
		"some of each": {
			want: grants{encrypt, grant("", "b", "Decrypt"), grant("", "c", "Decrypt")},
			have: grants{grant("4", "d", "Decrypt"), grant("1", "a", "Decrypt"), others, grant("2", "b", "Decrypt")},
			now: changes{
				backend.PutGrant{Grant: encrypt, Replaces: []string{"1"}}, backend.PutGrant{Grant: grant("", "c", "Decrypt")}, revoke("4", "d"),
			},
		},
		"declared on a disabled key": {want: grants{decrypt}, disabled: true, deferred: changes{backend.PutGrant{Grant: decrypt}}},
		"changed on a disabled key": {
			want: grants{encrypt}, have: grants{grant("1", "a", "Decrypt")}, disabled: true,
			now: changes{revoke("1", "a")}, deferred: changes{backend.PutGrant{Grant: encrypt}},
		},
		"removed on a disabled key":     {have: grants{grant("1", "a", "Decrypt")}, disabled: true, now: changes{revoke("1", "a")}},
		"as declared on a disabled key": {want: grants{decrypt}, have: grants{grant("1", "a", "Decrypt")}, disabled: true},
	} {
		got := Grants(ordersA, c.want, c.have, !c.disabled)
		if len(got.Now) == 0 {
			got.Now = nil
		}
		if diff := cmp.Diff(GrantChanges{Now: c.now, Deferred: c.deferred}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

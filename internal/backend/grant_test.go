// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"regexp"
	"strings"
	"testing"
)

var shopOrders = Owner{Cluster: "cluster-a", Namespace: "shop", Name: "orders.v1", UID: "uid-1"}

func TestAGrantsNameIsTheKeysAndNoOthers(t *testing.T) {
	name := GrantName(shopOrders, "api")
	if declared, mine := DeclaredGrantName(shopOrders, name); !mine || declared != "api" {
		t.Errorf("%s is declared as %q, mine %t", name, declared, mine)
	}
	again := shopOrders
	again.UID = "uid-2"
	if GrantName(again, "api") != name {
		t.Error("a Key that is created again does not know its grants")
	}
	for what, other := range map[string]Owner{
		"cluster":   {Cluster: "cluster-b", Namespace: "shop", Name: "orders.v1"},
		"namespace": {Cluster: "cluster-a", Namespace: "shop-2", Name: "orders.v1"},
		"name":      {Cluster: "cluster-a", Namespace: "shop", Name: "orders.v2"},
	} {
		if _, mine := DeclaredGrantName(other, name); mine {
			t.Errorf("the grant is also that of a Key with another %s", what)
		}
	}
	for _, foreign := range []string{"", "api", GrantPrefix, "x" + name} {
		if _, mine := DeclaredGrantName(shopOrders, foreign); mine {
			t.Errorf("grant %q is taken for the Key's", foreign)
		}
	}
}

// API Reference of AWS KMS, CreateGrant, Name.
func TestAGrantsNameIsOneForAWS(t *testing.T) {
	allowed := regexp.MustCompile(`^[a-zA-Z0-9:/_-]{1,256}$`)
	long := Owner{Cluster: strings.Repeat("c", 36), Namespace: strings.Repeat("n", 63), Name: strings.Repeat("a.", 126)}
	for _, name := range []string{GrantName(shopOrders, "api"), GrantName(long, strings.Repeat("g", 63))} {
		if !allowed.MatchString(name) || !strings.HasPrefix(name, GrantPrefix) {
			t.Errorf("%s is no name for a grant", name)
		}
	}
}

func TestGrantsAreTheSameByWhatTheyAllow(t *testing.T) {
	type pairs = map[string]string
	base := Grant{
		ID: "1", Name: "n", Grantee: "arn:a", Retiring: "arn:b", Operations: []string{"Decrypt", "Encrypt"},
		EncryptionContextSubset: pairs{"tenant": "a"},
	}
	for name, c := range map[string]struct {
		change func(*Grant)
		same   bool
	}{
		"nothing":             {func(*Grant) {}, true},
		"ID":                  {func(g *Grant) { g.ID = "" }, true},
		"order of operations": {func(g *Grant) { g.Operations = []string{"Encrypt", "Decrypt"} }, true},
		"an operation twice":  {func(g *Grant) { g.Operations = []string{"Encrypt", "Decrypt", "Encrypt"} }, true},
		"empty constraint":    {func(g *Grant) { g.EncryptionContextEquals = pairs{} }, true},
		"name":                {func(g *Grant) { g.Name = "m" }, false},
		"grantee":             {func(g *Grant) { g.Grantee = "arn:c" }, false},
		"retiring principal":  {func(g *Grant) { g.Retiring = "" }, false},
		"operation more":      {func(g *Grant) { g.Operations = []string{"Decrypt", "Encrypt", "Sign"} }, false},
		"operation less":      {func(g *Grant) { g.Operations = []string{"Decrypt"} }, false},
		"value":               {func(g *Grant) { g.EncryptionContextSubset = pairs{"tenant": "b"} }, false},
		"constraint gone":     {func(g *Grant) { g.EncryptionContextSubset = nil }, false},
		"kind of constraint": {func(g *Grant) {
			g.EncryptionContextEquals, g.EncryptionContextSubset = g.EncryptionContextSubset, nil
		}, false},
		"more than a Key declares": {func(g *Grant) { g.Foreign = true }, false},
	} {
		other := base
		c.change(&other)
		if got := base.SameAs(other); got != c.same {
			t.Errorf("%s: same %t, want %t", name, got, c.same)
		}
		if got := base.Hash() == other.Hash(); got != c.same {
			t.Errorf("%s: same hash %t, want %t", name, got, c.same)
		}
	}
}

func TestChangesOfGrantsSayWhatTheyDo(t *testing.T) {
	grant := Grant{Name: GrantName(shopOrders, "api"), Grantee: "arn:a", Operations: []string{"Encrypt", "Decrypt"}}
	narrow, exact := grant, grant
	narrow.Operations, narrow.Retiring, narrow.EncryptionContextSubset = []string{"Encrypt"}, "arn:b", map[string]string{"b": "2", "a": "1"}
	exact.Operations, exact.EncryptionContextEquals = []string{"Encrypt"}, map[string]string{"a": "1"}
	for _, c := range []struct {
		change Change
		says   string
	}{
		{PutGrant{Grant: grant}, "grant api made: Decrypt, Encrypt for arn:a"},
		{PutGrant{Grant: grant, Replaces: []string{"1"}}, "grant api replaced: Decrypt, Encrypt for arn:a"},
		{RevokeGrant{ID: "1", Name: grant.Name}, "grant api revoked"},
		{PutGrant{Grant: narrow}, "grant api made: Encrypt for arn:a with an encryption context that has a=1, b=2, retired by arn:b"},
		{PutGrant{Grant: exact}, "grant api made: Encrypt for arn:a with the encryption context a=1"},
	} {
		if got := c.change.String(); got != c.says || c.change.Field() != "grants" {
			t.Errorf("%T of %s says %q, want %q", c.change, c.change.Field(), got, c.says)
		}
	}
}

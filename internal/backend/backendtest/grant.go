// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// granting is a test for backends whose keys can have grants.
func granting(test func(*testing.T, *fixture)) func(*testing.T, *fixture) {
	return func(t *testing.T, f *fixture) {
		if _, ok := f.Backend.(backend.Granter); ok {
			test(t, f)
			return
		}
		t.Log("the backend has no grants")
	}
}

// grant is one that every backend makes on a symmetric key.
func (f *fixture) grant(t *testing.T, name string, change func(*backend.Grant)) backend.Grant {
	t.Helper()
	made := backend.Grant{
		Name: backend.GrantName(owner("key"), name), Grantee: f.identity(t).PrincipalARN, Operations: []string{"Decrypt", "DescribeKey"},
	}
	if change != nil {
		change(&made)
	}
	return made
}

func (f *fixture) granter() backend.Granter {
	granter, _ := f.Backend.(backend.Granter) // granting has looked
	return granter
}

// grants are those of the key.
func (f *fixture) grants(t *testing.T, keyID string) []backend.Grant {
	t.Helper()
	grants, err := f.granter().Grants(f.ctx, keyID)
	if err != nil {
		t.Fatalf("listing the grants of key %s: %v", keyID, err)
	}
	return grants
}

// wantGrants compares the grants of the key, in whatever order, and returns them in the order wanted.
func (f *fixture) wantGrants(t *testing.T, keyID string, want ...backend.Grant) []backend.Grant {
	t.Helper()
	has := f.grants(t, keyID)
	found := make([]backend.Grant, 0, len(want))
	for _, grant := range want {
		i := slices.IndexFunc(has, grant.SameAs)
		if i < 0 || has[i].ID == "" {
			t.Fatalf("the key lacks grant %+v; it has %+v", grant, has)
		}
		found = append(found, has[i])
	}
	if len(has) != len(want) {
		t.Fatalf("the key has grants %+v, want %+v", has, want)
	}
	return found
}

func testGrantOnce(t *testing.T, f *fixture) {
	key, other := f.create(t, symmetric("key")), f.create(t, symmetric("other"))
	f.wantGrants(t, key.ID)
	equals := f.grant(t, "equals", func(g *backend.Grant) {
		g.Operations = []string{"GenerateDataKey", "Encrypt"}
		g.EncryptionContextEquals = map[string]string{"tenant": "ä", "empty": ""}
	})
	subset := f.grant(t, "subset", func(g *backend.Grant) {
		g.Retiring = g.Grantee
		g.EncryptionContextSubset = map[string]string{"Tenant": "b"}
	})
	after := f.apply(t, key.ID, backend.PutGrant{Grant: equals}, backend.PutGrant{Grant: subset})
	if diff := cmp.Diff(key, after); diff != "" {
		t.Errorf("the rest of the key changed:\n%s", diff)
	}
	made := f.wantGrants(t, key.ID, equals, subset)
	slices.Reverse(equals.Operations)
	f.apply(t, key.ID, backend.PutGrant{Grant: equals}, backend.PutGrant{Grant: subset})
	if diff := cmp.Diff(made, f.wantGrants(t, key.ID, equals, subset)); diff != "" {
		t.Errorf("made again, the grants are others:\n%s", diff)
	}
	f.wantGrants(t, other.ID)
}

func testGrantReplaced(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	first := f.grant(t, "api", nil)
	second := f.grant(t, "api", func(g *backend.Grant) { g.Operations = []string{"Encrypt"} })
	f.apply(t, key.ID, backend.PutGrant{Grant: first})
	id := f.wantGrants(t, key.ID, first)[0].ID
	replace := backend.PutGrant{Grant: second, Replaces: []string{id}}
	f.apply(t, key.ID, replace)
	made := f.wantGrants(t, key.ID, second)
	if made[0].ID == id {
		t.Error("the new grant has the ID of the old one")
	}
	f.apply(t, key.ID, replace)
	if diff := cmp.Diff(made, f.wantGrants(t, key.ID, second)); diff != "" {
		t.Errorf("replaced again, the grant is another:\n%s", diff)
	}
	bad := f.grant(t, "api", func(g *backend.Grant) { g.Operations = []string{"Sign"} })
	_, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{backend.PutGrant{Grant: bad, Replaces: []string{made[0].ID}}})
	wantClass(t, err, backend.InvalidInput)
	f.wantGrants(t, key.ID, second)
}

func testGrantRevoked(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	stays, goes := f.grant(t, "stays", nil), f.grant(t, "goes", nil)
	f.apply(t, key.ID, backend.PutGrant{Grant: stays}, backend.PutGrant{Grant: goes})
	made := f.wantGrants(t, key.ID, stays, goes)
	revoke := backend.RevokeGrant{ID: made[1].ID, Name: goes.Name}
	f.apply(t, key.ID, revoke)
	f.wantGrants(t, key.ID, stays)
	f.apply(t, key.ID, revoke)
	if diff := cmp.Diff(made[:1], f.wantGrants(t, key.ID, stays)); diff != "" {
		t.Errorf("revoked again, what is left is another:\n%s", diff)
	}
	f.apply(t, key.ID, backend.PutGrant{Grant: goes})
	if again := f.wantGrants(t, key.ID, stays, goes); again[1].ID == made[1].ID {
		t.Error("a grant that was revoked came back")
	}
}

func testGrantsInEveryState(t *testing.T, f *fixture) {
	key := f.create(t, symmetric("key"))
	first, second, late := f.grant(t, "first", nil), f.grant(t, "second", nil), f.grant(t, "late", nil)
	f.apply(t, key.ID, backend.PutGrant{Grant: first}, backend.PutGrant{Grant: second})
	made := f.wantGrants(t, key.ID, first, second)
	refused := func(state string) {
		_, err := f.Backend.Apply(f.ctx, key.ID, []backend.Change{backend.PutGrant{Grant: late}})
		if class := backend.ClassOf(err); class != backend.NotReady {
			t.Errorf("a grant on a key that is %s: %q (%v), want %s", state, class, err, backend.NotReady)
		}
	}
	f.apply(t, key.ID, backend.Disable{})
	refused("disabled")
	f.apply(t, key.ID, backend.RevokeGrant{ID: made[0].ID, Name: first.Name})
	f.wantGrants(t, key.ID, second)
	if _, err := f.Backend.ScheduleDeletion(f.ctx, key.ID, 7); err != nil {
		t.Fatal(err)
	}
	refused("pending deletion")
	f.apply(t, key.ID, backend.RevokeGrant{ID: made[1].ID, Name: second.Name})
	f.wantGrants(t, key.ID)
	f.apply(t, key.ID, backend.CancelDeletion{}, backend.Enable{}, backend.PutGrant{Grant: late})
	f.wantGrants(t, key.ID, late)
}

func testGrantRefused(t *testing.T, f *fixture) {
	symmetricKey := f.create(t, symmetric("key"))
	asymmetric := f.create(t, backend.CreateInput{Owner: owner("asymmetric"), Spec: keyspec.ECCNISTP256, Usage: keyspec.SignVerify})
	f.apply(t, asymmetric.ID, backend.PutGrant{Grant: f.grant(t, "good", func(g *backend.Grant) { g.Operations = []string{"Sign", "GetPublicKey"} })})
	for name, c := range map[string]struct {
		key    *backend.Key
		change func(*backend.Grant)
	}{
		"operation of another usage":    {symmetricKey, func(g *backend.Grant) { g.Operations = []string{"Decrypt", "Sign"} }},
		"no operation":                  {symmetricKey, func(g *backend.Grant) { g.Operations = nil }},
		"nobody":                        {symmetricKey, func(g *backend.Grant) { g.Grantee = "somebody" }},
		"name of no Key's grant":        {symmetricKey, func(g *backend.Grant) { g.Name = "api" }},
		"data key of an asymmetric key": {asymmetric, func(g *backend.Grant) { g.Operations = []string{"GenerateDataKey"} }},
		"constraint on an asymmetric key": {asymmetric, func(g *backend.Grant) {
			g.Operations, g.EncryptionContextEquals = []string{"Sign"}, map[string]string{"a": "b"}
		}},
	} {
		before := f.grants(t, c.key.ID)
		bad := backend.PutGrant{Grant: f.grant(t, "bad", c.change)}
		after, err := f.Backend.Apply(f.ctx, c.key.ID, []backend.Change{backend.SetDescription{To: name}, bad})
		if class := backend.ClassOf(err); class != backend.InvalidInput {
			t.Errorf("%s: %q (%v), want %s", name, class, err, backend.InvalidInput)
		}
		if after == nil || after.Description != name {
			t.Errorf("%s: the other change was not made: %+v", name, after)
		}
		if diff := cmp.Diff(before, f.grants(t, c.key.ID)); diff != "" {
			t.Errorf("%s: the grants changed:\n%s", name, diff)
		}
	}
}

func testGrantsOfNoKey(t *testing.T, f *fixture) {
	const nobody = "1234abcd-12ab-34cd-56ef-1234567890ab"
	_, err := f.granter().Grants(f.ctx, nobody)
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.Apply(f.ctx, nobody, []backend.Change{backend.PutGrant{Grant: f.grant(t, "api", nil)}})
	wantClass(t, err, backend.NotFound)
	_, err = f.Backend.Apply(f.ctx, nobody, []backend.Change{backend.RevokeGrant{ID: strings.Repeat("0", 64), Name: "api"}})
	wantClass(t, err, backend.NotFound)
}

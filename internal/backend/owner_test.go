// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var orders = Owner{Cluster: "cluster-a", Namespace: "team", Name: "orders", UID: "uid-1"}

func TestOwnerTagsAreTheDocumentedOnesAndReadBackAsTheOwner(t *testing.T) {
	tags := orders.Tags()
	want := map[string]string{
		"kms.chatelaine.dev/cluster":   "cluster-a",
		"kms.chatelaine.dev/namespace": "team",
		"kms.chatelaine.dev/name":      "orders",
		"kms.chatelaine.dev/uid":       "uid-1",
	}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	tags["env"] = "prod"
	if got, owned := OwnerFromTags(tags); !owned || got != orders {
		t.Errorf("read back as %+v, owned %t", got, owned)
	}
}

func TestAKeyWithAnyOwnerTagIsOwned(t *testing.T) {
	for tag, value := range orders.Tags() {
		got, owned := OwnerFromTags(map[string]string{"env": "prod", tag: value})
		if !owned {
			t.Errorf("a key with only the tag %s counts as free", tag)
		}
		if got == orders || got.Same(orders) {
			t.Errorf("a key with only the tag %s counts as that of %+v", tag, orders)
		}
		if _, owned := OwnerFromTags(map[string]string{tag: ""}); !owned {
			t.Errorf("a key whose tag %s is empty counts as free", tag)
		}
		rest := orders.Tags()
		delete(rest, tag)
		if got, owned := OwnerFromTags(rest); !owned || got == orders {
			t.Errorf("a key without the tag %s: owner %+v, owned %t", tag, got, owned)
		}
	}
}

func TestAKeyWithoutOwnerTagsIsFree(t *testing.T) {
	for name, tags := range map[string]map[string]string{
		"no tags":                nil,
		"tags of others":         {"env": "prod", "name": "orders", "cluster": "cluster-a"},
		"the tag of adoption":    {TagPrefix + "adoptable-by": "team"},
		"a tag of another group": {"chatelaine.dev/name": "orders"},
	} {
		if got, owned := OwnerFromTags(tags); owned || got != (Owner{}) {
			t.Errorf("%s: owner %+v, owned %t", name, got, owned)
		}
	}
}

func TestOwnersAreTheSameByClusterNamespaceAndName(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(o *Owner)
		same bool
	}{
		"equal":             {func(*Owner) {}, true},
		"another UID":       {func(o *Owner) { o.UID = "uid-2" }, true},
		"no UID":            {func(o *Owner) { o.UID = "" }, true},
		"another cluster":   {func(o *Owner) { o.Cluster = "cluster-b" }, false},
		"another namespace": {func(o *Owner) { o.Namespace = "team-a" }, false},
		"another name":      {func(o *Owner) { o.Name = "sales" }, false},
		"parts that join to the same text": {func(o *Owner) {
			o.Namespace, o.Name = "team/orders", ""
		}, false},
	} {
		other := orders
		c.edit(&other)
		if orders.Same(other) != c.same || other.Same(orders) != c.same {
			t.Errorf("%s: same is not %t both ways", name, c.same)
		}
	}
}

func TestOwnerTagsWinOverOthersAndLeaveThemUnchanged(t *testing.T) {
	given := map[string]string{"env": "prod", TagUID: "forged"}
	before := maps.Clone(given)
	want := orders.Tags()
	want["env"] = "prod"
	if diff := cmp.Diff(want, orders.TagsWith(given)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, given); diff != "" {
		t.Errorf("the tags given changed:\n%s", diff)
	}
	if diff := cmp.Diff(orders.Tags(), orders.TagsWith(nil)); diff != "" {
		t.Errorf("without other tags (-want +got):\n%s", diff)
	}
}

func TestAnOwnerIsNamedByNamespaceAndName(t *testing.T) {
	if got := orders.String(); got != "team/orders" {
		t.Errorf("got %q", got)
	}
}

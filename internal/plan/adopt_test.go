// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

var policies = []v1alpha1.AdoptionPolicy{v1alpha1.AdoptionTagged, v1alpha1.AdoptionAny, v1alpha1.AdoptionNone, ""}

func ownedBy(owner backend.Owner) *backend.Key {
	return &backend.Key{ID: "key-1", Tags: owner.Tags()}
}

func TestAnOwnedKeyIsAdoptedByItsOwnerOrWithinItsNamespaceOnly(t *testing.T) {
	same, recreated, sibling, neighbour, foreign := ordersA, ordersA, ordersA, ordersA, ordersA
	recreated.UID = "uid-0"
	sibling.Name = "sibling-name"
	neighbour.Namespace, neighbour.Name, neighbour.UID = "neighbour-namespace", "neighbour-name", "neighbour-uid"
	foreign.Cluster, foreign.Namespace, foreign.Name, foreign.UID = "foreign-cluster", "foreign-namespace", "foreign-name", "foreign-uid"
	foreignTwin := ordersA
	foreignTwin.Cluster = "foreign-cluster"

	for _, c := range []struct {
		name  string
		seen  *backend.Key
		lives bool
		want  string
	}{
		{"this very Key's", ownedBy(same), true, ""},
		{"an earlier Key's of this name", ownedBy(recreated), true, ""},
		{"another Key's of this namespace", ownedBy(sibling), true,
			"key key-1 belongs to Key sibling-name: delete that Key (deletion policy Retain) to release it"},
		{"a gone Key's of this namespace", ownedBy(sibling), false, ""},
		{"a Key's of another namespace", ownedBy(neighbour), true, "key key-1 belongs to a Key of another namespace"},
		{"a gone Key's of another namespace", ownedBy(neighbour), false, "key key-1 belongs to a Key of another namespace"},
		{"a Key's of another cluster", ownedBy(foreign), true,
			"key key-1 belongs to a Key of another cluster: to release it, remove its tags that begin with kms.chatelaine.dev/"},
		{"a Key's of another cluster with the same namespace and name", ownedBy(foreignTwin), false,
			"key key-1 belongs to a Key of another cluster: to release it, remove its tags that begin with kms.chatelaine.dev/"},
		{"a Key's whose cluster tag is lost", ownedBy(backend.Owner{Namespace: "team", Name: "orders", UID: "uid-1"}), false,
			"key key-1 belongs to a Key of another cluster: to release it, remove its tags that begin with kms.chatelaine.dev/"},
		{"a Key's whose namespace tag is lost", ownedBy(backend.Owner{Cluster: "cluster-a", Name: "orders", UID: "uid-1"}), false,
			"key key-1 belongs to a Key of another namespace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, policy := range policies {
				if diff := cmp.Diff(c.want, Adopt(ordersA, c.seen, policy, c.lives)); diff != "" {
					t.Errorf("policy %q (-want +got):\n%s", policy, diff)
				}
			}
		})
	}
}

func TestTheTagOfAdoptionDoesNotOpenAKeyThatSomebodyOwns(t *testing.T) {
	neighbour := backend.Owner{Cluster: "cluster-a", Namespace: "neighbour-namespace", Name: "neighbour-name", UID: "neighbour-uid"}
	seen := ownedBy(neighbour)
	seen.Tags[v1alpha1.AdoptableByTag] = ordersA.Namespace
	for _, policy := range policies {
		if Adopt(ordersA, seen, policy, false) == "" {
			t.Errorf("policy %q lets another namespace's key be adopted", policy)
		}
	}
}

func TestARefusalNamesNoKeyOfAnotherNamespace(t *testing.T) {
	strangers := []backend.Owner{
		{Cluster: "cluster-a", Namespace: "their-namespace", Name: "their-name", UID: "their-uid"},
		{Cluster: "their-cluster", Namespace: "their-namespace", Name: "their-name", UID: "their-uid"},
		{Cluster: "their-cluster", Namespace: ordersA.Namespace, Name: "their-name", UID: "their-uid"},
		{Cluster: "cluster-a", Name: "their-name", UID: "their-uid"},
		{Namespace: "their-namespace", Name: "their-name"},
	}
	for _, stranger := range strangers {
		for _, policy := range policies {
			for _, lives := range []bool{true, false} {
				refusal := Adopt(ordersA, ownedBy(stranger), policy, lives)
				if refusal == "" {
					t.Errorf("%+v: adopted under policy %q", stranger, policy)
				}
				if strings.Contains(refusal, "their-") {
					t.Errorf("%+v: the refusal tells of it: %s", stranger, refusal)
				}
			}
		}
	}
}

func TestAFreeKeyIsAdoptedAsThePolicySays(t *testing.T) {
	const none = "key key-1 may not be adopted: the KMSBackend's spec.adoption is None"
	const untagged = "key key-1 may not be adopted: the KMSBackend's spec.adoption is Tagged, " +
		"so the key needs the tag kms.chatelaine.dev/adoptable-by=team"
	for _, c := range []struct {
		name string
		tags map[string]string
		want map[v1alpha1.AdoptionPolicy]string
	}{
		{"without tags", nil, map[v1alpha1.AdoptionPolicy]string{v1alpha1.AdoptionTagged: untagged, v1alpha1.AdoptionAny: "", v1alpha1.AdoptionNone: none, "": untagged}},
		{"tagged for this namespace", map[string]string{v1alpha1.AdoptableByTag: "team"},
			map[v1alpha1.AdoptionPolicy]string{v1alpha1.AdoptionTagged: "", v1alpha1.AdoptionAny: "", v1alpha1.AdoptionNone: none, "": ""}},
		{"tagged for another namespace", map[string]string{v1alpha1.AdoptableByTag: "team-a"},
			map[v1alpha1.AdoptionPolicy]string{v1alpha1.AdoptionTagged: untagged, v1alpha1.AdoptionAny: "", v1alpha1.AdoptionNone: none, "": untagged}},
		{"tagged for nobody", map[string]string{v1alpha1.AdoptableByTag: ""},
			map[v1alpha1.AdoptionPolicy]string{v1alpha1.AdoptionTagged: untagged, v1alpha1.AdoptionAny: "", v1alpha1.AdoptionNone: none, "": untagged}},
		{"with tags of its own", map[string]string{"env": "prod"},
			map[v1alpha1.AdoptionPolicy]string{v1alpha1.AdoptionTagged: untagged, v1alpha1.AdoptionAny: "", v1alpha1.AdoptionNone: none, "": untagged}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := map[v1alpha1.AdoptionPolicy]string{}
			for _, policy := range policies {
				seen := &backend.Key{ID: "key-1", Tags: maps.Clone(c.tags)}
				got[policy] = Adopt(ordersA, seen, policy, false)
				if lives := Adopt(ordersA, seen, policy, true); lives != got[policy] {
					t.Errorf("policy %q: the answer for a key without an owner depends on whether its owner lives", policy)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("answers differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyOfAnotherSpecOrUsageIsAMismatch(t *testing.T) {
	declared := backend.CreateInput{Spec: keyspec.RSA2048, Usage: keyspec.SignVerify}
	for _, c := range []struct {
		name  string
		spec  keyspec.Spec
		usage keyspec.Usage
		want  string
	}{
		{"the same", keyspec.RSA2048, keyspec.SignVerify, ""},
		{"another spec", keyspec.RSA4096, keyspec.SignVerify,
			"key key-1 is RSA_4096 for SIGN_VERIFY, and RSA_2048 for SIGN_VERIFY is declared: " +
				"declare what the key is, or give the Key another name"},
		{"another usage", keyspec.RSA2048, keyspec.EncryptDecrypt,
			"key key-1 is RSA_2048 for ENCRYPT_DECRYPT, and RSA_2048 for SIGN_VERIFY is declared: " +
				"declare what the key is, or give the Key another name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Mismatch(declared, &backend.Key{ID: "key-1", Spec: c.spec, Usage: c.usage}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAKeyOfAnotherOriginIsAMismatch(t *testing.T) {
	for _, c := range []struct {
		declared, has backend.Origin
		want          string
	}{
		{"", backend.OriginAWSKMS, ""},
		{backend.OriginAWSKMS, backend.OriginAWSKMS, ""},
		{backend.OriginExternal, backend.OriginExternal, ""},
		{"", backend.OriginExternal, "key key-1 has origin EXTERNAL, and AWS_KMS is declared: declare what the key is, or give the Key another name"},
		{backend.OriginExternal, backend.OriginAWSKMS, "key key-1 has origin AWS_KMS, and EXTERNAL is declared: declare what the key is, or give the Key another name"},
	} {
		declared := backend.CreateInput{Spec: keyspec.RSA2048, Usage: keyspec.SignVerify, Origin: c.declared}
		seen := &backend.Key{ID: "key-1", Spec: keyspec.RSA2048, Usage: keyspec.SignVerify, Origin: c.has}
		if got := Mismatch(declared, seen); got != c.want {
			t.Errorf("%q declared: got %q, want %q", c.declared, got, c.want)
		}
	}
}

func TestAKeyInOtherPlacesIsAMismatch(t *testing.T) {
	spread := &backend.MultiRegion{PrimaryRegion: "home"}
	store := backend.CustomKeyStore{ID: "cks-1"}
	external := backend.CustomKeyStore{ID: "cks-2", XksKeyID: "1"}
	for _, c := range []struct {
		declared backend.CreateInput
		seen     backend.Key
		want     string
	}{
		{backend.CreateInput{MultiRegion: true}, backend.Key{MultiRegion: spread}, ""},
		{backend.CreateInput{Store: external}, backend.Key{Store: external}, ""},
		{backend.CreateInput{}, backend.Key{MultiRegion: spread},
			"key key-1 is a multi-Region key, and a key of one Region is declared: set multiRegion to what the key is, or give the Key another name"},
		{backend.CreateInput{MultiRegion: true}, backend.Key{},
			"key key-1 is a key of one Region, and a multi-Region key is declared: set multiRegion to what the key is, or give the Key another name"},
		{backend.CreateInput{Store: store}, backend.Key{},
			"key key-1 is in no custom key store, and custom key store cks-1 is declared: declare where the key is, or give the Key another name"},
		{backend.CreateInput{Store: store}, backend.Key{Store: external},
			"key key-1 is in custom key store cks-2 with external key 1, and custom key store cks-1 is declared: declare where the key is, or give the Key another name"},
	} {
		c.seen.ID = "key-1"
		if got := Mismatch(c.declared, &c.seen); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

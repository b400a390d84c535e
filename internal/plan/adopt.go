// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// Adopt says why owner may not adopt the key seen; an empty string means that it may. ownerLives says whether the Key
// that the key's tags name exists and holds the key: one that is gone gives way to another Key of its own namespace.
// A key of another namespace or another cluster is never adopted, whatever the policy. The reason names no Key of
// another namespace: tenants do not learn of each other.
func Adopt(owner backend.Owner, seen *backend.Key, policy v1alpha1.AdoptionPolicy, ownerLives bool) string {
	holder, owned := backend.OwnerFromTags(seen.Tags)
	switch {
	case owned && holder.Same(owner):
		return ""
	case owned && holder.Cluster != owner.Cluster:
		return fmt.Sprintf("key %s belongs to a Key of another cluster: to release it, remove its tags that begin with %s",
			seen.ID, backend.TagPrefix)
	case owned && holder.Namespace != owner.Namespace:
		return fmt.Sprintf("key %s belongs to a Key of another namespace", seen.ID)
	case owned && ownerLives:
		return fmt.Sprintf("key %s belongs to Key %s: delete that Key (deletion policy Retain) to release it", seen.ID, holder.Name)
	case owned:
		return ""
	}
	switch policy {
	case v1alpha1.AdoptionAny:
		return ""
	case v1alpha1.AdoptionNone:
		return fmt.Sprintf("key %s may not be adopted: the KMSBackend's spec.adoption is None", seen.ID)
	default:
		if seen.Tags[v1alpha1.AdoptableByTag] == owner.Namespace {
			return ""
		}
		return fmt.Sprintf("key %s may not be adopted: the KMSBackend's spec.adoption is Tagged, so the key needs the tag %s=%s",
			seen.ID, v1alpha1.AdoptableByTag, owner.Namespace)
	}
}

// Mismatch says how the key seen differs from what is declared in what can never be changed; empty when it does not.
func Mismatch(in backend.CreateInput, seen *backend.Key) string {
	if seen.Origin.Or() != in.Origin.Or() {
		return fmt.Sprintf("key %s has origin %s, and %s is declared: declare what the key is, or give the Key another name",
			seen.ID, seen.Origin.Or(), in.Origin.Or())
	}
	if spread := seen.MultiRegion != nil; spread != in.MultiRegion {
		return fmt.Sprintf("key %s is %s, and %s is declared: set multiRegion to what the key is, or give the Key another name",
			seen.ID, regionality(spread), regionality(in.MultiRegion))
	}
	if seen.Store != in.Store {
		return fmt.Sprintf("key %s is in %s, and %s is declared: declare where the key is, or give the Key another name",
			seen.ID, seen.Store, in.Store)
	}
	if seen.Spec == in.Spec && seen.Usage == in.Usage {
		return ""
	}
	return fmt.Sprintf("key %s is %s for %s, and %s for %s is declared: declare what the key is, or give the Key another name",
		seen.ID, seen.Spec, seen.Usage, in.Spec, in.Usage)
}

func regionality(multiRegion bool) string {
	if multiRegion {
		return "a multi-Region key"
	}
	return "a key of one Region"
}

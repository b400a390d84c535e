// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// granted is a grant for a role.
func granted(name, roleName string, operations ...v1alpha1.GrantOperation) v1alpha1.KeyGrant {
	return v1alpha1.KeyGrant{Name: name, Grantee: &v1alpha1.GrantPrincipal{AWS: role(roleName)}, Operations: operations}
}

// grantedToAccount is a grant for a ServiceAccount of the Key's namespace.
func grantedToAccount(name, account string) v1alpha1.KeyGrant {
	grant := granted(name, "", "Decrypt")
	grant.Grantee = &v1alpha1.GrantPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: account}}
	return grant
}

func withGrants(grants ...v1alpha1.KeyGrant) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { k.Spec.Grants = grants }
}

func ownerOf(object *v1alpha1.Key) backend.Owner {
	return backend.Owner{Cluster: clusterUID, Namespace: object.Namespace, Name: object.Name, UID: string(object.UID)}
}

// grantFor is a grant as the backend has it.
func grantFor(object *v1alpha1.Key, name, grantee string, operations ...string) backend.Grant {
	return backend.Grant{Name: backend.GrantName(ownerOf(object), name), Grantee: grantee, Operations: operations}
}

// hasGrants says whether the key has these grants and no others, and status says so of those that are the Key's.
func (r *rig) hasGrants(object *v1alpha1.Key, want ...backend.Grant) bool {
	r.t.Helper()
	fresh := r.get(object)
	has := r.fake.AllGrants(fresh.Status.KeyID)
	if fresh.Status.KeyID == "" || len(has) != len(want) {
		return false
	}
	mine := 0
	for _, grant := range want {
		i := slices.IndexFunc(has, grant.SameAs)
		if i < 0 {
			return false
		}
		name, own := backend.DeclaredGrantName(ownerOf(object), grant.Name)
		if !own {
			continue
		}
		mine++
		if !slices.Contains(fresh.Status.Grants, v1alpha1.KeyGrantStatus{Name: name, GrantID: has[i].ID, Hash: grant.Hash()}) {
			return false
		}
	}
	return len(fresh.Status.Grants) == mine
}

// awaitGrants waits until the key has these grants and no others, and status says so.
func (r *rig) awaitGrants(object *v1alpha1.Key, want ...backend.Grant) *v1alpha1.Key {
	r.t.Helper()
	if !poll(func() bool { return r.hasGrants(object, want...) }) {
		fresh := r.get(object)
		r.t.Fatalf("the key has grants %+v, want %+v; status has %+v, and:\n%s",
			r.fake.AllGrants(fresh.Status.KeyID), want, fresh.Status.Grants, describe(fresh))
	}
	return r.get(object)
}

// wantNoDrift says that what the operator did was not told of as drift.
func (r *rig) wantNoDrift(object *v1alpha1.Key) {
	r.t.Helper()
	if told := r.events(object, "DriftRepaired"); len(told) > 0 || len(r.get(object).Status.Drift) > 0 {
		r.t.Errorf("told of as drift: %+v, status.drift %+v", told, r.get(object).Status.Drift)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
)

const (
	home  = "fake-1"
	south = "south-1"
	west  = "west-1"
)

// realm is a rig with KMSBackends of the same account in more Regions.
type realm struct {
	*rig
	// at are the backends by Region, home included.
	at map[string]*backendtest.Fake
	// names are the KMSBackends by Region.
	names map[string]string
}

func newRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{rig: newRig(t), names: map[string]string{}}
	r.at, r.names[home] = map[string]*backendtest.Fake{home: r.fake}, r.backendName
	for _, region := range []string{south, west} {
		r.at[region] = r.fake.Elsewhere(region)
		r.names[region] = "backend-" + rand.String(8)
		r.create(&v1alpha1.KMSBackend{
			ObjectMeta: metav1.ObjectMeta{Name: r.names[region]},
			Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
		})
		r.openBackend(r.names[region], r.at[region])
	}
	return r
}

// in makes a multi-Region Key with replicas in the Regions, of one that changes have made other things of.
func in(regions []string, changes ...func(*v1alpha1.Key)) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) {
		k.Spec.MultiRegion = new(true)
		k.Spec.Replicas = nil
		for _, region := range regions {
			k.Spec.Replicas = append(k.Spec.Replicas, v1alpha1.KeyReplica{Region: region})
		}
		for _, change := range changes {
			change(k)
		}
	}
}

func primaryIn(region string) func(*v1alpha1.Key) {
	return func(k *v1alpha1.Key) { k.Spec.PrimaryRegion = region }
}

func scheduled(k *v1alpha1.Key) { k.Spec.Deletion.Policy = v1alpha1.DeletionSchedule }

// key is the key as it is in a Region; nil if it is not there.
func (r *realm) key(object *v1alpha1.Key, region string) *backend.Key {
	r.t.Helper()
	key, err := r.at[region].Get(r.ctx, object.Status.KeyID)
	if backend.IsNotFound(err) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

// awaitKey waits until the key in a Region is as it should be.
func (r *realm) awaitKey(object *v1alpha1.Key, region, what string, is func(*backend.Key) bool) *backend.Key {
	r.t.Helper()
	var key *backend.Key
	if !poll(func() bool { key = r.key(object, region); return key != nil && is(key) }) {
		r.t.Fatalf("the key in %s is never %s: %+v\n%s", region, what, key, describe(r.get(object)))
	}
	return key
}

func inState(state backend.State) func(*backend.Key) bool {
	return func(key *backend.Key) bool { return key.State == state }
}

// awaitRegions waits until status says that the key is kept in those Regions besides home.
func (r *realm) awaitRegions(object *v1alpha1.Key, want ...string) *v1alpha1.Key {
	r.t.Helper()
	slices.Sort(want)
	var fresh *v1alpha1.Key
	ok := poll(func() bool {
		fresh = r.get(object)
		var kept []string
		for _, replica := range fresh.Status.Replicas {
			kept = append(kept, replica.Region)
		}
		return cmp.Equal(kept, want) || len(kept)+len(want) == 0
	})
	if !ok {
		r.t.Fatalf("the key is kept in %+v, want %q\n%s", fresh.Status.Replicas, want, describe(fresh))
	}
	return fresh
}

// createSpread creates a Key with replicas and waits until it is Ready.
func (r *realm) createSpread(name string, regions []string, changes ...func(*v1alpha1.Key)) *v1alpha1.Key {
	r.t.Helper()
	return r.createReady(name, in(regions, changes...))
}

// awaitSays waits until the condition of the Key's current generation says so.
func (r *rig) awaitSays(object *v1alpha1.Key, conditionType, part string) *v1alpha1.Key {
	r.t.Helper()
	var fresh *v1alpha1.Key
	if !poll(func() bool { fresh = r.get(object); return strings.Contains(message(fresh, conditionType), part) }) {
		r.t.Fatalf("%s of Key %s never says %q; it has:\n%s", conditionType, object.Name, part, describe(fresh))
	}
	return fresh
}

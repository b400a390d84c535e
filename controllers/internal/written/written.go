// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package written keeps a controller from deciding on an object that its own last write has outdated. The cache of
// informers lags behind the API server; a pass over a copy from before the last write would decide on old status and
// write again, only to be refused as a conflict.
package written

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Objects remembers the last version written of each object until the cache has it. It is safe for concurrent use.
type Objects struct {
	mu       sync.Mutex
	versions map[client.ObjectKey]version
}

// version is one of the object with that UID: another one of its name is not compared with it.
type version struct {
	uid    types.UID
	number string
}

// NewObjects returns an empty memory.
func NewObjects() *Objects { return &Objects{versions: map[client.ObjectKey]version{}} }

// Remember notes the version that a write returned.
func (o *Objects) Remember(object client.Object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.versions[client.ObjectKeyFromObject(object)] = version{object.GetUID(), object.GetResourceVersion()}
}

// Forget drops what is known of an object that is gone.
func (o *Objects) Forget(name client.ObjectKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.versions, name)
}

// Outdated says whether the copy given is older than the last write. Versions are compared as numbers, which is what
// Kubernetes promises of them (KEP-5504); ones that cannot be compared count as up to date, and a conflict decides.
func (o *Objects) Outdated(object client.Object) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := client.ObjectKeyFromObject(object)
	last, ok := o.versions[name]
	if !ok || last.uid != object.GetUID() {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), last.number)
	if err == nil && order < 0 {
		return true
	}
	delete(o.versions, name)
	return false
}

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
	versions map[types.UID]string
}

// NewObjects returns an empty memory.
func NewObjects() *Objects { return &Objects{versions: map[types.UID]string{}} }

// Remember notes the version that a write returned.
func (o *Objects) Remember(object client.Object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.versions[object.GetUID()] = object.GetResourceVersion()
}

// Forget drops what is known of an object that is gone.
func (o *Objects) Forget(uid types.UID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.versions, uid)
}

// Outdated says whether the copy given is older than the last write. Versions are compared as numbers, which is what
// Kubernetes promises of them (KEP-5504); ones that cannot be compared count as up to date, and a conflict decides.
func (o *Objects) Outdated(object client.Object) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	version, ok := o.versions[object.GetUID()]
	if !ok {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(object.GetResourceVersion(), version)
	if err == nil && order < 0 {
		return true
	}
	delete(o.versions, object.GetUID())
	return false
}

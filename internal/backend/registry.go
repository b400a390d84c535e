// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"maps"
	"slices"
	"sync"
)

// Registry knows the backends that are open, by the name of their KMSBackend. The controller of KMSBackends fills it;
// the other controllers look backends up in it. It is safe for concurrent use.
type Registry struct {
	// telling is held from a change until every watcher heard of it, so that all hear of changes in their order. It is
	// taken before mu, and looking a backend up does not take it.
	telling sync.Mutex
	mu      sync.RWMutex
	entries map[string]Entry
	watch   []func(name string, entry Entry)
}

// Entry is what is known of one backend.
type Entry struct {
	// Backend is nil when it could not be opened.
	Backend Backend
	// Identity is in whose name Backend acts.
	Identity Identity
	// Err says why the backend cannot be used; nil when it can.
	Err error
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{entries: map[string]Entry{}} }

// Get returns what is known of the backend with that name; false means that nobody has tried to open it yet.
func (r *Registry) Get(name string) (Entry, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	entry, ok := r.entries[name]
	return entry, ok
}

// Set records what is known of a backend, and tells the watchers.
func (r *Registry) Set(name string, entry Entry) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	r.entries[name] = entry
	watch := r.watch
	r.mu.Unlock()
	for _, tell := range watch {
		tell(name, entry)
	}
}

// Delete forgets a backend, and tells the watchers with an empty entry.
func (r *Registry) Delete(name string) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	_, known := r.entries[name]
	delete(r.entries, name)
	watch := r.watch
	r.mu.Unlock()
	if !known {
		return
	}
	for _, tell := range watch {
		tell(name, Entry{})
	}
}

// Watch calls changed for every backend known now and at each change after, one call at a time and in order. changed
// must not block, and may call Get only.
func (r *Registry) Watch(changed func(name string, entry Entry)) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	r.watch = append(slices.Clip(r.watch), changed)
	known := maps.Clone(r.entries)
	r.mu.Unlock()
	for name, entry := range known {
		changed(name, entry)
	}
}

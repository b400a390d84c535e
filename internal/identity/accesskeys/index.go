// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskeys

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// entry is what a Secret says: a credential, or what is wrong with it.
type entry struct {
	credential identity.Credential
	problem    *identity.FieldError
}

func (e entry) accessKeyID() string { return e.credential.Caller.AccessKeyID }

// index finds credentials by access key ID among those of all Secrets.
type index struct {
	log    logr.Logger
	synced chan struct{}

	mu      sync.RWMutex
	secrets map[string]entry // by the Secret's name
	// holders are the names of the Secrets with an access key ID; of a good one there is one.
	holders map[string][]string
	// reported is what was logged about a Secret, so that it is logged once.
	reported map[string]string
	isSynced bool
}

func newIndex(log logr.Logger) *index {
	return &index{
		log: log, synced: make(chan struct{}),
		secrets: map[string]entry{}, holders: map[string][]string{}, reported: map[string]string{},
	}
}

func (x *index) lookup(accessKeyID string) (identity.Credential, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	switch holders := x.holders[accessKeyID]; {
	case !x.isSynced:
		return identity.Credential{}, fmt.Errorf("access key Secrets were not read yet: %w", identity.ErrUnavailable)
	case len(holders) == 1:
		return x.secrets[holders[0]].credential, nil
	case len(holders) > 1:
		return identity.Credential{}, fmt.Errorf("access key Secrets %s have the same ID: %w",
			strings.Join(holders, ", "), identity.ErrUnknown)
	default:
		return identity.Credential{}, identity.ErrUnknown
	}
}

// replace takes entries for all there are.
func (x *index) replace(entries map[string]entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.secrets, x.holders = map[string]entry{}, map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		x.set(name, entries[name])
	}
	maps.DeleteFunc(x.reported, func(name, _ string) bool {
		_, ok := entries[name]
		return !ok
	})
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		x.report(name)
	}
	if !x.isSynced {
		x.isSynced = true
		close(x.synced)
	}
}

func (x *index) put(name string, e entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	freed := x.unset(name)
	x.set(name, e)
	x.reportAll(freed, name)
}

func (x *index) remove(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	freed := x.unset(name)
	delete(x.reported, name)
	x.reportAll(freed, "")
}

// set adds a Secret that is not there. x.mu is held.
func (x *index) set(name string, e entry) {
	x.secrets[name] = e
	if e.problem == nil {
		x.holders[e.accessKeyID()] = append(x.holders[e.accessKeyID()], name)
		slices.Sort(x.holders[e.accessKeyID()])
	}
}

// unset takes a Secret away and returns those that had the same access key ID. x.mu is held.
func (x *index) unset(name string) []string {
	id := x.secrets[name].accessKeyID()
	delete(x.secrets, name)
	others := slices.DeleteFunc(slices.Clone(x.holders[id]), func(holder string) bool { return holder == name })
	if x.holders[id] = others; len(others) == 0 {
		delete(x.holders, id)
	}
	return others
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package memstore keeps sealed records in memory: for tests, and for trying the software KMS out without a cluster.
// What it holds is lost with the process.
//
// Tests make it fail through Before, After and FailUpdates, and alter what it holds behind the keyring's back with Put.
package memstore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Op is one call of the store.
type Op string

// The calls that Before and After hear of.
const (
	OpList   Op = "List"
	OpGet    Op = "Get"
	OpCreate Op = "Create"
	OpUpdate Op = "Update"
	OpDelete Op = "Delete"
)

// Store is a keyring.Store in memory. The zero value is empty and ready for use.
type Store struct {
	// Before is called before each call is carried out, with the name of its item ("" for List). An error is returned
	// in its place. Set it before the store is used.
	Before func(op Op, name string) error
	// After is called when a call was carried out. An error is returned instead of the answer, which so gets lost.
	After func(op Op, name string) error

	mu       sync.Mutex
	items    map[place]keyring.Item
	version  uint64
	watchers map[*keyring.Queue]bool
}

type place struct {
	kind keyring.Kind
	name string
}

var _ keyring.Store = (*Store)(nil)

// Run implements keyring.Store.
func (s *Store) Run(ctx context.Context, sink keyring.Sink) error {
	w := keyring.NewQueue()
	s.mu.Lock()
	items, version := s.snapshot(), s.version
	w.Add(func(sink keyring.Sink) { sink.Replace(items, version) })
	if s.watchers == nil {
		s.watchers = map[*keyring.Queue]bool{}
	}
	s.watchers[w] = true
	s.mu.Unlock()

	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
	}()
	w.Run(ctx, sink)
	return nil
}

// List implements keyring.Store.
func (s *Store) List(context.Context) ([]keyring.Item, error) {
	var items []keyring.Item
	err := s.call(OpList, "", func() error {
		items = s.snapshot()
		return nil
	})
	return items, err
}

// Get implements keyring.Store.
func (s *Store) Get(_ context.Context, kind keyring.Kind, name string) (keyring.Item, error) {
	var item keyring.Item
	err := s.call(OpGet, name, func() error {
		var ok bool
		if item, ok = s.items[place{kind, name}]; !ok {
			return keyring.ErrGone
		}
		return nil
	})
	return item, err
}

// Create implements keyring.Store.
func (s *Store) Create(_ context.Context, item keyring.Item) (uint64, error) {
	var version uint64
	err := s.call(OpCreate, item.Name, func() error {
		if _, ok := s.items[place{item.Kind, item.Name}]; ok {
			return keyring.ErrExists
		}
		version = s.put(item)
		return nil
	})
	return version, err
}

// Update implements keyring.Store.
func (s *Store) Update(_ context.Context, item keyring.Item) (uint64, error) {
	var version uint64
	err := s.call(OpUpdate, item.Name, func() error {
		if err := s.check(item.Kind, item.Name, item.Version); err != nil {
			return err
		}
		version = s.put(item)
		return nil
	})
	return version, err
}

// Delete implements keyring.Store.
func (s *Store) Delete(_ context.Context, kind keyring.Kind, name string, version uint64) error {
	return s.call(OpDelete, name, func() error {
		if err := s.check(kind, name, version); err != nil {
			return err
		}
		s.remove(kind, name)
		return nil
	})
}

// Put writes an item as somebody would who does not know of the keyring, and returns its version.
func (s *Store) Put(item keyring.Item) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(item)
}

// Remove deletes an item as somebody would who does not know of the keyring.
func (s *Store) Remove(kind keyring.Kind, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(kind, name)
}

// FailUpdates has the updates of one item end with the error: of the one whose name was given to the function returned
// last, and of none after "". It sets Before, so call it before the store is used.
func (s *Store) FailUpdates(err error) (of func(name string)) {
	var failing atomic.Value
	s.Before = func(op Op, name string) error {
		if op == OpUpdate && name == failing.Load() {
			return err
		}
		return nil
	}
	return func(name string) { failing.Store(name) }
}

// Items are all items, in the order of their versions.
func (s *Store) Items() []keyring.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

func (s *Store) call(op Op, name string, do func() error) error {
	if s.Before != nil {
		if err := s.Before(op, name); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := do()
	s.mu.Unlock()
	if err == nil && s.After != nil {
		err = s.After(op, name)
	}
	return err
}

func (s *Store) check(kind keyring.Kind, name string, version uint64) error {
	item, ok := s.items[place{kind, name}]
	switch {
	case !ok:
		return keyring.ErrGone
	case item.Version != version:
		return keyring.ErrConflict
	default:
		return nil
	}
}

func (s *Store) put(item keyring.Item) uint64 {
	if s.items == nil {
		s.items = map[place]keyring.Item{}
	}
	s.version++
	item.Version = s.version
	item.Sealed = slices.Clone(item.Sealed)
	item.Location = "memory " + string(item.Kind) + "/" + item.Name
	s.items[place{item.Kind, item.Name}] = item
	s.tell(func(sink keyring.Sink) { sink.Upsert(item) })
	return item.Version
}

func (s *Store) remove(kind keyring.Kind, name string) {
	s.version++
	version := s.version
	delete(s.items, place{kind, name})
	s.tell(func(sink keyring.Sink) { sink.Delete(kind, name, version) })
}

func (s *Store) tell(event func(keyring.Sink)) {
	for w := range s.watchers {
		w.Add(event)
	}
}

func (s *Store) snapshot() []keyring.Item {
	items := make([]keyring.Item, 0, len(s.items))
	for _, item := range s.items {
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b keyring.Item) int { return int(a.Version) - int(b.Version) })
	return items
}

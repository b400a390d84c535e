// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"context"
	"sync"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// watcher is one Run: what it has not yet told its sink.
type watcher struct {
	store *store

	mu      sync.Mutex
	pending []func(keyring.Sink)
	wake    chan struct{}
}

// Run implements keyring.Store.
func (s *store) Run(ctx context.Context, sink keyring.Sink) error {
	w := &watcher{store: s, wake: make(chan struct{}, 1)}
	if err := s.db.watch(w); err != nil {
		return err
	}
	defer s.db.unwatch(w)
	for {
		for _, event := range w.take() {
			if ctx.Err() != nil {
				return nil
			}
			event(sink)
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// watch lets w hear of the whole content and of every commit that is not in it.
func (d *Database) watch(w *watcher) error {
	d.commits.Lock()
	defer d.commits.Unlock()
	if err := w.addAll(); err != nil {
		return err
	}
	d.watchers[w] = true
	return nil
}

func (d *Database) unwatch(w *watcher) {
	d.commits.Lock()
	defer d.commits.Unlock()
	delete(d.watchers, w)
}

// tell lets the keyring's watchers hear of a write. d.commits is held.
func (d *Database) tell(done *write) {
	item := done.item
	event := func(sink keyring.Sink) { sink.Upsert(item) }
	if done.remove {
		event = func(sink keyring.Sink) { sink.Delete(item.Kind, item.Name, item.Version) }
	}
	for w := range d.watchers {
		if bytes.Equal(w.store.bucket, done.store.bucket) {
			w.add(event)
		}
	}
}

// tellAnew lets every watcher hear of the whole content. d.commits is held.
func (d *Database) tellAnew() {
	for w := range d.watchers {
		_ = w.addAll() // fails only once the database is closed, and then nothing changes any more
	}
}

func (w *watcher) addAll() error {
	items, version, err := w.store.snapshot()
	if err != nil {
		return err
	}
	w.add(func(sink keyring.Sink) { sink.Replace(items, version) })
	return nil
}

func (w *watcher) add(event func(keyring.Sink)) {
	w.mu.Lock()
	w.pending = append(w.pending, event)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []func(keyring.Sink) {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.pending
	w.pending = nil
	return events
}

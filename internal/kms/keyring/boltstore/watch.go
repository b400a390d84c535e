// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// watcher is one Run, with what it has not yet told its sink.
type watcher struct {
	*keyring.Queue

	store *store
}

// Run implements keyring.Store.
func (s *store) Run(ctx context.Context, sink keyring.Sink) error {
	w := &watcher{Queue: keyring.NewQueue(), store: s}
	if err := s.db.watch(w); err != nil {
		return err
	}
	defer s.db.unwatch(w)
	w.Queue.Run(ctx, sink)
	return nil
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
			w.Add(event)
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
	w.Add(func(sink keyring.Sink) { sink.Replace(items, version) })
	return nil
}

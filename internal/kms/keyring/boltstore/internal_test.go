// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// replaces is a Sink that hands on the whole contents it is told.
type replaces chan []keyring.Item

func (r replaces) Replace(items []keyring.Item, _ uint64) { r <- items }
func (replaces) Upsert(keyring.Item)                      {}
func (replaces) Delete(keyring.Kind, string, uint64)      {}
func (r replaces) next(t *testing.T) (titles []string) {
	t.Helper()
	select {
	case items := <-r:
		for _, item := range items {
			titles = append(titles, item.Title)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("timed out waiting for the whole content")
	}
	return titles
}

// A disk whose last fsync fails cannot be made here, so its work is done by hand: a commit that is there to be read, and
// of which bbolt said that it failed.
func TestACommitThatFailedAndCanBeReadIsToldAndItsOutcomeUnknown(t *testing.T) {
	db, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s := &store{db: db, bucket: bucketName("123456789012.local")}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := make(replaces, 10)
	go func() { _ = s.Run(ctx, heard) }()
	heard.next(t)

	item := keyring.Item{Kind: keyring.KindKey, Name: "a", Title: "title of a"}
	w := &write{store: s, key: recordKey(item.Kind, item.Name), item: item}
	transaction := 0
	if err := db.bolt.Update(func(tx *bbolt.Tx) error {
		transaction = tx.ID()
		return w.carryOut(tx)
	}); err != nil {
		t.Fatal(err)
	}
	errDisk := errors.New("fdatasync: input/output error")
	db.commits.Lock()
	db.fail([]*write{w}, transaction+1, errDisk)
	if errors.Is(w.err, keyring.ErrUnknownOutcome) || !errors.Is(w.err, errDisk) || !w.done {
		t.Errorf("of a later commit, which is not there: %v", w.err)
	}
	db.fail([]*write{w}, transaction, errDisk)
	db.commits.Unlock()
	if !errors.Is(w.err, keyring.ErrUnknownOutcome) || !errors.Is(w.err, errDisk) {
		t.Errorf("got %v", w.err)
	}
	if diff := cmp.Diff([]string{"title of a"}, heard.next(t)); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestAWriteWhoseCommitterPanickedIsNotTakenForDone(t *testing.T) {
	db, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s := &store{db: db, bucket: bucketName("123456789012.local")}
	panics := &write{store: s, key: []byte("key/a"), check: func(*keyring.Item) error { panic("out of luck") }}
	waits := &write{store: s, key: []byte("key/b"), check: func(*keyring.Item) error { return nil }}

	db.commits.Lock() // until both wait
	recovered, waited := make(chan any, 1), make(chan error, 1)
	go func() {
		defer func() { recovered <- recover() }()
		_ = db.write(panics)
	}()
	queued := func(count int) bool {
		db.queue.Lock()
		defer db.queue.Unlock()
		return len(db.pending) == count
	}
	for !queued(1) {
		time.Sleep(time.Millisecond)
	}
	go func() { waited <- db.write(waits) }()
	for !queued(2) {
		time.Sleep(time.Millisecond)
	}
	db.commits.Unlock()

	select {
	case err := <-waited: // woken after the other one, or the one that panics itself
		if !errors.Is(err, keyring.ErrUnknownOutcome) {
			t.Errorf("the write that was lost: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("timed out")
	}
	if <-recovered == nil {
		t.Error("nothing panicked")
	}
	if _, err := s.Create(t.Context(), keyring.Item{Kind: keyring.KindKey, Name: "c"}); err != nil {
		t.Errorf("writing on: %v", err)
	}
}

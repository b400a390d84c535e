// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

var (
	// errUnfinished is the outcome of a write as long as no other is known.
	errUnfinished = fmt.Errorf("%w: the commit did not come to its end", keyring.ErrUnknownOutcome)
	// errRefused ends a transaction in which no write passed its check.
	errRefused = errors.New("nothing to write")
)

// write is one change of a record.
type write struct {
	store  *store
	key    []byte
	item   keyring.Item
	remove bool
	// check is given what is there, or nil, and refuses the write or does not.
	check func(current *keyring.Item) error

	// The outcome: err, or the version in item.
	done bool
	err  error
}

// write carries w out. Whoever comes while a commit is under way waits for its end, and the first of those commits for all
// of them together: an fsync takes as long for one write as for many.
func (d *Database) write(w *write) error {
	if len(w.key) > bbolt.MaxKeySize || len(w.item.Sealed)+len(w.item.Title)+len(w.item.Owner) > bbolt.MaxValueSize/2 {
		return errors.New("the record is too large") // and would be the failure of the others'
	}
	w.err = errUnfinished
	d.queue.Lock()
	d.pending = append(d.pending, w)
	d.queue.Unlock()

	d.commits.Lock()
	defer d.commits.Unlock()
	if !w.done {
		d.commit()
	}
	return w.err
}

// commit carries out what is pending, and tells watchers. d.commits is held.
func (d *Database) commit() {
	d.queue.Lock()
	group := d.pending
	d.pending = nil
	d.queue.Unlock()

	outcomes := make([]error, len(group))
	transaction := 0
	err := d.bolt.Update(func(tx *bbolt.Tx) error {
		transaction = tx.ID()
		refused := 0
		for i, w := range group {
			if outcomes[i] = w.check(w.store.find(tx, w.key)); outcomes[i] != nil {
				refused++
			} else if err := w.carryOut(tx); err != nil {
				return err
			}
		}
		if refused == len(group) {
			return errRefused
		}
		return nil
	})
	if err != nil && !errors.Is(err, errRefused) {
		d.fail(group, transaction, err)
		return
	}
	for i, w := range group {
		w.done, w.err = true, outcomes[i]
		if w.err == nil {
			d.tell(w)
		}
	}
}

// carryOut makes the change in tx, under the keyring's next version.
func (w *write) carryOut(tx *bbolt.Tx) error {
	bucket, err := tx.CreateBucketIfNotExists(w.store.bucket)
	if err != nil {
		return err
	}
	if w.item.Version, err = bucket.NextSequence(); err != nil {
		return err
	}
	if w.remove {
		return bucket.Delete(w.key)
	}
	return bucket.Put(w.key, encode(w.key, w.item))
}

// fail is the end of a commit that failed: on a full disk, say. If it is in the file all the same, what failed was the
// very last fsync: nobody knows whether it stays there, and watchers are told what can be read from now on. Also what was
// refused is failed, since it may have been for a write of the same group. d.commits is held.
func (d *Database) fail(group []*write, transaction int, err error) {
	last := 0
	viewErr := d.bolt.View(func(tx *bbolt.Tx) error {
		last = tx.ID()
		return nil
	})
	if viewErr == nil && last >= transaction {
		err = fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, err)
		d.tellAnew()
	}
	for _, w := range group {
		w.done, w.err = true, err
	}
}

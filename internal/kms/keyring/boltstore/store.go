// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// store is a keyring.Store in a bucket of the database. There is no bucket before the first write.
type store struct {
	db     *Database
	bucket []byte
}

var _ keyring.Store = (*store)(nil)

// List implements keyring.Store.
func (s *store) List(ctx context.Context) ([]keyring.Item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	items, _, err := s.snapshot()
	return items, err
}

// Get implements keyring.Store.
func (s *store) Get(ctx context.Context, kind keyring.Kind, name string) (keyring.Item, error) {
	if err := ctx.Err(); err != nil {
		return keyring.Item{}, err
	}
	key := recordKey(kind, name)
	var item *keyring.Item
	err := s.db.bolt.View(func(tx *bbolt.Tx) error {
		item = s.find(tx, key)
		return nil
	})
	if err == nil && item == nil {
		err = keyring.ErrGone
	}
	if err != nil {
		return keyring.Item{}, fmt.Errorf("reading record %s in %s: %w", key, s.db.path, err)
	}
	return *item, nil
}

// Create implements keyring.Store.
func (s *store) Create(ctx context.Context, item keyring.Item) (uint64, error) {
	return s.write(ctx, "creating", &write{item: item, check: func(current *keyring.Item) error {
		if current != nil {
			return keyring.ErrExists
		}
		return nil
	}})
}

// Update implements keyring.Store.
func (s *store) Update(ctx context.Context, item keyring.Item) (uint64, error) {
	return s.write(ctx, "updating", &write{item: item, check: has(item.Version)})
}

// Delete implements keyring.Store.
func (s *store) Delete(ctx context.Context, kind keyring.Kind, name string, version uint64) error {
	_, err := s.write(ctx, "deleting", &write{
		item: keyring.Item{Kind: kind, Name: name}, remove: true, check: has(version),
	})
	return err
}

// has checks that a record is there in the version.
func has(version uint64) func(*keyring.Item) error {
	return func(current *keyring.Item) error {
		switch {
		case current == nil:
			return keyring.ErrGone
		case current.Version != version:
			return keyring.ErrConflict
		default:
			return nil
		}
	}
}

// write has the write carried out, and returns the version that it got.
func (s *store) write(ctx context.Context, doing string, w *write) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	w.store, w.key = s, recordKey(w.item.Kind, w.item.Name)
	w.item.Location = s.location(w.key)
	w.item.Sealed = bytes.Clone(w.item.Sealed)
	if err := s.db.write(w); err != nil {
		return 0, fmt.Errorf("%s record %s in %s: %w", doing, w.key, s.db.path, err)
	}
	return w.item.Version, nil
}

// snapshot is the whole content, and its version.
func (s *store) snapshot() (items []keyring.Item, version uint64, err error) {
	err = s.db.bolt.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(s.bucket)
		if bucket == nil {
			return nil
		}
		version = bucket.Sequence()
		return bucket.ForEach(func(key, value []byte) error {
			items = append(items, s.item(key, value))
			return nil
		})
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading records in %s: %w", s.db.path, err)
	}
	slices.SortFunc(items, func(a, b keyring.Item) int { return cmp.Compare(a.Version, b.Version) })
	return items, version, nil
}

// find is the item at key; nil if there is none.
func (s *store) find(tx *bbolt.Tx, key []byte) *keyring.Item {
	bucket := tx.Bucket(s.bucket)
	if bucket == nil {
		return nil
	}
	value := bucket.Get(key)
	if value == nil {
		return nil
	}
	item := s.item(key, value)
	return &item
}

func (s *store) item(key, value []byte) keyring.Item {
	item, ok := decode(key, value)
	item.Location = s.location(key)
	if !ok {
		item.Location += ", its checksum is wrong"
	}
	return item
}

func (s *store) location(key []byte) string { return "file " + s.db.path + ", record " + string(key) }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"errors"
)

// Kind is the kind of a record.
type Kind string

// The kinds of record.
const (
	KindKey   Kind = "key"
	KindAlias Kind = "alias"
)

// Item is a record as a Store sees it: sealed. Whatever is in the clear here is for finding and for people; none of it
// is trusted.
type Item struct {
	Kind Kind
	// Name is unique among the items of its kind: the key ID, or the alias's AliasItemName.
	Name string
	// Title is what a person calls the record: the key ID or the alias name.
	Title string
	// Owner is whom the record belongs to, as Options.Owner derives it from a key's tags; empty for one without owner.
	Owner string
	// Location is where a person finds the record, like "Secret chatelaine-system/kms-key-...". The Store sets it.
	Location string
	// Version grows with every write to the whole store. The Store sets it.
	Version uint64
	// Sealed is the record, sealed by the root key.
	Sealed []byte
}

// Store keeps sealed items. Its writes are compare-and-swap: of two writers that saw the same version, one fails.
//
// Errors are matched with errors.Is against those below; any other means that the store refused or could not be reached.
type Store interface {
	// Run tells sink of the whole content, then of every change, in the order of versions, until ctx is done. It calls
	// sink from one goroutine only. It keeps trying while the store cannot be reached, and may start over with the
	// whole content at any time.
	Run(ctx context.Context, sink Sink) error
	// List returns the items as they are in the store now.
	List(ctx context.Context) ([]Item, error)
	// Get returns one item as it is in the store now, or ErrGone.
	Get(ctx context.Context, kind Kind, name string) (Item, error)
	// Create adds an item and returns its version, or ErrExists.
	Create(ctx context.Context, item Item) (uint64, error)
	// Update replaces the item if it still has item.Version and returns the new version; else ErrConflict or ErrGone.
	Update(ctx context.Context, item Item) (uint64, error)
	// Delete removes the item if it still has the version; else ErrConflict or ErrGone.
	Delete(ctx context.Context, kind Kind, name string, version uint64) error
}

// Sink hears what is in a Store.
type Sink interface {
	// Replace is the whole content as of version.
	Replace(items []Item, version uint64)
	// Upsert is one item, new or changed.
	Upsert(item Item)
	// Delete says that the item is gone as of version.
	Delete(kind Kind, name string, version uint64)
}

var (
	// ErrExists is Create's when the name is taken.
	ErrExists = errors.New("the record exists already")
	// ErrConflict means that the item has another version than the writer thought.
	ErrConflict = errors.New("another writer changed the record first")
	// ErrGone means that there is no such item.
	ErrGone = errors.New("the record is gone")
	// ErrUnknownOutcome accompanies the cause when a write may or may not have been carried out.
	ErrUnknownOutcome = errors.New("it is not known whether the write was carried out")
)

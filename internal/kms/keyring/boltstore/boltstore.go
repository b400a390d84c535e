// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package boltstore keeps sealed records in one file of a data directory, for a KMS that runs by itself:
//
//	DIR/          0700, made where it is missing
//	DIR/kms.db    0600, a bbolt database; several keyrings share it, each with versions of its own
//
// # What is promised
//
//   - A write that returned without an error is on the disk: it survives kill -9, and a loss of power where the disk keeps
//     its word about fsync. Writes that come at the same time share one fsync.
//   - One process has the directory. Another one is refused at once (ErrInUse); the death of the first, however it
//     came, frees it.
//   - Versions grow for as long as the file exists, also from one process to the next.
//   - Run tells of every change of its keyring in the order of versions, and leaves none out.
//
// # Damage
//
// Open reads the file from end to end before it uses it, and refuses with ErrDamaged what it does not find whole: the
// pages, and that each is referred to exactly once; both meta pages, since with only the older one the last write would be
// missing without a word; that each keyring has its name. So a file that was cut, or of which a page was changed, opens
// either with all its records or not at all.
//
// A record's own bytes are another matter: one that is not as it was written does not keep the others from serving. It
// is there without content, which the keyring reports as damaged; its location says that its checksum is wrong.
//
// What happens to the file while it is open is not looked for: bbolt may then end the program. Nor can one see that
// somebody put an older copy of the whole file in its place.
//
// A copy of the file made while no process has it open is a backup. The root key (package rootfile) is needed with it.
//
// # The file
//
//	bucket "format"                             "version" = "1"
//	bucket "keyring ACCOUNT.REGION CHECKSUM"    KIND/NAME = record; its sequence is the keyring's last version
//
//	record:  4 bytes CRC-32C of the key and the rest, 8 bytes version, title, owner (each with its length before it,
//	         a uvarint), and then what is sealed
//
// Numbers are big-endian. The checksum in a bucket's name is the CRC-32C of what is between the spaces, in hex.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// FileName is the name of the database in its directory.
const FileName = "kms.db"

var (
	// ErrInUse means that another process has the directory.
	ErrInUse = errors.New("another process is using it; stop that one, or use another directory")
	// ErrDamaged means that the file is not as it was written.
	ErrDamaged = errors.New("the database is damaged; restore the file from a backup")
	// ErrFormat means that the file is whole, and of another program or of another version of the format.
	ErrFormat = errors.New("this program does not know the format of the database")
)

// Database is the file, open. It is safe for concurrent use.
type Database struct {
	path string
	bolt *bbolt.DB

	queue    sync.Mutex
	pending  []*write
	commits  sync.Mutex // held from before a commit until every watcher has it, so that they hear in order
	watchers map[*watcher]bool
}

// Open opens the database in dir and makes both where they are missing. Its errors wrap ErrInUse, ErrDamaged or ErrFormat, or
// are the file system's. The time it takes grows with the file, which it reads twice.
func Open(dir string) (*Database, error) {
	db, err := open(filepath.Join(dir, FileName))
	if err != nil {
		return nil, fmt.Errorf("opening data directory %s: %w", dir, err)
	}
	return db, nil
}

func open(path string) (*Database, error) {
	if err := ensureFile(path); err != nil {
		return nil, err
	}
	if err := inspect(path); err != nil {
		return nil, err
	}
	bolt, err := lockAndOpen(path, false)
	if err != nil {
		return nil, err
	}
	db := &Database{path: path, bolt: bolt, watchers: map[*watcher]bool{}}
	if err := bolt.View(checkContent); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), bolt.Close())
	}
	return db, nil
}

// Close lets go of the directory once the calls in progress have returned. Every later call is an error; Run returns when
// its context is done, as ever.
func (d *Database) Close() error {
	if err := d.bolt.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", d.path, err)
	}
	return nil
}

// Store returns the store of one keyring. There may be several of the same.
func (d *Database) Store(id keyring.ID) keyring.Store {
	return &store{db: d, bucket: bucketName(id.String())}
}

// RecordsExist says whether there is a record, of any keyring, and so whether a root key is needed.
func (d *Database) RecordsExist(ctx context.Context) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	exist := false
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		return eachKeyring(tx, func(_ string, records *bbolt.Bucket) error {
			key, _ := records.Cursor().First()
			exist = exist || key != nil
			return nil
		})
	})
	if err != nil {
		return false, fmt.Errorf("looking for records in %s: %w", d.path, err)
	}
	return exist, nil
}

// Keyrings returns the keyrings that have a record, in the order of their names.
func (d *Database) Keyrings(ctx context.Context) ([]keyring.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []keyring.ID
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		return eachKeyring(tx, func(name string, records *bbolt.Bucket) error {
			if key, _ := records.Cursor().First(); key != nil {
				found = append(found, keyringOf(name))
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("looking for keyrings in %s: %w", d.path, err)
	}
	return found, nil
}

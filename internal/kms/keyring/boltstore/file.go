// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long to wait for another process that has the file: just so long that one which is about to end does
// not matter.
const lockTimeout = 100 * time.Millisecond

// ensureFile makes the directory and an empty database where they are missing.
func ensureFile(path string) error {
	dir := filepath.Dir(path)
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		err = syncDirectory(filepath.Dir(dir))
	}
	if err != nil {
		return err
	}
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(path)
	}
	return err
}

// create puts a complete, empty database at path. It is made under another name, so that no crash leaves half of one; and
// it gets its name by a link, which, unlike a rename, never takes the place of one that another process put there first.
func create(path string) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if err := errors.Join(file.Close(), writeEmpty(file.Name())); err != nil {
		return fmt.Errorf("making an empty database: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(dir)
}

func writeEmpty(path string) error {
	bolt, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(bolt.Update(putFormat), bolt.Close())
}

// inspect refuses a file that bbolt would not bear: given a damaged page it panics, reads outside of the file, or takes
// pages that are in use for free ones. Meanwhile a shared lock keeps writers out.
func inspect(path string) error {
	bolt, err := lockAndOpen(path, true)
	if err != nil {
		return err
	}
	return errors.Join(checkPages(path), bolt.Close())
}

// lockAndOpen opens the file with the lock that readers share, and with nothing of it read but the meta pages; or else
// with the writer's.
func lockAndOpen(path string, readOnly bool) (*bbolt.DB, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if info.Size() == 0 { // bbolt would begin anew
		return nil, fmt.Errorf("%s: %w: it is empty", path, ErrDamaged)
	}
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout, ReadOnly: readOnly, FreelistType: bbolt.FreelistMapType,
	})
	if err == nil {
		return bolt, nil
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, err
	}
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, ErrInUse
	}
	return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
}

// syncDirectory makes the names in dir durable.
func syncDirectory(dir string) error {
	directory, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rootfile keeps the root keys in a file of a data directory, for a KMS that runs by itself: what rootsecret is
// in a cluster. The file is
//
//	DIR/root-key    0600: {"current": "...", "key-0123456789abcdef": "..."}
//
// in JSON, just what the data of a Kubernetes Secret with root keys is (each value in base64), so that the keys can be
// carried from one to the other.
//
// Without this file no record opens, and with it every record does: it belongs in a backup, and not in the same one as
// the records. It is made only where it does not exist and no record needs it. It is never changed or replaced here.
package rootfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// FileName is the name of the file in its directory.
const FileName = "root-key"

const (
	// maxSize is more than ten thousand root keys take, in bytes.
	maxSize = 1 << 20
	// notForOthers are the permissions that the file must not give.
	notForOthers = 0o077
)

// Load reads the root keys from dir. It is a *MissingError if there is no file, an *ExposedError if others than its owner may
// use it, and an *InvalidError if it holds something else.
func Load(dir string) (seal.RootKeys, error) {
	path := filepath.Join(dir, FileName)
	data, err := read(path)
	defer clear(data)
	if errors.Is(err, fs.ErrNotExist) {
		return seal.RootKeys{}, &MissingError{Path: path}
	}
	if err != nil {
		return seal.RootKeys{}, err
	}
	keys, err := parse(data)
	if err != nil {
		return seal.RootKeys{}, &InvalidError{Path: path, Err: err}
	}
	return keys, nil
}

// Ensure reads the root keys from dir, which exists, or makes the file with a new random root key if there is none and
// recordsExist is false: whoever sets it has looked, and sees to it that nobody writes records meanwhile. Of callers that come
// together, all get the keys of one of them.
func Ensure(dir string, recordsExist bool) (seal.RootKeys, error) {
	keys, err := Load(dir)
	if _, missing := errors.AsType[*MissingError](err); !missing || recordsExist {
		return keys, err
	}
	if err := create(filepath.Join(dir, FileName)); err != nil {
		return seal.RootKeys{}, fmt.Errorf("making a root key in %s: %w", dir, err)
	}
	return Load(dir)
}

func read(path string) ([]byte, error) {
	// A pipe would keep the opening waiting.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &InvalidError{Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	defer func() { _ = file.Close() }()
	if info, err = file.Stat(); err != nil {
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&notForOthers != 0 {
		return nil, &ExposedError{Path: path, Mode: mode}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxSize))
	if err != nil {
		return nil, fmt.Errorf("reading the root key: %w", err)
	}
	return data, nil
}

// parse reads what encode wrote. What the JSON parser says is not passed on: it quotes from the file.
func parse(data []byte) (seal.RootKeys, error) {
	var entries map[string][]byte
	if err := json.Unmarshal(data, &entries); err != nil {
		return seal.RootKeys{}, errors.New("it is no JSON object of base64 values, each of another name")
	}
	defer wipe(entries)
	return seal.ParseRootKeys(entries)
}

func encode(keys seal.RootKeys) ([]byte, error) {
	entries := keys.Encode()
	defer wipe(entries)
	data, err := json.Marshal(entries, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(data, '\n'), err
}

func wipe(entries map[string][]byte) {
	for _, value := range entries {
		clear(value)
	}
}

// create puts a file with a new root key at path, unless there is one. It is written under another name, so that no crash
// leaves half of one; and it gets its name by a link, which, unlike a rename, never takes the place of another's.
func create(path string) error {
	keys, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		return err
	}
	data, err := encode(keys)
	defer clear(data)
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), FileName+".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(data)
	if err := errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes the names in dir durable.
func syncDirectory(dir string) error {
	directory, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

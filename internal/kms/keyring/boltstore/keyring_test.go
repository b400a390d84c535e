// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootfile"
)

// serve opens the directory as the command does and runs a keyring on it until stop.
func serve(t *testing.T, dir string) (ring *keyring.Keyring, stop func()) {
	t.Helper()
	db := open(t, dir)
	exist, err := db.RecordsExist(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roots, err := rootfile.Ensure(dir, exist)
	if err != nil {
		t.Fatal(err)
	}
	ring = keyring.New(local, db.Store(local), roots, keyring.Options{})
	stopRing := keyringtest.Start(t, ring)
	return ring, func() {
		t.Helper()
		stopRing()
		closeDB(t, db)
	}
}

func addKey(t *testing.T, ring *keyring.Keyring, keyID string) {
	t.Helper()
	record := keyringtest.NewKey(t)
	record.KeyID, record.Description = keyID, "description of "+keyID
	if _, err := ring.CreateKey(t.Context(), record); err != nil {
		t.Fatal(err)
	}
}

func TestAKeyringServesOnBesideARecordThatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	ring, stop := serve(t, dir)
	addKey(t, ring, "key-a")
	addKey(t, ring, "key-b")
	stop()

	path := filepath.Join(dir, boltstore.FileName)
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range image { // also the copy that is not in use any more
		if rest := image[at:]; bytes.HasPrefix(rest, []byte("key/key-b")) && len(rest) > 60 {
			rest[60] ^= 1
		}
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}

	ring, stop = serve(t, dir)
	defer stop()
	if record, err := ring.Key("key-a"); err != nil || record.Description != "description of key-a" {
		t.Errorf("the other key: %v, %v", record, err)
	}
	_, err = ring.Key("key-b")
	if !errors.Is(err, keyring.ErrDamaged) || !strings.Contains(err.Error(), path+", record key/key-b, its checksum is wrong") {
		t.Errorf("got %v", err)
	}
	addKey(t, ring, "key-c")
}

func TestRecordsWithoutTheirRootKeyAreNotGivenAnother(t *testing.T) {
	dir := t.TempDir()
	ring, stop := serve(t, dir)
	addKey(t, ring, "key-a")
	stop()
	if err := os.Remove(filepath.Join(dir, rootfile.FileName)); err != nil {
		t.Fatal(err)
	}
	exist, err := open(t, dir).RecordsExist(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = rootfile.Ensure(dir, exist)
	if _, ok := errors.AsType[*rootfile.MissingError](err); !ok {
		t.Errorf("got %v", err)
	}
}

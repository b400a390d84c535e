// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
)

func TestWhatDoesNotHoldTogetherIsRefusedByName(t *testing.T) {
	const root, freelist = 16, 32
	for name, test := range map[string]struct {
		damage func(image []byte)
		says   string
	}{
		"the newer meta page": {func(image []byte) {
			meta, _ := newest(image, root)
			image[meta+40] ^= 1
		}, "the checksum of meta page"},
		"the older meta page": {func(image []byte) {
			meta, _ := newest(image, root)
			image[os.Getpagesize()-meta+40] ^= 1
		}, "the checksum of meta page"},
		"a page of the newer content": {func(image []byte) {
			_, page := newest(image, root)
			image[page+8] = 0
		}, "is neither leaf nor branch"},
		"a page in the place of another": {func(image []byte) {
			_, page := newest(image, root)
			image[page] ^= 1
		}, "calls itself"},
		"a page free and in use": {func(image []byte) {
			meta, page := newest(image, freelist)
			copy(image[page+16:], image[meta+16+root:][:8])
		}, "is referred to twice"},
		"a page that nothing refers to": {func(image []byte) {
			_, page := newest(image, freelist)
			image[page+10]--
		}, "is neither in use nor free"},
		"more free pages than the list holds": {func(image []byte) {
			_, page := newest(image, freelist)
			binary.NativeEndian.PutUint16(image[page+10:], 0xFFFF)
			binary.NativeEndian.PutUint64(image[page+16:], 1<<60)
		}, "is no freelist"},
		"a root beyond the file": {func(image []byte) {
			meta, _ := newest(image, root)
			image[meta+16+root+6] = 1
			resum(image)
		}, "is referred to and does not exist"},
		"more pages than the file has": {func(image []byte) {
			meta, _ := newest(image, root)
			image[meta+16+40+5] = 1
			resum(image)
		}, "and should have"},
	} {
		t.Run(name, func(t *testing.T) {
			for extra := range 2 { // so that each meta page is the newer one once
				dir := t.TempDir()
				image, _ := sample(t)
				db, err := openImage(t, dir, image)
				if err != nil {
					t.Fatal(err)
				}
				for i := range extra {
					create(t, db.Store(local), key(fmt.Sprintf("extra-%d", i), "1"))
				}
				closeDB(t, db)
				if image, err = os.ReadFile(filepath.Join(dir, boltstore.FileName)); err != nil {
					t.Fatal(err)
				}
				test.damage(image)
				_, err = openImage(t, dir, image)
				if !errors.Is(err, boltstore.ErrDamaged) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("after %d more writes: got %v, want %q", extra, err, test.says)
				}
			}
		})
	}
}

// write makes a bbolt file by hand.
func write(t *testing.T, dir string, fill func(*bbolt.Tx) error) {
	t.Helper()
	bolt, err := bbolt.Open(filepath.Join(dir, boltstore.FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bolt.Update(fill), bolt.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFilesOfOtherFormatsAreRefusedWithASentence(t *testing.T) {
	put := func(bucket, key, value string) func(*bbolt.Tx) error {
		return func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(bucket))
			if err != nil {
				return err
			}
			return b.Put([]byte(key), []byte(value))
		}
	}
	for name, test := range map[string]struct {
		fill func(*bbolt.Tx) error
		is   error
		says string
	}{
		"a later version":    {put("format", "version", "2"), boltstore.ErrFormat, "version \"2\", known is \"1\"; use the version of chatelaine that wrote it"},
		"no version":         {put("format", "colour", "1"), boltstore.ErrFormat, "version \"\""},
		"an empty database":  {func(*bbolt.Tx) error { return nil }, boltstore.ErrFormat, "that of another program"},
		"another program's":  {put("members", "a", "1"), boltstore.ErrFormat, "that of another program"},
		"a foreign bucket":   {both(put("format", "version", "1"), put("members", "a", "1")), boltstore.ErrDamaged, "members"},
		"a nameless keyring": {both(put("format", "version", "1"), put("keyring a.b 00000000", "a", "1")), boltstore.ErrDamaged, "keyring a.b"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.fill)
			_, err := boltstore.Open(dir)
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
	for name, text := range map[string]string{"text": strings.Repeat("no database\n", 10_000), "zeros": string(make([]byte, 1<<16))} {
		if _, err := openImage(t, t.TempDir(), []byte(text)); !errors.Is(err, boltstore.ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func both(a, b func(*bbolt.Tx) error) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return errors.Join(a(tx), b(tx)) }
}

func TestAKeyringThatCountsLessThanItGaveIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	create(t, db.Store(local), key("a", "1"))
	create(t, db.Store(local), key("b", "2"))
	closeDB(t, db)
	write(t, dir, func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return b.SetSequence(1) })
	})
	if _, err := boltstore.Open(dir); !errors.Is(err, boltstore.ErrDamaged) || !strings.Contains(err.Error(), "key/b") {
		t.Errorf("got %v", err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
)

// sample is a file with every kind of page: branches and leaves, a record over several pages, a small bucket kept in
// another's page, one that has a page to itself, free pages. It returns the file and the records in it, by keyring and name.
func sample(t testing.TB) ([]byte, map[string]keyring.Item) {
	t.Helper()
	dir := t.TempDir()
	db := open(t, dir)
	records := map[string]keyring.Item{}
	for i := range 60 {
		item := create(t, db.Store(local), key(fmt.Sprintf("key-%02d", i), strings.Repeat(fmt.Sprintf("%04d", i), 64)))
		records[local.Region+item.Name] = item
	}
	records[local.Region+"large"] = create(t, db.Store(local), key("large", strings.Repeat("large", 2000)))
	records[third.Region+"alone"] = create(t, db.Store(third), key("alone", strings.Repeat("alone", 500)))
	records[other.Region+"small"] = create(t, db.Store(other), key("small", "small"))
	for i := range 10 {
		item := records[local.Region+fmt.Sprintf("key-%02d", i)]
		if err := db.Store(local).Delete(t.Context(), item.Kind, item.Name, item.Version); err != nil {
			t.Fatal(err)
		}
		delete(records, local.Region+item.Name)
	}
	closeDB(t, db)
	image, err := os.ReadFile(filepath.Join(dir, boltstore.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return image, records
}

// used is how many bytes of the image are pages that the file counts, by the newer meta page.
func used(image []byte) int {
	pages := func(at int) uint64 { return binary.NativeEndian.Uint64(image[at+16+40:]) }
	return int(max(pages(0), pages(os.Getpagesize()))) * os.Getpagesize()
}

// openImage opens a directory with the image as its file.
func openImage(t testing.TB, dir string, image []byte) (*boltstore.Database, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, boltstore.FileName), image, 0o600); err != nil {
		t.Fatal(err)
	}
	return boltstore.Open(dir)
}

// content is what is in the keyrings, and how many of the records say of themselves that they are damaged.
func content(t testing.TB, db *boltstore.Database) (intact map[string]keyring.Item, damaged int) {
	t.Helper()
	intact = map[string]keyring.Item{}
	for _, id := range []keyring.ID{local, other, third} {
		items, err := db.Store(id).List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			if strings.Contains(item.Location, "checksum is wrong") {
				damaged++
				if len(item.Sealed) != 0 || item.Owner != "" {
					t.Errorf("a damaged record has content: %+v", item)
				}
				continue
			}
			item.Location = ""
			intact[id.Region+item.Name] = item
		}
	}
	return intact, damaged
}

func isRefusal(err error) bool {
	return errors.Is(err, boltstore.ErrDamaged) || errors.Is(err, boltstore.ErrFormat)
}

func TestAFlippedBitIsRefusedOrTouchesOneRecordThatSaysSo(t *testing.T) {
	image, records := sample(t)
	image = image[:used(image)]
	dir := t.TempDir()
	path := filepath.Join(dir, boltstore.FileName)
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	refused, harmed, unharmed := 0, 0, 0
	for position := range positions(image) {
		at, bit := position/8, byte(1<<(position%8))
		if _, err := file.WriteAt([]byte{image[at] ^ bit}, int64(at)); err != nil {
			t.Fatal(err)
		}
		db, err := boltstore.Open(dir)
		var intact map[string]keyring.Item
		damaged := 0
		if err == nil {
			intact, damaged = content(t, db)
			closeDB(t, db)
		}
		if _, err := file.WriteAt([]byte{image[at]}, int64(at)); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			refused++
			if !isRefusal(err) {
				t.Fatalf("byte %d: %v", at, err)
			}
			continue
		}
		if len(intact)+damaged != len(records) || damaged > 1 {
			t.Fatalf("byte %d: of %d records %d are intact and %d damaged", at, len(records), len(intact), damaged)
		}
		for name, item := range intact {
			if !reflect.DeepEqual(records[name], item) { // cmp would take minutes
				t.Fatalf("byte %d: %s is %+v", at, name, item)
			}
		}
		if damaged > 0 {
			harmed++
		} else {
			unharmed++
		}
	}
	t.Logf("refused %d, one record damaged %d, no record touched %d", refused, harmed, unharmed)
	if refused < 100 || harmed < 100 || unharmed < 100 {
		t.Error("the sample does not have everything")
	}
}

// positions are bits of the file: all where pages have what holds them together, and elsewhere some.
func positions(image []byte) iter.Seq[int] {
	const dense = 192
	return func(yield func(int) bool) {
		for at := range image {
			inPage := at % os.Getpagesize()
			for bit := range 8 {
				wanted := inPage < dense || inPage%31 == 0 && bit == inPage%8
				if wanted && !yield(8*at+bit) {
					return
				}
			}
		}
	}
}

func TestAFileThatWasCutIsRefused(t *testing.T) {
	image, _ := sample(t)
	dir := t.TempDir()
	for size := 0; size < used(image); size += 509 {
		_, err := openImage(t, dir, image[:size])
		if !errors.Is(err, boltstore.ErrDamaged) {
			t.Fatalf("%d bytes of %d: %v", size, used(image), err)
		}
		if !strings.Contains(err.Error(), filepath.Join(dir, "kms.db")) || !strings.Contains(err.Error(), "backup") {
			t.Errorf("the message is %q", err)
		}
	}
	if _, err := openImage(t, dir, image[:1000]); err == nil {
		t.Fatal("opened")
	}
	if now, err := os.ReadFile(filepath.Join(dir, "kms.db")); err != nil || !bytes.Equal(now, image[:1000]) {
		t.Errorf("what was refused was changed: %d bytes, %v", len(now), err)
	}
}

// newest is where the newer meta page of the image is, and the page that the number at offset in it refers to.
func newest(image []byte, offset int) (meta, page int) {
	number := func(at int) int { return int(binary.NativeEndian.Uint64(image[at:])) }
	const txid = 48
	if second := os.Getpagesize(); number(second+16+txid) > number(16+txid) {
		meta = second
	}
	return meta, number(meta+16+offset) * os.Getpagesize()
}

// resum gives both meta pages the checksum that fits them, so that what they say is believed.
func resum(image []byte) {
	for _, at := range []int{16, os.Getpagesize() + 16} {
		if len(image) < at+64 {
			return
		}
		hash := fnv.New64a()
		_, _ = hash.Write(image[at : at+56])
		binary.NativeEndian.PutUint64(image[at+56:], hash.Sum64())
	}
}

// FuzzOpen: whatever the file is, it is refused, or it can be read, written and opened again.
func FuzzOpen(f *testing.F) {
	image, _ := sample(f)
	dir := f.TempDir()
	page := uint32(os.Getpagesize())
	for _, at := range []uint32{0, 16 + 8, 16 + 40, page + 16 + 48, 2 * page, 3*page + 10, 5*page + 16, 7*page + 20} {
		f.Add(at, []byte{0xFF, 0xFF}, uint32(len(image)), true)
	}
	f.Add(uint32(100), []byte("text"), page*5, false)
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, size uint32, believed bool) {
		patched := bytes.Clone(image)
		copy(patched[int(at)%len(image):], patch)
		if believed {
			resum(patched)
		}
		patched = patched[:min(int(size), len(image))]
		db, err := openImage(t, dir, patched)
		if err != nil {
			if !isRefusal(err) {
				t.Fatal(err)
			}
			return
		}
		content(t, db)
		for _, id := range []keyring.ID{local, other, third} {
			if _, err := db.Store(id).Create(t.Context(), key("new", "1")); err != nil {
				t.Fatal(err)
			}
		}
		closeDB(t, db)
		closeDB(t, open(t, dir))
	})
}

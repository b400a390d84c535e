// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/storetest"
)

var (
	local = keyring.ID{AccountID: "123456789012", Region: "local"}
	other = keyring.ID{AccountID: "123456789012", Region: "eu-west-1"}
	third = keyring.ID{AccountID: "210987654321", Region: "local-3"}
)

// open opens the database; the test's end closes it, if the test has not.
func open(t testing.TB, dir string) *boltstore.Database {
	t.Helper()
	db, err := boltstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func closeDB(t testing.TB, db *boltstore.Database) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func key(name, sealed string) keyring.Item {
	return keyring.Item{Kind: keyring.KindKey, Name: name, Title: "title of " + name, Owner: "orders/payments", Sealed: []byte(sealed)}
}

func create(t testing.TB, store keyring.Store, item keyring.Item) keyring.Item {
	t.Helper()
	version, err := store.Create(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	item.Version = version
	return item
}

// list is the content of the store without locations.
func list(t testing.TB, store keyring.Store) []keyring.Item {
	t.Helper()
	items, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		items[i].Location = ""
	}
	return items
}

func TestAFileIsAStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) keyring.Store { return open(t, t.TempDir()).Store(local) })
}

func TestTheDirectoryAndItsFileAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	open(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "kms.db"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

func TestWhatWasWrittenIsThereInTheNextProcess(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	kept := create(t, db.Store(local), key("kept", "1"))
	gone := create(t, db.Store(local), key("gone", "2"))
	if err := db.Store(local).Delete(t.Context(), gone.Kind, gone.Name, gone.Version); err != nil {
		t.Fatal(err)
	}
	closeDB(t, db)

	store := open(t, dir).Store(local)
	if diff := cmp.Diff([]keyring.Item{kept}, list(t, store)); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	// Version gone+1 was that of the deletion, of which nothing is left but the count.
	if next := create(t, store, key("next", "3")); next.Version != gone.Version+2 {
		t.Errorf("the next version is %d, after the deletion of version %d", next.Version, gone.Version)
	}
}

func TestKeyringsInOneFileKeepApart(t *testing.T) {
	db := open(t, t.TempDir())
	here, there := db.Store(local), db.Store(other)
	heard := follow(t, there)
	item := create(t, here, key("same", "here"))
	if _, err := there.Get(t.Context(), item.Kind, item.Name); !errors.Is(err, keyring.ErrGone) {
		t.Errorf("the other keyring has it: %v", err)
	}
	theirs := create(t, there, key("same", "there"))
	if theirs.Version != item.Version {
		t.Errorf("the other keyring begins with version %d", theirs.Version)
	}
	if err := db.Store(other).Delete(t.Context(), theirs.Kind, theirs.Name, theirs.Version); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]keyring.Item{item}, list(t, here)); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"replace 0", "upsert same 1", "delete same 2"}, heard.wait(t, 3)); diff != "" {
		t.Errorf("the other keyring heard (-want +got):\n%s", diff)
	}
}

func TestADatabaseKnowsWhetherItHasRecords(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	want := func(want bool) {
		t.Helper()
		if exist, err := db.RecordsExist(t.Context()); exist != want || err != nil {
			t.Errorf("records exist: %t, %v", exist, err)
		}
	}
	want(false)
	item := create(t, db.Store(other), key("a", "1"))
	want(true)
	closeDB(t, db)
	db = open(t, dir)
	want(true)
	if err := db.Store(other).Delete(t.Context(), item.Kind, item.Name, item.Version); err != nil {
		t.Fatal(err)
	}
	want(false)
}

func TestADatabaseNamesTheKeyringsThatHaveRecords(t *testing.T) {
	db := open(t, t.TempDir())
	want := func(want ...keyring.ID) {
		t.Helper()
		got, err := db.Keyrings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keyrings (-want +got):\n%s", diff)
		}
	}
	want()
	create(t, db.Store(third), key("a", "1"))
	item := create(t, db.Store(other), key("a", "1"))
	create(t, db.Store(local), key("a", "1"))
	want(other, local, third)
	if err := db.Store(other).Delete(t.Context(), item.Kind, item.Name, item.Version); err != nil {
		t.Fatal(err)
	}
	want(local, third)
}

func TestARecordIsTheStoresOwnCopy(t *testing.T) {
	db := open(t, t.TempDir())
	store := db.Store(local)
	heard := follow(t, store)
	heard.wait(t, 1)
	item := key("a", "sealed")
	create(t, store, item)
	copy(item.Sealed, "edited")
	for range 2 {
		got := list(t, store)
		if string(got[0].Sealed) != "sealed" {
			t.Errorf("the store has %q", got[0].Sealed)
		}
		copy(got[0].Sealed, "edited") // would be a fault if it were the file's memory
	}
	heard.wait(t, 2)
	if got := heard.last(); string(got.Sealed) != "sealed" {
		t.Errorf("told was %q", got.Sealed)
	}
}

func TestAClosedDatabaseSaysSo(t *testing.T) {
	db := open(t, t.TempDir())
	store := db.Store(local)
	item := create(t, store, key("a", "1"))
	closeDB(t, db)
	_, getErr := store.Get(t.Context(), item.Kind, item.Name)
	_, listErr := store.List(t.Context())
	_, writeErr := store.Update(t.Context(), item)
	_, existErr := db.RecordsExist(t.Context())
	_, keyringsErr := db.Keyrings(t.Context())
	for what, err := range map[string]error{
		"get": getErr, "list": listErr, "update": writeErr, "records exist": existErr,
		"keyrings": keyringsErr,
		"run":      store.Run(t.Context(), &recorder{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "database not open") || errors.Is(err, keyring.ErrUnknownOutcome) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestOfThoseWhoOpenADirectoryTogetherOneHasIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	dbs, errs := make([]*boltstore.Database, 8), make([]error, 8)
	var wg sync.WaitGroup
	for i := range dbs {
		wg.Go(func() { dbs[i], errs[i] = boltstore.Open(dir) })
	}
	wg.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
			create(t, dbs[i].Store(local), key("a", "1"))
			closeDB(t, dbs[i])
		case !errors.Is(err, boltstore.ErrInUse):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d have it", won)
	}
	if items := list(t, open(t, dir).Store(local)); len(items) != 1 {
		t.Errorf("content %v", items)
	}
}

func TestARecordThatIsTooLargeIsRefusedAlone(t *testing.T) {
	store := open(t, t.TempDir()).Store(local)
	if _, err := store.Create(t.Context(), key(strings.Repeat("n", 1<<15), "1")); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
	create(t, store, key("a", strings.Repeat("large", 1<<20)))
}

// BenchmarkCreate is 64 writers at once, each of which waits for the disk.
func BenchmarkCreate(b *testing.B) {
	store := open(b, b.TempDir()).Store(local)
	const writers = 64
	sealed := strings.Repeat("x", 1024)
	start := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < b.N; i += writers {
				if _, err := store.Create(b.Context(), key(fmt.Sprintf("key-%d", i), sealed)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "creates/s")
}

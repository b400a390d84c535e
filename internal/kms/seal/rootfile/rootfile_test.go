// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package rootfile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootfile"
)

func ensure(t *testing.T, dir string) seal.RootKeys {
	t.Helper()
	keys, err := rootfile.Ensure(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func content(t *testing.T, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "root-key"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(t *testing.T, dir string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "root-key"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileIsMadeOnceAndReadAfterwards(t *testing.T) {
	dir := t.TempDir()
	made := ensure(t, dir)
	info, err := os.Stat(filepath.Join(dir, "root-key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	before := content(t, dir)
	for _, recordsExist := range []bool{false, true} {
		read, err := rootfile.Ensure(dir, recordsExist)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(made.Encode(), read.Encode()); diff != "" {
			t.Error("other root keys were read than were made")
		}
	}
	if !bytes.Equal(content(t, dir), before) {
		t.Error("reading changed the file")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

func TestTheFileIsTheDataOfASecret(t *testing.T) {
	dir := t.TempDir()
	made := ensure(t, dir)
	var data map[string][]byte // as in corev1.Secret
	if err := json.Unmarshal(content(t, dir), &data); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ParseRootKeys(data)
	if err != nil || keys.Current() != made.Current() {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestSeveralRootKeysAreRead(t *testing.T) {
	older, newer := seal.NewRootKey(), seal.NewRootKey()
	keys, err := seal.NewRootKeys(newer)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err = keys.Add(older); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(keys.Encode())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, data)
	read, err := rootfile.Load(dir)
	if err != nil || read.Current() != newer.ID() || !read.Has(older.ID()) {
		t.Errorf("got %v, %v", read, err)
	}
}

func TestProcessesThatStartTogetherShareOneRootKey(t *testing.T) {
	dir := t.TempDir()
	current := make([]string, 16)
	var wg sync.WaitGroup
	for i := range current {
		wg.Go(func() {
			keys, err := rootfile.Ensure(dir, false)
			if err != nil {
				t.Error(err)
			}
			current[i] = keys.Current()
		})
	}
	wg.Wait()
	for _, id := range current {
		if id != current[0] || id == "" {
			t.Errorf("root keys %v", current)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

func TestAMissingRootKeyIsNotReplacedWhileRecordsNeedIt(t *testing.T) {
	dir := t.TempDir()
	for what, try := range map[string]func() (seal.RootKeys, error){
		"ensure": func() (seal.RootKeys, error) { return rootfile.Ensure(dir, true) },
		"load":   func() (seal.RootKeys, error) { return rootfile.Load(dir) },
	} {
		_, err := try()
		if _, ok := errors.AsType[*rootfile.MissingError](err); !ok {
			t.Fatalf("%s: got %v", what, err)
		}
		for _, part := range []string{filepath.Join(dir, "root-key"), "cannot be opened without it", "backup"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %s", what, err, part)
			}
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

func TestAFileThatOthersMayUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	ensure(t, dir)
	path := filepath.Join(dir, "root-key")
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o620, 0o602, 0o610} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := rootfile.Ensure(dir, false)
		want := fmt.Sprintf("the root key in %s is open to other users (mode %#o); run: chmod 600 %s", path, mode, path)
		if err == nil || err.Error() != want {
			t.Errorf("mode %o:\n got %v\nwant %s", mode, err, want)
		}
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := rootfile.Load(dir); err != nil {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestAFileThatHoldsSomethingElseIsNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	good := string(bytes.TrimSpace(content(t, func() string { ensure(t, dir); return dir }())))
	second := strings.Index(good, "\"key-")
	for what, text := range map[string]string{
		"empty":            "",
		"text":             "hunter2",
		"a number":         `{"current": 7}`,
		"no base64":        `{"current": "hunter2!"}`,
		"null":             "null",
		"cut":              good[:len(good)-1],
		"more behind it":   good + "{}",
		"a foreign entry":  `{"password": "aHVudGVyMg==",` + good[1:],
		"an entry twice":   good[:second] + good[second:len(good)-1] + "," + good[second:],
		"no current":       "{" + good[second:],
		"a longer key":     strings.Replace(good, "=\"", "AAAA\"", 1),
		"much too long":    strings.Repeat(" ", 1<<20) + good,
		"a flipped letter": strings.Replace(good, "current", "Current", 1),
	} {
		t.Run(what, func(t *testing.T) {
			put(t, dir, []byte(text))
			_, err := rootfile.Ensure(dir, false)
			if _, ok := errors.AsType[*rootfile.InvalidError](err); !ok {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), filepath.Join(dir, "root-key")) {
				t.Errorf("the message is %q", err)
			}
			if got := content(t, dir); string(got) != text {
				t.Errorf("the file is now %q", got)
			}
		})
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	for what, make := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		dir := t.TempDir()
		if err := make(filepath.Join(dir, "root-key")); err != nil {
			t.Fatal(err)
		}
		_, err := rootfile.Ensure(dir, false)
		if _, ok := errors.AsType[*rootfile.InvalidError](err); !ok {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

func TestADirectoryThatIsNotThereIsAnError(t *testing.T) {
	if _, err := rootfile.Ensure(filepath.Join(t.TempDir(), "none"), false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

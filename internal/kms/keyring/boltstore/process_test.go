// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package boltstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
)

// The test binary, started again with the role in the environment, is the other process.
const (
	roleVariable = "BOLTSTORE_TEST_ROLE"
	dirVariable  = "BOLTSTORE_TEST_DIR"
)

func TestMain(m *testing.M) {
	roles := map[string]func(*boltstore.Database) error{
		"hold": func(*boltstore.Database) error { time.Sleep(time.Hour); return nil },
		"work": workForEver,
		"full": meetAFullDisk,
	}
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	db, err := boltstore.Open(os.Getenv(dirVariable))
	if err == nil {
		fmt.Println("open")
		err = role(db)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// process is the other process, and what it prints.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// start starts a process of the role that has the directory open.
func start(t *testing.T, role, dir string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p := &process{cmd, bufio.NewScanner(out)}
	if line := p.line(); line != "open" {
		t.Fatalf("the other process says %q", line)
	}
	return p
}

func (p *process) line() string {
	p.lines.Scan()
	return p.lines.Text()
}

// kill ends the process by SIGKILL and returns what it had printed and nobody had read.
func (p *process) kill(t *testing.T) []string {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var rest []string
	for p.lines.Scan() {
		rest = append(rest, p.lines.Text())
	}
	_ = p.cmd.Wait() // says that it was killed
	return rest
}

func TestASecondProcessIsRefusedAsLongAsTheFirstLives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, "hold", dir)
	for range 2 {
		before := time.Now()
		_, err := boltstore.Open(dir)
		if !errors.Is(err, boltstore.ErrInUse) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		want := "opening data directory " + dir + ": another process is using it; stop that one, or use another directory"
		if err.Error() != want {
			t.Errorf("\n got %s\nwant %s", err, want)
		}
	}
	first.kill(t)
	create(t, open(t, dir).Store(local), key("a", "1"))
}

// workForEver says of each write what it was, once it has returned.
func workForEver(db *boltstore.Database) error {
	store := db.Store(local)
	items, err := store.List(context.Background())
	if err != nil {
		return err
	}
	began := len(items) // makes the names new
	for w := range 16 {
		go func() {
			for i := 0; ; i++ {
				if err := workOnce(store, fmt.Sprintf("%d-%d-%d", began, w, i)); err != nil {
					fmt.Println("failed:", err)
				}
			}
		}()
	}
	select {}
}

func workOnce(store keyring.Store, name string) error {
	ctx := context.Background()
	item := key(name, "first "+name)
	var err error
	if item.Version, err = store.Create(ctx, item); err != nil {
		return err
	}
	fmt.Printf("created %s %d\n", name, item.Version)
	item.Sealed = []byte("second " + name)
	if item.Version, err = store.Update(ctx, item); err != nil {
		return err
	}
	fmt.Printf("updated %s %d\n", name, item.Version)
	if strings.HasSuffix(name, "7") {
		if err := store.Delete(ctx, item.Kind, name, item.Version); err != nil {
			return err
		}
		fmt.Printf("deleted %s %d\n", name, item.Version+1)
	}
	return nil
}

// promise is what a process said last of a record.
type promise struct {
	what    string
	version uint64
}

func TestWhatAProcessSaidItWroteSurvivesItsKilling(t *testing.T) {
	dir := t.TempDir()
	promised := map[string]promise{}
	newest := uint64(0)
	for round := range 6 {
		p := start(t, "work", dir)
		lines := make([]string, 0, 1000)
		for range 50 + 200*round {
			lines = append(lines, p.line())
		}
		for _, line := range append(lines, p.kill(t)...) {
			var name string
			var said promise
			if _, err := fmt.Sscanf(line, "%s %s %d", &said.what, &name, &said.version); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if promised[name].version < said.version {
				promised[name] = said
			}
			newest = max(newest, said.version)
		}
		newest = checkPromises(t, dir, promised, newest)
	}
	if len(promised) < 100 {
		t.Errorf("only %d records were written", len(promised))
	}
}

// checkPromises holds what is in the directory against what was said, and returns the newest version.
func checkPromises(t *testing.T, dir string, promised map[string]promise, newest uint64) uint64 {
	t.Helper()
	db := open(t, dir)
	found := map[string]keyring.Item{}
	for _, item := range list(t, db.Store(local)) {
		found[item.Name] = item
	}
	for name, said := range promised {
		item, ok := found[name]
		// What came after the last thing said may be there or not.
		gone := said.what == "deleted" || said.what == "updated" && strings.HasSuffix(name, "7")
		switch {
		case !ok && !gone, ok && said.what == "deleted", ok && item.Version < said.version:
			t.Errorf("%s %s as version %d, and now there is %+v", said.what, name, said.version, item)
		case ok && said.what == "updated" && string(item.Sealed) != "second "+name:
			t.Errorf("%s has %q", name, item.Sealed)
		}
	}
	probe := create(t, db.Store(local), key(fmt.Sprintf("probe-%d", newest), "1"))
	if probe.Version <= newest {
		t.Errorf("version %d was given after %d", probe.Version, newest)
	}
	closeDB(t, db)
	return probe.Version
}

// meetAFullDisk goes on until the file may not grow any more, then lets it, and says how that went.
func meetAFullDisk(db *boltstore.Database) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx, store, heard := context.Background(), db.Store(local), &recorder{}
	go func() { _ = store.Run(ctx, heard) }()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: 1 << 20, Max: before.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	sealed := strings.Repeat("x", 1<<12)
	var failed error
	written := 0
	for ; failed == nil && written < 10_000; written++ {
		_, failed = store.Create(ctx, key(fmt.Sprint(written), sealed))
	}
	written--
	if failed == nil || errors.Is(failed, keyring.ErrUnknownOutcome) || !strings.Contains(failed.Error(), "file too large") {
		return fmt.Errorf("on a full disk: %w", failed)
	}
	if _, err := store.Get(ctx, keyring.KindKey, fmt.Sprint(written-1)); err != nil {
		return fmt.Errorf("reading on a full disk: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		return err
	}
	if _, err := store.Create(ctx, key(fmt.Sprint(written), sealed)); err != nil {
		return fmt.Errorf("writing again: %w", err)
	}
	return awaitContent(store, heard)
}

// awaitContent waits until the sink has heard what is in the store.
func awaitContent(store keyring.Store, heard *recorder) error {
	items, err := store.List(context.Background())
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		heard.mu.Lock()
		same := len(heard.content) == len(items)
		for _, item := range items {
			same = same && heard.content[item.Name].Version == item.Version
		}
		heard.mu.Unlock()
		if same {
			fmt.Println("all told", len(items))
			return nil
		}
	}
	return fmt.Errorf("of %d records, the sink heard of %d", len(items), len(heard.content))
}

func TestAfterADiskWasFullWritingGoesOn(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "full", dir)
	line := p.line()
	if !strings.HasPrefix(line, "all told ") {
		t.Fatalf("the other process says %q", line)
	}
	p.kill(t)
	var count int
	if _, err := fmt.Sscanf(line, "all told %d", &count); err != nil || count < 10 {
		t.Fatalf("%q: %v", line, err)
	}
	if items := list(t, open(t, dir).Store(local)); len(items) != count {
		t.Errorf("%d records, want %d", len(items), count)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootfile"
)

const account = "111122223333"

// options are good ones, on a new directory.
func options(t *testing.T, regions ...string) Options {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	folder := t.TempDir()
	o := Options{
		DataDir: filepath.Join(folder, "kms"), Listener: listener, AccountID: account, Regions: regions,
		CredentialsFile: filepath.Join(folder, "credentials.yaml"), Clock: clock.RealClock{},
	}
	content := `[{accessKeyID: test, secretAccessKey: test, principal: "arn:aws:iam::` + account + `:root"}]`
	if err := os.WriteFile(o.CredentialsFile, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// wantFree wants everything that Run had to be let go of: the directory and the address.
func (o Options) wantFree(t *testing.T) {
	t.Helper()
	db, err := boltstore.Open(o.DataDir)
	if err != nil {
		t.Errorf("the directory is not free: %v", err)
	} else if err := db.Close(); err != nil {
		t.Error(err)
	}
	if connection, err := net.Dial("tcp", o.Listener.Addr().String()); err == nil {
		_ = connection.Close()
		t.Error("the address is not free")
	}
}

// makeKey makes a key in the directory, while nothing else has it.
func (o Options) makeKey(t *testing.T, id keyring.ID) {
	t.Helper()
	db, err := boltstore.Open(o.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := rootfile.Ensure(o.DataDir, false)
	if err != nil {
		t.Fatal(err)
	}
	ring := keyring.New(id, db.Store(id), roots, keyring.Options{})
	stop := keyringtest.Start(t, ring)
	service := kms.New(ring, o.Clock, kms.Options{})
	if _, err := service.CreateKey(t.Context(), kms.CreateKeyInput{Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestItAnswersOnceItIsReadyAndLetsGoOfEverythingInTheEnd(t *testing.T) {
	o := options(t, "local", "local", "eu-west-1")
	ready := make(chan struct{})
	o.Ready = func() { close(ready) }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + o.Listener.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != "ok\n" {
		t.Errorf("it answers %q, %v", body, err)
	}
	_ = answer.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	o.wantFree(t)
}

func TestToldToStopBeforeItServesItDoesNotServe(t *testing.T) {
	o := options(t, "local")
	o.Ready = func() { t.Error("it says that it serves") }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, o); err != nil {
		t.Error(err)
	}
	o.wantFree(t)
}

func TestAfterAnErrorEverythingIsFree(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(o Options) error
		want  string
	}{
		"credentials": {func(o Options) error { return os.Remove(o.CredentialsFile) }, "reading credentials file"},
		"root key":    {func(o Options) error { return os.Remove(filepath.Join(o.DataDir, rootfile.FileName)) }, "does not exist"},
		"another root key": {func(o Options) error {
			if err := os.Remove(filepath.Join(o.DataDir, rootfile.FileName)); err != nil {
				return err
			}
			_, err := rootfile.Ensure(o.DataDir, false)
			return err
		}, "does not have root key"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "eu-west-1", "local")
			o.Ready = func() { t.Error("it says that it serves") }
			o.makeKey(t, keyring.ID{AccountID: account, Region: "local"})
			if err := tt.spoil(o); err != nil {
				t.Fatal(err)
			}
			err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			o.wantFree(t)
		})
	}
}

func TestADirectoryOfSeveralAccountsNamesTheOnesThatAreNotServed(t *testing.T) {
	o := options(t, "local")
	for _, id := range []keyring.ID{{AccountID: account, Region: "local"}, {AccountID: account, Region: "eu-west-1"}, {AccountID: "999999999999", Region: "local"}} {
		o.makeKey(t, id)
	}
	var log strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	o.Ready = cancel
	logger := funcr.New(func(_, args string) { log.WriteString(args + "\n") }, funcr.Options{})
	if err := Run(logr.NewContext(ctx, logger), o); err != nil {
		t.Fatal(err)
	}
	const message = "the data directory has keys that are not served"
	if strings.Count(log.String(), message) != 2 {
		t.Errorf("the log:\n%s", log.String())
	}
	for _, want := range []string{
		`"account"="` + account + `" "region"="eu-west-1" "dataDir"="` + o.DataDir + `" "advice"="name the Region in --region as well"`,
		`"account"="999999999999" "region"="local" "dataDir"="` + o.DataDir + `" "advice"="start with --account-id 999999999999 --region local"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is missing in the log:\n%s", want, log.String())
		}
	}
}

func TestAPartThatFailsEndsTheRest(t *testing.T) {
	o := options(t, "local")
	db, err := boltstore.Open(o.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	rings, err := newKeyrings(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run(t.Context(), o, rings, &identity.StaticKeys{}) }()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "database not open") {
			t.Errorf("got %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it goes on")
	}
}

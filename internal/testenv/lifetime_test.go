// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// dieVariable makes this test binary, run as a child, die with its server up.
const dieVariable = "CHATELAINE_TESTENV_DIE"

// whereabouts of a server, for a test that has to see it gone.
type whereabouts struct{ Host, Folder string }

func TestServerAndItsFilesGoWhenTheTestBinaryDies(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), dieVariable+"=1")
	stdout, err := child.Output()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		t.Fatalf("the child ended with %v, want it to die", err)
	}
	var server whereabouts
	if err := json.Unmarshal(stdout, &server); err != nil {
		t.Fatalf("reading where the child's server was from %q: %v", stdout, err)
	}
	assertGone(t, server)
}

func TestServerAndItsFilesGoWhenTheTestEnds(t *testing.T) {
	var server whereabouts
	t.Run("with a server of its own", func(t *testing.T) {
		var err error
		if server, err = whereaboutsOf(testenv.Start(t, testenv.Options{WithoutCRDs: true})); err != nil {
			t.Fatal(err)
		}
		if !serves(server.Host) {
			t.Fatalf("no API server at %s", server.Host)
		}
	})
	assertGone(t, server)
}

func TestOpenWatchDoesNotDelayTheEnd(t *testing.T) {
	var stopping time.Time
	var secrets watch.Interface
	t.Run("with a server of its own", func(t *testing.T) {
		started := testenv.Start(t, testenv.Options{WithoutCRDs: true})
		watcher, err := client.NewWithWatch(started.Config, client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if secrets, err = watcher.Watch(context.Background(), &corev1.SecretList{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stopping = time.Now() })
	})
	defer secrets.Stop()
	if took := time.Since(stopping); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

func TestMissingBinariesAreNamedWithTheWayOut(t *testing.T) {
	for name, test := range map[string]struct{ assets, want string }{
		"variable not set": {assets: "", want: "KUBEBUILDER_ASSETS is not set"},
		"folder is empty":  {assets: t.TempDir(), want: "no executable kube-apiserver"},
	} {
		t.Run(name, func(t *testing.T) {
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), "KUBEBUILDER_ASSETS="+test.assets)
			output, err := child.CombinedOutput()
			if err == nil {
				t.Fatal("tests ran without the binaries")
			}
			for _, want := range []string{test.want, "`make test`"} {
				if !strings.Contains(string(output), want) {
					t.Errorf("output %q does not contain %q", output, want)
				}
			}
		})
	}
}

// startAndDie prints where its server is and dies as a test binary does in which some goroutine panics: nothing that
// was deferred runs.
func startAndDie() {
	var started *testenv.Env
	testenv.Run(running(func() int {
		server, err := whereaboutsOf(started)
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(server)
		}
		go func() { panic(fmt.Sprintf("dying as the test wants (%v)", err)) }()
		select {}
	}), &started, testenv.Options{WithoutCRDs: true})
}

// running is what Run runs in place of tests.
type running func() int

func (r running) Run() int { return r() }

func whereaboutsOf(env *testenv.Env) (whereabouts, error) {
	location, err := url.Parse(env.Config.Host)
	if err != nil {
		return whereabouts{}, err
	}
	return whereabouts{Host: location.Host, Folder: filepath.Dir(env.Kubeconfig)}, nil
}

func serves(host string) bool {
	connection, err := net.DialTimeout("tcp", host, time.Second)
	if err != nil {
		return false
	}
	return connection.Close() == nil
}

func assertGone(t *testing.T, server whereabouts) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		_, err := os.Stat(server.Folder)
		gone := errors.Is(err, fs.ErrNotExist)
		if gone && !serves(server.Host) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s: folder %s gone: %v, API server at %s gone: %v",
				server.Folder, gone, server.Host, !serves(server.Host))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

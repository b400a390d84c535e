// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// apiServer is the kube-apiserver of a server that the test has to itself.
type apiServer struct {
	t    *testing.T
	pid  int
	args []string
	// launcher starts the binary so that it goes with the server, whatever becomes of the tests.
	launcher string
}

// apiServerOf finds the process among those that were started for the server.
func apiServerOf(t *testing.T, server *testenv.Env) *apiServer {
	t.Helper()
	folder := filepath.Dir(server.Kubeconfig)
	noted, err := os.ReadFile(filepath.Join(folder, "pids"))
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.FieldsSeq(string(noted)) {
		command, err := os.ReadFile("/proc/" + text + "/cmdline")
		if err != nil {
			t.Fatal(err)
		}
		args := strings.Split(strings.TrimSuffix(string(command), "\x00"), "\x00")
		if pid, err := strconv.Atoi(text); err == nil && filepath.Base(args[0]) == "kube-apiserver" {
			return &apiServer{t: t, pid: pid, args: args[1:], launcher: filepath.Join(folder, "kube-apiserver")}
		}
	}
	t.Fatalf("no kube-apiserver among the processes %q", noted)
	return nil
}

// freeze stops the process as it is: connections to it stay open, and nothing comes back.
func (s *apiServer) freeze() { s.signal(syscall.SIGSTOP) }

func (s *apiServer) thaw() { s.signal(syscall.SIGCONT) }

// crash ends the process: connections to it are refused.
func (s *apiServer) crash() { s.signal(syscall.SIGKILL) }

func (s *apiServer) signal(signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.pid, signal); err != nil {
		s.t.Fatal(err)
	}
}

// restart starts the crashed process again, at the same address and on the same etcd.
func (s *apiServer) restart() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); syscall.Kill(s.pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("the old kube-apiserver does not end")
		}
	}
	cmd := exec.Command(s.launcher, s.args...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	s.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
}

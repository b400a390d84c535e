// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// apiServer is the kube-apiserver of a server that the test has to itself.
type apiServer struct {
	w    *world
	pid  int
	args []string
	// launcher starts the binary so that it goes with the server, whatever becomes of the tests.
	launcher string
}

// apiServer finds the process among those that were started for the world's server.
func (w *world) apiServer() *apiServer {
	w.t.Helper()
	folder := filepath.Dir(w.env.Kubeconfig)
	noted, err := os.ReadFile(filepath.Join(folder, "pids"))
	if err != nil {
		w.t.Fatal(err)
	}
	for text := range strings.FieldsSeq(string(noted)) {
		command, err := os.ReadFile("/proc/" + text + "/cmdline")
		if err != nil {
			w.t.Fatal(err)
		}
		args := strings.Split(strings.TrimSuffix(string(command), "\x00"), "\x00")
		if pid, err := strconv.Atoi(text); err == nil && filepath.Base(args[0]) == "kube-apiserver" {
			return &apiServer{w: w, pid: pid, args: args[1:], launcher: filepath.Join(folder, "kube-apiserver")}
		}
	}
	w.t.Fatalf("no kube-apiserver among the processes %q", noted)
	return nil
}

// freeze stops the process as it is: connections to it stay open, and nothing comes back.
func (s *apiServer) freeze() { s.signal(syscall.SIGSTOP) }

func (s *apiServer) thaw() { s.signal(syscall.SIGCONT) }

// crash ends the process: connections to it are refused.
func (s *apiServer) crash() { s.signal(syscall.SIGKILL) }

func (s *apiServer) signal(signal syscall.Signal) {
	s.w.t.Helper()
	if err := syscall.Kill(s.pid, signal); err != nil {
		s.w.t.Fatal(err)
	}
}

// restart starts the crashed process again, at the same address and on the same etcd, and waits until it serves.
func (s *apiServer) restart() {
	s.w.t.Helper()
	s.w.await(func() (bool, string) { return syscall.Kill(s.pid, 0) != nil, "the old kube-apiserver end" })
	cmd := exec.Command(s.launcher, s.args...)
	if err := cmd.Start(); err != nil {
		s.w.t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	s.w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	s.w.await(func() (bool, string) {
		err := s.w.env.Client.Get(s.w.ctx, client.ObjectKey{Name: operatorNamespace}, &corev1.Namespace{})
		return err == nil, fmt.Sprint("the new kube-apiserver serve: ", err)
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// supervisor owns the server's processes and files, so that neither outlives the tests.
//
// envtest stops what it started only when it is asked to, which a test binary that panics, runs into its timeout or is
// killed never does. Each binary is therefore started by a script that notes its process ID, and a shell waits on a
// pipe from the test binary: when the pipe closes, however that came about, it kills what is noted and removes the
// files. There is nothing to be saved by a gentler end.
type supervisor struct {
	dir   string
	pids  string
	shell *exec.Cmd
	pipe  io.Closer
	paths assets
	held  []heldAddress
}

const (
	// The server's --help, by which envtest looks for flags, ends by itself and needs no note.
	launchScript = `#!/bin/sh
[ "$1" = --help ] || echo $$ >> '%s'
exec '%s' "$@"
`
	watchScript = `cat; while read -r pid; do kill -9 "$pid"; done < "$1/pids"; rm -rf "$1" || { sleep 1; rm -rf "$1"; }`
)

func supervise(binaries assets) (*supervisor, error) {
	dir, err := os.MkdirTemp("", "chatelaine-testenv-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the server: %w", err)
	}
	s := &supervisor{dir: dir, pids: filepath.Join(dir, "pids"), paths: binaries}
	if err := errors.Join(os.WriteFile(s.pids, nil, 0o600), s.watch()); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *supervisor) watch() error {
	s.shell = exec.Command("/bin/sh", "-c", watchScript, "sh", s.dir)
	// A group of its own keeps it alive when Ctrl-C ends the tests.
	s.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := s.shell.StdinPipe()
	if err != nil {
		return fmt.Errorf("making the watching shell's pipe: %w", err)
	}
	s.pipe = pipe
	if err := s.shell.Start(); err != nil {
		return fmt.Errorf("starting the watching shell: %w", err)
	}
	return nil
}

// take lets envtest start its binaries through scripts and keep its files in the supervisor's folder.
func (s *supervisor) take(environment *envtest.Environment) error {
	var err error
	plane := &environment.ControlPlane
	server := plane.GetAPIServer()
	if server.Path, err = s.launcher(s.paths.apiServer); err != nil {
		return err
	}
	plane.Etcd = &envtest.Etcd{}
	if plane.Etcd.Path, err = s.launcher(s.paths.etcd); err != nil {
		return err
	}
	if err := s.takeAddresses(plane); err != nil {
		return err
	}
	plane.KubectlPath = s.paths.kubectl
	server.CertDir = filepath.Join(s.dir, "certs")
	plane.Etcd.DataDir = filepath.Join(s.dir, "etcd-data")
	for _, dir := range []string{server.CertDir, plane.Etcd.DataDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fmt.Errorf("making a folder for the server: %w", err)
		}
	}
	return nil
}

// takeAddresses has the server listen where nobody else may: envtest chooses addresses that are free a while before they are used.
// They are kept, so that a kube-apiserver that a test has crash can be started again.
func (s *supervisor) takeAddresses(plane *envtest.ControlPlane) error {
	var addresses [3]netip.AddrPort
	for i := range addresses {
		held, err := holdAddress()
		if err != nil {
			return err
		}
		s.held = append(s.held, held)
		addresses[i] = held.address
	}
	plane.Etcd.URL = &url.URL{Scheme: "http", Host: addresses[0].String()}
	plane.Etcd.Configure().Set("listen-peer-urls", "http://"+addresses[1].String())
	serving := &plane.GetAPIServer().SecureServing
	serving.Address, serving.Port = addresses[2].Addr().String(), strconv.Itoa(int(addresses[2].Port()))
	return nil
}

func (s *supervisor) launcher(binary string) (string, error) {
	path := filepath.Join(s.dir, filepath.Base(binary))
	script := fmt.Sprintf(launchScript, quoted(s.pids), quoted(binary))
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return "", fmt.Errorf("writing the start script: %w", err)
	}
	return path, nil
}

// finish kills the processes and removes the files.
func (s *supervisor) finish() error {
	if err := s.pipe.Close(); err != nil {
		return fmt.Errorf("closing the watching shell's pipe: %w", err)
	}
	if err := s.shell.Wait(); err != nil {
		return fmt.Errorf("waiting for the watching shell: %w", err)
	}
	for _, held := range s.held {
		held.release()
	}
	return nil
}

// quoted makes s safe between single quotes in a shell script.
func quoted(s string) string { return strings.ReplaceAll(s, "'", `'\''`) }

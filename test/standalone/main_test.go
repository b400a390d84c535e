// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standalone_test runs chatelaine kms as its users do: the real program, on a directory, called by AWS's SDK.
package standalone_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var (
	// buildDir is where the programs are built.
	buildDir string
	// program is chatelaine as it is released.
	program string
	// certified is built with the FIPS 140-3 module that comes with Go and has a certificate, when it is first asked for.
	certified = sync.OnceValues(func() (string, error) { return build("chatelaine-fips140", "GOFIPS140=v1.0.0") })
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "chatelaine-standalone-"); err == nil {
		defer func() { _ = os.RemoveAll(buildDir) }()
		program, err = build("chatelaine")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(name string, environment ...string) (string, error) {
	root, err := testenv.Path()
	if err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, name)
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".")
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, output)
	}
	return path, nil
}

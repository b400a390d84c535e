// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package python finds or makes a Python that has the clients which tests run: boto3, the AWS CLI and what they need, in the
// versions of requirements.txt.
//
// The machine's own Python is taken if it has exactly those. Otherwise they are installed once, into bin/python-clients.
// Where that fails the error says why, for the test to fail with.
package python

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// Interpreter is the path of an interpreter that has what requirements.txt asks for.
var Interpreter = sync.OnceValues(func() (string, error) {
	here, err := testenv.Path("test", "python")
	if err != nil {
		return "", err
	}
	machine, lacks := check(here, "python3")
	if lacks == nil {
		return machine, nil
	}
	environment, err := testenv.Path("bin", "python-clients")
	if err != nil {
		return "", err
	}
	own, err := install(here, environment)
	if err != nil {
		return "", fmt.Errorf("the machine's Python cannot be used (%w), and installing the clients failed: %w", lacks, err)
	}
	return own, nil
})

// Commands puts commands named python3 and aws into a folder, for a script's PATH.
func Commands(dir string) error {
	interpreter, err := Interpreter()
	if err != nil {
		return err
	}
	for name, arguments := range map[string]string{"python3": "", "aws": "-m awscli "} {
		script := "#!/bin/sh\nexec '" + interpreter + "' " + arguments + "\"$@\"\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// check is the real path of a Python that has everything; the error says what it lacks.
func check(here, name string) (string, error) {
	output, err := exec.Command(name, filepath.Join(here, "installed.py"), filepath.Join(here, "requirements.txt")).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", errors.New(string(bytes.TrimSpace(exit.Stderr)))
	}
	return string(bytes.TrimSpace(output)), err
}

// install makes the environment unless it is there. Tests of several packages may want it at the same time.
func install(here, environment string) (string, error) {
	interpreter := filepath.Join(environment, "bin", "python")
	if err := os.MkdirAll(filepath.Dir(environment), 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(environment+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if found, err := check(here, interpreter); err == nil {
		return found, nil
	}
	for _, command := range [][]string{
		{"python3", "-m", "venv", environment},
		{interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", filepath.Join(here, "requirements.txt")},
	} {
		if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, output)
		}
	}
	return check(here, interpreter)
}

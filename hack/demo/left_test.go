// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// leaveTaking is how long what was started may take to end.
const leaveTaking = time.Minute

// assertNothingLeft finds every process that the demo started by its temporary folder, which each has on its command
// line, and every file but those that may stay.
func (r *run) assertNothingLeft(mayStay ...string) {
	r.t.Helper()
	deadline := time.Now().Add(leaveTaking)
	for {
		processes, files := processesWith(r.t, r.tmp), filesIn(r.t, r.tmp, mayStay)
		if len(processes) == 0 && len(files) == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.t.Errorf("left behind after %s: processes %q, files %q", leaveTaking, processes, files)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func filesIn(t *testing.T, dir string, mayStay []string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		if !matchesAny(mayStay, entry.Name()) {
			left = append(left, entry.Name())
		}
	}
	return left
}

func matchesAny(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

// processesWith are the command lines that have text in them.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	var found []string
	for _, line := range commandLines(t) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// commandLines are those of all processes: from /proc where there is one, else from ps.
func commandLines(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		output, err := exec.Command("ps", "-A", "-ww", "-o", "args=").Output()
		if err != nil {
			t.Fatalf("listing processes: %v", err)
		}
		return strings.Split(string(output), "\n")
	}
	lines := make([]string, 0, len(files))
	for _, file := range files {
		content, _ := os.ReadFile(file) // the process may have ended
		lines = append(lines, strings.ReplaceAll(string(content), "\x00", " "))
	}
	return lines
}

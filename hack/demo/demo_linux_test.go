// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"testing"
)

func TestNothingOutlivesTheDemoWhenItIsKilled(t *testing.T) {
	run := startDemo(t)
	run.endBy(syscall.SIGKILL)
	if code := run.wait(); code != -1 {
		t.Errorf("exit code %d, want a death by signal", code)
	}
	run.assertNothingLeft()
}

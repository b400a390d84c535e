// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build failpoints && linux

// Package failpoint kills or stops the process at a named point; see the file for builds without the tag.
package failpoint

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

var (
	armed, mode, _ = strings.Cut(os.Getenv("CHATELAINE_FAILPOINT"), "=")
	stopOnce       sync.Once
)

// Hit kills the process with SIGKILL when the environment variable CHATELAINE_FAILPOINT is name, and stops it with
// SIGSTOP, once, when that is name=stop.
func Hit(name string) {
	switch {
	case name != armed:
	case mode == "stop":
		stopOnce.Do(stop)
	default:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way; nothing may happen after it
	}
}

// stop sends the signal to the thread that it runs on, which then takes it before it goes on. Sent to the process, the
// signal could reach another thread first, and this one be past the failpoint when everything stands still.
func stop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Tgkill(os.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
}

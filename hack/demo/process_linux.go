// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "syscall"

// processAttributes give a process a group of its own, so that Ctrl-C reaches it through the demo only, and let it die
// with the demo, even when that is killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package main

import "syscall"

// processAttributes give a process a group of its own, so that Ctrl-C reaches it through the demo only. It does not end
// when the demo is killed: only Linux offers that.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

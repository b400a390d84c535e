// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package version says which build of Chatelaine this is.
package version

// Version and Commit are set by the linker (see the Makefile); a plain go build leaves them as they are here.
var (
	Version = "devel"
	Commit  = "unknown"
)

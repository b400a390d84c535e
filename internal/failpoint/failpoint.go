// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !failpoints || !linux

// Package failpoint kills or stops the process at a named point, so that tests can show that nothing is lost or done
// twice whatever the moment of a crash, or of a pause that costs a leader its Lease. It does something only in a binary
// built with the tag failpoints; in any other the call is empty and compiled away.
package failpoint

// Hit kills the process with SIGKILL when the environment variable CHATELAINE_FAILPOINT is name, and stops it with
// SIGSTOP, once, when that is name=stop.
func Hit(string) {}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wrappingtest has a wrapping key at hand for tests. To make one of RSA_4096 takes a CPU for seconds, one after the other in
// a process, and whoever imports key material waits for its own no longer than it waits for any answer.
package wrappingtest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

// pair is what wrapping.GenerateWrappingKey returns.
type pair struct{ private, public []byte }

// atHand is made once in a process.
var atHand = sync.OnceValues(func() (made pair, err error) {
	made.private, made.public, err = wrapping.GenerateWrappingKey(wrapping.RSA4096)
	return made, err
})

// Keys returns what gives what wrapping.GenerateWrappingKey does, for kms.Options: of RSA_4096 the same one each time, which is made
// before Keys returns, of others a new one.
func Keys(tb testing.TB) func(wrapping.KeySpec) (private, public []byte, err error) {
	tb.Helper()
	made, err := atHand()
	if err != nil {
		tb.Fatal(err)
	}
	return func(spec wrapping.KeySpec) (private, public []byte, err error) {
		if spec != wrapping.RSA4096 {
			return wrapping.GenerateWrappingKey(spec)
		}
		return bytes.Clone(made.private), bytes.Clone(made.public), nil // who takes them may clear them
	}
}

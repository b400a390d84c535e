// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"context"
	"hash/maphash"
)

// stripes make the writers of one item in this process wait for each other. Items share stripes: it costs a wait now and
// then, and memory that does not grow with the keyring. Items of different kinds share none, so that the writer of a key
// may write its aliases, too.
type stripes struct {
	seed  maphash.Seed
	locks map[Kind][]chan struct{}
}

func newStripes() stripes {
	const count = 256
	s := stripes{seed: maphash.MakeSeed(), locks: map[Kind][]chan struct{}{}}
	for _, kind := range []Kind{KindKey, KindAlias} {
		for range count {
			s.locks[kind] = append(s.locks[kind], make(chan struct{}, 1))
		}
	}
	return s
}

// lock waits for the item's turn, or for ctx.
func (s stripes) lock(ctx context.Context, item slot) (unlock func(), err error) {
	locks := s.locks[item.kind]
	lock := locks[maphash.String(s.seed, item.name)%uint64(len(locks))]
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

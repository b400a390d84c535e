// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"sync"
	"time"
)

// lookAgainInterval is how often the store is asked for one key's newest material, and how long that may take.
const lookAgainInterval = time.Second

// lookAgain is the key as it is now known, after a look at the store. Another process may have rotated the key a moment
// ago, and its ciphertext come here before its record. Ciphertexts that name any material are easily made up, so the store
// is asked once a second for each key, for all who wait for the answer; while it is away, what is in memory is all there is.
func (k *Key) lookAgain(ctx context.Context) (*Key, error) {
	err := k.live.looks.share(ctx, k.service.now(), func() {
		// The look is everybody's who waits, so it does not end with the request that happens to make it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookAgainInterval)
		defer cancel()
		_ = k.service.ring.Refresh(ctx, k.ID()) // what is in memory then is the answer
	})
	if err != nil {
		return nil, err
	}
	return k.service.Key(k.ID())
}

// looks are the looks at the store for one key. The zero value is ready.
type looks struct {
	mu       sync.Mutex
	last     time.Time     // when the latest one began
	underWay chan struct{} // closed when it ends; nil if none is under way
}

// share has one caller look, unless somebody did less than an interval ago, and the others wait until he has. It gives up
// waiting with the context.
func (l *looks) share(ctx context.Context, now time.Time, look func()) error {
	l.mu.Lock()
	if underWay := l.underWay; underWay != nil {
		l.mu.Unlock()
		select {
		case <-underWay:
			return nil
		case <-ctx.Done():
			return timedOut(ctx.Err())
		}
	}
	if !l.last.IsZero() && now.Sub(l.last) < lookAgainInterval {
		l.mu.Unlock()
		return nil
	}
	underWay := make(chan struct{})
	l.last, l.underWay = now, underWay
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.underWay = nil
		close(underWay)
	}()
	look()
	return nil
}

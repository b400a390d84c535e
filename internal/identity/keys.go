// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"
)

// How session keys come and go. What is true of a set at a time follows from the times at which its keys were made, so
// every replica that knows the set comes to the same answers by itself.
const (
	// KeyRotation is how old the youngest key becomes before another one is made.
	KeyRotation = 7 * 24 * time.Hour
	// KeyActivation is how long a new key is known before sessions are issued under it, so that every replica has read it
	// when the first of these sessions arrives. The first key of all is used at once.
	KeyActivation = 10 * time.Minute
	// MaxSession is the longest session, DurationSeconds' maximum.
	MaxSession = 12 * time.Hour
	// keyMargin is added to MaxSession before a key is dropped: more than clocks differ by, and more than a replica takes
	// to hear of the key's successor.
	keyMargin = time.Hour
)

const (
	keyIDSize      = 8  // bytes; an identifier is twice as many hex digits
	sessionKeySize = 32 // bytes
)

// KeySource keeps the session keys. It is safe for concurrent use.
type KeySource interface {
	// Keys is the set as far as it is known. It must not wait for anything: it is asked at every request.
	Keys() Keys
	// Refresh looks whether there is a key that Keys doesn't have. It is asked when a token names one, which anybody may
	// make up, so it bounds how often it really looks. An error means that it could not look.
	Refresh(ctx context.Context, keyID string) error
}

// Keys is a set of session keys. It is a value that never changes: methods that alter the set return another. So it is
// safe for concurrent use. The zero value is empty: nothing can be issued or looked up with it. It prints redacted.
type Keys struct {
	// byAge has the oldest first.
	byAge []sessionKey
}

type sessionKey struct {
	id      string
	created time.Time
	// reveal returns the bytes. It is a function because no printer, dumper or differ looks into one.
	reveal func() []byte
}

// NewKeys returns a set of one new random key.
func NewKeys(now time.Time) Keys { return Keys{}.add(newSessionKey(now)) }

func newSessionKey(now time.Time) sessionKey {
	random := make([]byte, keyIDSize+sessionKeySize)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	return hideKey(hex.EncodeToString(random[:keyIDSize]), now, random[keyIDSize:])
}

// hideKey takes ownership of key.
func hideKey(id string, created time.Time, key []byte) sessionKey {
	return sessionKey{id: id, created: created.UTC().Truncate(time.Second), reveal: func() []byte { return key }}
}

func (k Keys) add(key sessionKey) Keys {
	keys := append(slices.Clone(k.byAge), key)
	slices.SortFunc(keys, func(a, b sessionKey) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id))
	})
	return Keys{keys}
}

// IDs are the identifiers of all keys, the oldest key's first. They are random, tell nothing of the keys and may be shown.
func (k Keys) IDs() []string {
	ids := make([]string, len(k.byAge))
	for i, key := range k.byAge {
		ids[i] = key.id
	}
	return ids
}

// Has says whether a key is in the set.
func (k Keys) Has(id string) bool {
	_, ok := k.find(id)
	return ok
}

func (k Keys) find(id string) (sessionKey, bool) {
	for _, key := range k.byAge {
		if key.id == id {
			return key, true
		}
	}
	return sessionKey{}, false
}

// Current is the identifier of the key under which sessions are issued: the youngest that is old enough for every replica
// to know it, or else the oldest. It is empty for the empty set.
func (k Keys) Current(now time.Time) string {
	key, _ := k.current(now)
	return key.id
}

func (k Keys) current(now time.Time) (sessionKey, bool) {
	if len(k.byAge) == 0 {
		return sessionKey{}, false
	}
	for _, key := range slices.Backward(k.byAge) {
		if !key.activated().After(now) {
			return key, true
		}
	}
	return k.byAge[0], true
}

func (k sessionKey) activated() time.Time { return k.created.Add(KeyActivation) }

// Due says whether Rotate would change the set.
func (k Keys) Due(now time.Time) bool { return k.wantsKey(now) || k.retired(now) > 0 }

// Rotate returns the set with a new random key if the youngest is older than KeyRotation, and without the keys under which
// no session can be valid any more.
func (k Keys) Rotate(now time.Time) Keys {
	kept := Keys{k.byAge[k.retired(now):]}
	if k.wantsKey(now) {
		return kept.add(newSessionKey(now))
	}
	return kept
}

// wantsKey does not count a key from far in the future, which a wrong clock made: it would stop the rotation until then.
func (k Keys) wantsKey(now time.Time) bool {
	for _, key := range k.byAge {
		if age := now.Sub(key.created); age < KeyRotation && age > -keyMargin {
			return false
		}
	}
	return true
}

// retired is how many of the oldest keys are no longer needed. A key stops being current when the next one is activated;
// what was issued until then ends within MaxSession.
func (k Keys) retired(now time.Time) int {
	n := 0
	for n+1 < len(k.byAge) && now.After(k.byAge[n+1].activated().Add(MaxSession+keyMargin)) {
		n++
	}
	return n
}

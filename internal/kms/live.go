// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"sync"
	"sync/atomic"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/envelope"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// lives are what the service made of records that are in use, so as not to make it for each request again: the policy
// parsed and the material ready to compute with. By key ID.
type lives struct{ byKey sync.Map }

// live is that of one key.
type live struct {
	arn     string
	derived atomic.Pointer[derived]

	mu        sync.RWMutex // held for reading while material is used, so that it is not wiped meanwhile
	materials map[string]usable
	gone      bool // the key is: no material is taken any more

	publicKeys sync.Map // DER by material ID
	looks      looks    // at the store, for newer material
}

// usable is material ready to compute with.
type usable struct {
	material.Material
	// envelope is that of a symmetric key, nil for others.
	envelope *envelope.Key
}

// derived is what follows from one version of a record.
type derived struct {
	record *keyring.KeyRecord
	policy *policy.Document
}

// of returns what is known of the record's key, which is one of the service's, and whether that is nothing yet.
func (l *lives) of(s *Service, record *keyring.KeyRecord) (found *live, isNew bool) {
	known, ok := l.byKey.Load(record.KeyID)
	if !ok {
		var loaded bool
		known, loaded = l.byKey.LoadOrStore(record.KeyID, &live{
			arn: s.KeyARN(record.KeyID), materials: map[string]usable{},
		})
		isNew = !loaded
	}
	found, _ = known.(*live) // nothing else is in there
	return found, isNew
}

// follow lets go of what a changed record no longer has.
func (l *lives) follow(change keyring.Change) {
	known, _ := l.byKey.Load(change.KeyID)
	changed, ok := known.(*live)
	if !ok {
		return
	}
	if change.After == nil {
		l.byKey.CompareAndDelete(change.KeyID, changed)
	}
	changed.keep(change.After)
}

// forget lets go of a key that was destroyed while it was being looked up: the change that says so may have come before
// the live was there. Nobody would take it away any more.
func (l *lives) forget(keyID string, destroyed *live) {
	l.byKey.CompareAndDelete(keyID, destroyed)
	destroyed.keep(nil)
}

// keep wipes the material that the record, nil for none, has no longer.
func (l *live) keep(record *keyring.KeyRecord) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = l.gone || record == nil
	for id, m := range l.materials {
		if record != nil {
			if kept := record.Material(id); kept != nil && kept.Bytes != nil {
				continue
			}
		}
		m.Destroy()
		delete(l.materials, id)
		l.publicKeys.Delete(id)
	}
}

// policyOf is the record's key policy. One that does not parse cannot have been put by this program; it allows nobody
// anything.
func (l *live) policyOf(record *keyring.KeyRecord, byDefault *policy.Document) *policy.Document {
	if record.Policy == "" {
		return byDefault
	}
	known := l.derived.Load()
	if known != nil && known.record == record {
		return known.policy
	}
	var parsed *policy.Document
	if known != nil && known.record.Policy == record.Policy {
		parsed = known.policy
	} else if document, err := policy.Parse([]byte(record.Policy)); err == nil {
		parsed = document
	}
	l.derived.Store(&derived{record: record, policy: parsed})
	return parsed
}

// use calls do with one of the record's materials. It is keyring.ErrWiped if its bytes are gone.
func (l *live) use(record *keyring.KeyRecord, of *keyring.Material, do func(usable) error) error {
	l.mu.RLock()
	if m, ok := l.materials[of.ID]; ok {
		defer l.mu.RUnlock()
		return do(m)
	}
	l.mu.RUnlock()
	if of.Bytes == nil {
		return keyring.ErrWiped
	}
	if err := l.load(record, of); err != nil {
		return err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	m, ok := l.materials[of.ID]
	if !ok {
		return keyring.ErrWiped
	}
	return do(m)
}

func (l *live) load(record *keyring.KeyRecord, of *keyring.Material) error {
	return of.Bytes.Use(func(secret []byte) error {
		m, err := newUsable(record.Spec, secret)
		if err != nil {
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if _, ok := l.materials[of.ID]; ok || l.gone {
			m.Destroy()
			return nil
		}
		l.materials[of.ID] = m
		return nil
	})
}

func newUsable(spec keyspec.Spec, secret []byte) (m usable, err error) {
	if m.Material, err = material.Parse(spec, secret); err != nil || !spec.Symmetric() {
		return m, err
	}
	err = m.LendSymmetric(func(key []byte) error {
		m.envelope, err = envelope.NewKey(key)
		return err
	})
	if err != nil {
		m.Destroy()
		return usable{}, err
	}
	return m, nil
}

// publicKey is the public half of a material that is in use, as DER. It is computed once: for an RSA key that takes as long
// as a signature, and secp256k1's library does not compute it in constant time, so nobody is to have it done at will.
func (l *live) publicKey(m material.Material) ([]byte, error) {
	known, _ := l.publicKeys.Load(m.ID())
	if der, ok := known.([]byte); ok {
		return der, nil
	}
	der, err := m.PublicKey()
	if err != nil {
		return nil, err
	}
	l.publicKeys.Store(m.ID(), der)
	return der, nil
}

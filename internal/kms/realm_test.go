// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"errors"
	"sync"
	"testing"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

const accountID = "123456789012"

// The Regions of a realm.
const (
	north = "north"
	south = "south"
	west  = "west"
)

var regions = []string{north, south, west}

// realm is the stores of three Regions, in which processes are opened.
type realm struct {
	t      *testing.T
	roots  seal.RootKeys
	clock  *clocktesting.FakeClock
	stores map[string]*memstore.Store

	mu     sync.Mutex
	writes int // made so far
	lives  int // writes until the process dies; negative for never
	away   map[string]bool
	// meanwhile is what somebody else does before the next update of a record in a Region.
	meanwhile map[string]func()
}

var errDead = errors.New("the process died")

func newRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{
		t: t, roots: keyringtest.NewRoots(t), clock: clocktesting.NewFakeClock(begin), stores: map[string]*memstore.Store{},
		lives: -1, away: map[string]bool{}, meanwhile: map[string]func(){},
	}
	for _, region := range regions {
		r.stores[region] = &memstore.Store{Before: func(op memstore.Op, _ string) error { return r.before(region, op) }}
	}
	return r
}

func (r *realm) before(region string, op memstore.Op) error {
	if op == memstore.OpUpdate {
		r.mu.Lock()
		interfere := r.meanwhile[region]
		delete(r.meanwhile, region)
		r.mu.Unlock()
		if interfere != nil {
			interfere()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away[region] {
		return errors.New("the store is away")
	}
	if r.lives == 0 {
		return errDead
	}
	if op == memstore.OpCreate || op == memstore.OpUpdate || op == memstore.OpDelete {
		r.writes++
		if r.lives > 0 {
			r.lives--
		}
	}
	return nil
}

// dieAfter lets so many more writes through and nothing after them; negative: nothing dies.
func (r *realm) dieAfter(writes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes, r.lives = 0, writes
}

// cut makes the store of a Region unreachable, or reachable again.
func (r *realm) cut(region string, away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away[region] = away
}

// open is a process that serves all Regions.
func (r *realm) open() *process {
	r.t.Helper()
	return r.openOnly(regions...)
}

// openOnly is a process in which the other Regions are not open.
func (r *realm) openOnly(only ...string) *process {
	r.t.Helper()
	p := &process{
		t: r.t, services: map[string]*kms.Service{}, rings: map[string]*keyring.Keyring{}, partition: kms.NewPartition(),
	}
	for _, region := range only {
		p.add(r, region)
	}
	return p
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// Verb is a verb of backend.Backend.
type Verb string

// The verbs.
const (
	VerbIdentify         Verb = "Identify"
	VerbGet              Verb = "Get"
	VerbOwned            Verb = "Owned"
	VerbCreate           Verb = "Create"
	VerbApply            Verb = "Apply"
	VerbScheduleDeletion Verb = "ScheduleDeletion"
	VerbPublicKey        Verb = "PublicKey"
	VerbPolicy           Verb = "Policy"
	VerbGrants           Verb = "Grants"
	VerbImportMaterial   Verb = "ImportMaterial"
	VerbDeleteMaterial   Verb = "DeleteMaterial"
)

// Fault is a failure to come.
type Fault struct {
	Verb Verb
	// Field, with VerbApply, has only the changes of that field of Key.spec fail, in a *backend.ChangesError; the call goes on.
	Field string
	Err   error
	// Times is how many calls, or changes, fail; 0 means every one until Heal.
	Times int
	// AfterEffect lets the call do its work and loses the answer.
	AfterEffect bool

	hits int
}

// Inject makes calls fail as described, the oldest fault first.
func (f *Fake) Inject(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &fault)
}

// Heal ends every fault.
func (f *Fake) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Calls is how often a verb was called, failed calls included.
func (f *Fake) Calls(verb Verb) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[verb]
}

// call runs one verb with the fault that is due for it, if any.
func call[T any](ctx context.Context, f *Fake, verb Verb, do func() (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, &backend.Error{Class: backend.Unavailable, Message: err.Error(), Err: err}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[verb]++
	fault := f.due(verb, "")
	if fault == nil {
		return do()
	}
	if fault.AfterEffect {
		if _, err := do(); err != nil {
			return none, err
		}
	}
	return none, fault.Err
}

// changeWithFault makes one change of an Apply with the fault that is due for it, if any.
func (f *Fake) changeWithFault(key *fakeKey, change backend.Change) error {
	fault := f.due(VerbApply, change.Field())
	if fault == nil {
		return f.change(key, change)
	}
	if fault.AfterEffect {
		if err := f.change(key, change); err != nil {
			return err
		}
	}
	return fault.Err
}

func (f *Fake) due(verb Verb, field string) *Fault {
	for _, fault := range f.faults {
		if fault.Verb == verb && fault.Field == field && (fault.Times == 0 || fault.hits < fault.Times) {
			fault.hits++
			return fault
		}
	}
	return nil
}

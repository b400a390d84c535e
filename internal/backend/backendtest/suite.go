// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package backendtest is what every backend has to pass (Run), and a backend in memory that keeps state and fails on
// demand, for the tests of whatever uses backends (Fake).
package backendtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Subject is a backend under test and what can be done to it from outside.
type Subject struct {
	Backend backend.Backend
	// CreateOutside makes a symmetric key that no Key owns, with the tags given, and returns its ID.
	CreateOutside func(t *testing.T, tags map[string]string) string
	// Destroy makes the key vanish at once, as if its waiting window had passed.
	Destroy func(t *testing.T, keyID string)
	// Advance moves the backend's clock, and has what fell due by then done before it returns.
	Advance func(t *testing.T, by time.Duration)
	// Elsewhere is the backend of the same account in another Region, which Advance is about too. A Subject without it has to
	// list the tests of multi-Region keys in Lacking.
	Elsewhere backend.Backend
}

// Lacking are tests that the place under test cannot pass, by their names below Run's, and why: a double of AWS lacks this and
// that. They are listed in the log; what they show has to be shown on another place.
type Lacking map[string]string

// contractTest shows a part of the contract.
type contractTest struct {
	name string
	run  func(*testing.T, *fixture)
}

// Run holds the backends that newSubject makes against the contract of package backend; each test gets a fresh one.
func Run(t *testing.T, newSubject func(t *testing.T) Subject, lacking ...Lacking) {
	t.Helper()
	lacks := Lacking{}
	for _, some := range lacking {
		maps.Copy(lacks, some)
	}
	for _, name := range slices.Sorted(maps.Keys(lacks)) {
		t.Logf("not shown here: %s: %s", name, lacks[name])
	}
	tests := []contractTest{
		{"identifies itself", testIdentity},
		{"creates every key spec and usage", testSpecs},
		{"creates a key with all its settings", testCreateSettings},
		{"creates one key for one owner, however often it is asked", testCreateIdempotent},
		{"creates one key for one owner, when asked by many at once", testCreateConcurrent},
		{"finds a key by ID, ARN, alias and alias ARN", testGet},
		{"answers NotFound for what is not there", testNotFound},
		{"finds keys by owner", testOwned},
		{"changes the description and back", testDescription},
		{"changes tags and leaves the others", testTags},
		{"enables and disables", testEnable},
		{"turns rotation on, over and off", testRotationSettings},
		{"rotates on demand and keeps the key's name", testRotateOnDemand},
		{"rotates automatically on the date", testRotateAutomatically},
		{"rotates once when several dates passed", testRotateOverdue},
		{"gives and takes aliases", testAliases},
		{"refuses an alias that another key holds and does the rest", testAliasConflict},
		{"gives an alias to one of many who want it at once", testAliasRace},
		{"schedules deletion once", testScheduleDeletion},
		{"takes a key back from deletion", testCancelDeletion},
		{"destroys a key when its window has passed", testDeletionHappens},
		{"refuses what AWS refuses", testInvalid},
		{"creates a key with its policy", testPolicyAtCreation},
		{"gives a key without a policy one that lets nobody use it", testPolicyByDefault},
		{"replaces the policy and nothing else", testSetPolicy},
		{"replaces the policy in every key state", testSetPolicyInEveryState},
		{"takes a policy as large as AWS takes", testLargestPolicy},
		{"refuses a bad policy and does the rest", testPolicyRefused},
		{"creates no key with a bad policy", testCreatePolicyRefused},
		{"makes a grant once", granting(testGrantOnce)},
		{"makes a grant before the one it replaces goes", granting(testGrantReplaced)},
		{"revokes a grant and no other", granting(testGrantRevoked)},
		{"makes grants on enabled keys and revokes them on every key", granting(testGrantsInEveryState)},
		{"refuses a bad grant and does the rest", granting(testGrantRefused)},
		{"has no grants where there is no key", granting(testGrantsOfNoKey)},
		{"applies a change again without doing it twice", testApplyAgain},
		{"reaches any declared state and stays there", testConverges},
	}
	for _, test := range slices.Concat(tests, importTests, multiRegionTests) {
		if lacks.has(test.name) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			test.run(t, &fixture{Subject: newSubject(t), ctx: t.Context(), lacks: lacks, name: test.name})
			lacks.wantNone(t, func(name string) bool { return strings.HasPrefix(name, test.name+"/") })
		})
	}
	lacks.wantNone(t, func(name string) bool { return !strings.Contains(name, "/") })
}

// has says whether the test is to be left out, and takes it off the list: what stays there is the name of no test.
func (l Lacking) has(name string) bool {
	_, lacks := l[name]
	delete(l, name)
	return lacks
}

func (l Lacking) wantNone(t *testing.T, of func(name string) bool) {
	t.Helper()
	for name := range l {
		if of(name) {
			t.Errorf("there is no test named %q to be left out", name)
		}
	}
}

// fixture is one test's backend.
type fixture struct {
	Subject
	ctx   context.Context
	lacks Lacking
	name  string
}

// part runs a part of the test that may be left out.
func (f *fixture) part(t *testing.T, name string, run func(t *testing.T)) {
	t.Helper()
	if !f.lacks.has(f.name + "/" + name) {
		t.Run(name, run)
	}
}

func owner(name string) backend.Owner {
	return backend.Owner{Cluster: "c0ffee00-0000-4000-8000-000000000000", Namespace: "team", Name: name, UID: "uid-of-" + name}
}

func symmetric(name string) backend.CreateInput {
	return backend.CreateInput{Owner: owner(name), Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt}
}

func (f *fixture) create(t *testing.T, in backend.CreateInput) *backend.Key {
	t.Helper()
	key, err := f.Backend.Create(f.ctx, in)
	if err != nil {
		t.Fatalf("creating a key: %v", err)
	}
	return key
}

func (f *fixture) get(t *testing.T, ref string) *backend.Key {
	t.Helper()
	key, err := f.Backend.Get(f.ctx, ref)
	if err != nil {
		t.Fatalf("getting key %s: %v", ref, err)
	}
	return key
}

func (f *fixture) apply(t *testing.T, id string, changes ...backend.Change) *backend.Key {
	t.Helper()
	key, err := f.Backend.Apply(f.ctx, id, changes)
	if err != nil {
		t.Fatalf("applying %v: %v", changes, err)
	}
	return key
}

func wantClass(t *testing.T, err error, class backend.Class) {
	t.Helper()
	if got := backend.ClassOf(err); got != class {
		t.Errorf("error class = %q (%v), want %q", got, err, class)
	}
}

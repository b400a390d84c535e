// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const (
	account  = "111122223333"
	stranger = "444455556666"
	home     = "local"
	abroad   = "remote"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a partition of two accounts with two Regions each, and the executor in front of it.
type world struct {
	t         *testing.T
	executor  *operation.Executor
	partition *kms.Partition
	clock     *clocktesting.FakeClock
	events    *events
	stores    map[keyring.ID]*memstore.Store
	rings     map[keyring.ID]*keyring.Keyring // the last one opened on each store
	roots     seal.RootKeys
}

// events is a Recorder that keeps what it is given, or fails.
type events struct {
	mu   sync.Mutex
	all  []*audit.Event
	fail error
}

func (e *events) Record(_ context.Context, event *audit.Event) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
	return e.fail
}

// recorded is an event whose elements can be asked for by name.
type recorded struct {
	*audit.Event
	RequestParameters, AdditionalEventData object
}

func (e *events) last() recorded {
	e.mu.Lock()
	defer e.mu.Unlock()
	event := e.all[len(e.all)-1]
	return recorded{event, named(event.RequestParameters), named(event.AdditionalEventData)}
}

// named are the elements by name; nil for none.
func named(elements audit.Elements) object {
	if elements == nil {
		return nil
	}
	byName := object{}
	for _, element := range elements {
		byName[element.Name] = element.Value
	}
	return byName
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, partition: kms.NewPartition(), clock: clocktesting.NewFakeClock(begin), events: &events{},
		stores: map[keyring.ID]*memstore.Store{}, rings: map[keyring.ID]*keyring.Keyring{}, roots: keyringtest.NewRoots(t),
	}
	w.executor = &operation.Executor{
		Partition: w.partition, Recorder: w.events, Clock: w.clock, NewID: uuid.NewString,
	}
	for _, accountID := range []string{account, stranger} {
		for _, region := range []string{home, abroad} {
			id := keyring.ID{AccountID: accountID, Region: region}
			w.stores[id] = &memstore.Store{}
			w.partition.Add(w.open(id))
		}
	}
	return w
}

// open is a process: a service on a keyring of its own, on the store of the account and Region.
func (w *world) open(id keyring.ID) *kms.Service {
	w.t.Helper()
	ring := keyring.New(id, w.stores[id], w.roots, keyring.Options{})
	keyringtest.Start(w.t, ring)
	w.rings[id] = ring
	return kms.New(ring, w.clock, kms.Options{})
}

// as is a caller by ARN; the account's root user if it ends in :root.
func as(arn string) identity.Caller {
	principal, err := policy.NewPrincipal(arn)
	if err != nil {
		panic(err)
	}
	caller := identity.Caller{Principal: principal, Type: identity.IAMUser, PrincipalID: "AIDAEXAMPLE", AccessKeyID: "AKIAEXAMPLE"}
	switch {
	case arn == rootOf(account) || arn == rootOf(stranger):
		caller.Type = identity.Root
	case principal.SessionARN != "":
		caller.Type = identity.AssumedRole
		caller.Session = &identity.Session{Name: "session", IssuedAt: begin, Expires: begin.Add(time.Hour)}
	}
	return caller
}

func rootOf(accountID string) string { return "arn:aws:iam::" + accountID + ":root" }

func root() identity.Caller { return as(rootOf(account)) }

func user(name string) identity.Caller { return as("arn:aws:iam::" + account + ":user/" + name) }

// object is JSON as it goes over the wire; []byte are base64 there.
type object = map[string]any

// call carries out an operation in the home Region and returns the decoded answer.
func (w *world) call(caller identity.Caller, name string, in any) (object, error) {
	w.t.Helper()
	return w.callIn(home, caller, name, in)
}

func (w *world) callIn(region string, caller identity.Caller, name string, in any) (object, error) {
	w.t.Helper()
	op, ok := operation.Lookup(name)
	if !ok {
		w.t.Fatalf("there is no operation %s", name)
	}
	request, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := w.executor.Execute(w.t.Context(), operation.Call{
		Operation: op, Body: request, Caller: caller, Region: region, ID: uuid.NewString(),
		SourceIP: "10.0.0.7", UserAgent: "test", TLS: &audit.TLS{Version: "TLSv1.3"},
	})
	if err != nil {
		return nil, err
	}
	out := object{}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &out); err != nil {
			w.t.Fatalf("%s answered no JSON: %v", name, err)
		}
	}
	return out, nil
}

// must is call for what has to succeed.
func (w *world) must(caller identity.Caller, name string, in any) object {
	w.t.Helper()
	out, err := w.call(caller, name, in)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// refused is call for what has to fail with this code; it returns the message.
func (w *world) refused(caller identity.Caller, name string, in any, code kms.Code) string {
	w.t.Helper()
	out, err := w.call(caller, name, in)
	if err == nil {
		w.t.Fatalf("%s was carried out: %v", name, out)
	}
	var known *kms.Error
	if !errors.As(err, &known) || known.Code != code {
		w.t.Fatalf("%s: got %v, want %s", name, err, code)
	}
	return known.Message
}

// newKey makes a key of the account's root user directly at the service and returns its ID.
func (w *world) newKey(in kms.CreateKeyInput) string {
	w.t.Helper()
	key, err := w.partition.Service(account, home).CreateKey(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return key.KeyID
}

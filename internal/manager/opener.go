// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/software"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	kmskeyring "github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// opener opens the software backends that KMSBackends describe. KMSBackends with one account and region are doors to one
// keyring, which is open once.
type opener struct {
	ctx        context.Context // of the whole run: a keyring outlives the pass that opens it
	client     kubernetes.Interface
	options    Options
	clusterUID string
	partition  *kms.Partition // knows every open keyring

	mu     sync.Mutex
	open   map[keyring]*shared
	names  map[string]keyring
	closed func(name string) // nil while no controllers have the keyrings
}

// keyring is what tells one keyring from another.
type keyring struct{ accountID, region string }

// shared is a keyring and the KMSBackends that use it. users belongs to the opener's lock; backend, nil until the keyring
// is open, to the lock here, which is held while it is being opened: that may take as long as the API server does, and
// holds up only those that want the same keyring.
type shared struct {
	id      kmskeyring.ID
	rootKey string
	users   map[string]bool

	mu      sync.Mutex
	backend *software.Backend
	closed  bool // for good: who wants the keyring again makes another one of these
}

func newOpener(
	ctx context.Context, client kubernetes.Interface, o Options, clusterUID string, partition *kms.Partition,
) *opener {
	return &opener{
		ctx: ctx, client: client, options: o, clusterUID: clusterUID, partition: partition,
		open: map[keyring]*shared{}, names: map[string]keyring{},
	}
}

// Open implements kmsbackend.Opener, for KMSBackends with spec.software.
func (o *opener) Open(_ context.Context, object *v1alpha1.KMSBackend) (backend.Backend, error) {
	spec := object.Spec.Software
	id := keyring{accountID: spec.AccountID, region: spec.Region}
	if id.accountID == "" {
		id.accountID = software.DeriveAccountID(o.clusterUID)
	}
	rootKey := v1alpha1.DefaultRootKeySecret
	if spec.RootKey != nil && spec.RootKey.SecretRef != nil {
		rootKey = spec.RootKey.SecretRef.Name
	}

	has, err := o.enter(object.Name, id, rootKey)
	if err != nil {
		return nil, err
	}
	has.mu.Lock()
	defer has.mu.Unlock()
	if has.closed { // its last user left while this one waited
		return nil, &backend.Error{Class: backend.Unavailable, Message: "the keyring is being closed, and will be opened again"}
	}
	if has.backend != nil {
		return has.backend, nil
	}
	o.partition.Expect(has.id)
	opened, err := software.Open(o.ctx, software.Config{
		Client: o.client, Namespace: o.options.Namespace, ClusterUID: o.clusterUID,
		AccountID: id.accountID, Region: id.region, RootKeySecret: rootKey, Clock: o.options.Clock,
	})
	if err != nil {
		return nil, err
	}
	has.backend = opened
	o.partition.Add(opened.Service())
	return opened, nil
}

// enter has the KMSBackend use the keyring, and no other.
func (o *opener) enter(name string, id keyring, rootKey string) (*shared, error) {
	if o.wasAnother(name, id, rootKey) { // deleted and created again, and nobody heard of it in between
		o.Close(name)
	}
	return o.use(name, id, rootKey)
}

// wasAnother says whether the KMSBackend uses another keyring than this, or alone uses it with another root key.
func (o *opener) wasAnother(name string, id keyring, rootKey string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was, ok := o.names[name]
	if !ok || was != id {
		return ok
	}
	has := o.open[id]
	return has.rootKey != rootKey && len(has.users) == 1
}

// use enters the KMSBackend as a user of the keyring, if its root key is the one that the others name.
func (o *opener) use(name string, id keyring, rootKey string) (*shared, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	has := o.open[id]
	if has == nil {
		has = &shared{id: kmskeyring.ID{AccountID: id.accountID, Region: id.region}, rootKey: rootKey, users: map[string]bool{}}
		o.open[id] = has
	}
	if has.rootKey != rootKey {
		return nil, conflict(name, id, has, rootKey)
	}
	has.users[name] = true
	o.names[name] = id
	return has, nil
}

func conflict(name string, id keyring, has *shared, rootKey string) error {
	first := ""
	for user := range has.users {
		if user != name && (first == "" || user < first) {
			first = user
		}
	}
	return &backend.Error{
		Class: backend.InvalidInput, Reason: v1alpha1.ReasonBackendConflict,
		Message: fmt.Sprintf("KMSBackend %s serves account %s, region %s with the root key in Secret %s, and this one names Secret %s: "+
			"use the same root key, or another account or region", first, id.accountID, id.region, has.rootKey, rootKey),
	}
}

// Close implements kmsbackend.Opener. A keyring that nobody uses any more is closed, and the controllers are told: who closes it may
// hear of the end of a KMSBackend after they heard of the one that was created in its place, and opened that.
func (o *opener) Close(name string) {
	unused, closed := o.leave(name)
	if unused == nil {
		return
	}
	unused.close(o.partition)
	o.partition.Forget(unused.id)
	if closed != nil {
		closed(name)
	}
}

// onClose has closed called with the KMSBackend whose keyring was closed, in place of what was called before. It must not block.
func (o *opener) onClose(closed func(name string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = closed
}

// leave strikes the KMSBackend off the users of its keyring, and returns that when it was the last one, and who is to be told.
func (o *opener) leave(name string) (unused *shared, closed func(name string)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, ok := o.names[name]
	if !ok {
		return nil, nil
	}
	delete(o.names, name)
	has := o.open[id]
	delete(has.users, name)
	if len(has.users) > 0 {
		return nil, nil
	}
	delete(o.open, id)
	return has, o.closed
}

func (s *shared) close(partition *kms.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.backend != nil {
		partition.Remove(s.backend.Service())
		s.backend.Close()
	}
}

func (o *opener) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, has := range o.open {
		has.close(o.partition)
		delete(o.open, id)
	}
}

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
)

// opener opens the backends that KMSBackends describe. KMSBackends with one account and region are doors to one
// keyring, which is open once.
type opener struct {
	ctx        context.Context // of the whole run: a keyring outlives the pass that opens it
	client     kubernetes.Interface
	options    Options
	clusterUID string

	mu    sync.Mutex
	open  map[keyring]*shared
	names map[string]keyring
}

// keyring is what tells one keyring from another.
type keyring struct{ accountID, region string }

// shared is an open keyring and the KMSBackends that use it.
type shared struct {
	backend *software.Backend
	rootKey string
	users   map[string]bool
}

func newOpener(ctx context.Context, client kubernetes.Interface, o Options, clusterUID string) *opener {
	return &opener{
		ctx: ctx, client: client, options: o, clusterUID: clusterUID,
		open: map[keyring]*shared{}, names: map[string]keyring{},
	}
}

// Open implements kmsbackend.Opener.
func (o *opener) Open(_ context.Context, object *v1alpha1.KMSBackend) (backend.Backend, error) {
	spec := object.Spec.Software
	if spec == nil {
		return nil, &backend.Error{Class: backend.InvalidInput, Message: "spec: no kind of backend is set: set spec.software"}
	}
	id := keyring{accountID: spec.AccountID, region: spec.Region}
	if id.accountID == "" {
		id.accountID = software.DeriveAccountID(o.clusterUID)
	}
	rootKey := v1alpha1.DefaultRootKeySecret
	if spec.RootKey != nil && spec.RootKey.SecretRef != nil {
		rootKey = spec.RootKey.SecretRef.Name
	}

	o.mu.Lock()
	defer o.mu.Unlock()
	if has, ok := o.names[object.Name]; ok && has != id {
		o.release(object.Name)
	}
	if has := o.open[id]; has != nil {
		if has.rootKey != rootKey {
			return nil, conflict(object.Name, id, has, rootKey)
		}
		has.users[object.Name] = true
		o.names[object.Name] = id
		return has.backend, nil
	}
	opened, err := software.Open(o.ctx, software.Config{
		Client: o.client, Namespace: o.options.Namespace, ClusterUID: o.clusterUID,
		AccountID: id.accountID, Region: id.region, RootKeySecret: rootKey, Clock: o.options.Clock,
	})
	if err != nil {
		return nil, err
	}
	o.open[id] = &shared{backend: opened, rootKey: rootKey, users: map[string]bool{object.Name: true}}
	o.names[object.Name] = id
	return opened, nil
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

// Close implements kmsbackend.Opener.
func (o *opener) Close(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.release(name)
}

// release lets go of what the KMSBackend used, and closes a keyring that nobody uses any more.
func (o *opener) release(name string) {
	id, ok := o.names[name]
	if !ok {
		return
	}
	delete(o.names, name)
	has := o.open[id]
	delete(has.users, name)
	if len(has.users) == 0 {
		has.backend.Close()
		delete(o.open, id)
	}
}

func (o *opener) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, has := range o.open {
		has.backend.Close()
		delete(o.open, id)
	}
}

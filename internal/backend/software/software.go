// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package software is the backend on the built-in key management service: it puts package kms, its keyring in Secrets
// and its root key together, and speaks backend's language for them.
//
// A key's ID is derived from its owner's UID. Creating a key again, after a crash or in another process, therefore comes
// to the same record, whose name the API server gives out once: there is one key, and it is the one returned.
//
// Creating a key is one write to the API server, and so are all settings of an Apply together; each alias is one more. Of a
// multi-Region key each relative is a record of the keyring of its Region: making a replica is four writes, and what relatives
// share one for each of them. The Regions find each other in a kms.Partition, in which the services of their backends are.
// Reading is from memory.
package software

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/kubestore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootsecret"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// openTimeout bounds how long Open waits for the API server.
const openTimeout = 30 * time.Second

// Config says which keyring a Backend is, and where it is kept.
type Config struct {
	// Client needs get, list, watch, create, update, patch and delete on Secrets in Namespace. It is best one that
	// speaks protobuf.
	Client kubernetes.Interface
	// Namespace is the operator's; records and root key are Secrets there.
	Namespace string
	// ClusterUID is the UID of the namespace kube-system.
	ClusterUID string
	// AccountID is 12 digits; empty means DeriveAccountID of the cluster.
	AccountID string
	// Region is the region in ARNs.
	Region string
	// RootKeySecret is the name of the Secret with the root key.
	RootKeySecret string
	// Clock tells when rotations and deletions are due.
	Clock clock.Clock
}

// Backend is the software KMS as a backend. It is safe for concurrent use.
type Backend struct {
	config  Config
	ring    *keyring.Keyring
	service *kms.Service
	source  *rootsecret.Source

	cancel  context.CancelFunc // of what runs in the background
	running sync.WaitGroup
	closed  atomic.Bool

	mu   sync.Mutex // held while the root key's Secret is read or written and its content taken over
	root rootsecret.Content
}

var (
	_ backend.Backend = (*Backend)(nil)
	_ backend.Watcher = (*Backend)(nil)
	_ backend.Sealed  = (*Backend)(nil)
	_ backend.Granter = (*Backend)(nil)
)

// Open loads the keyring and starts what runs in the background, which ends with Close and not with ctx. The root key is
// made if it is missing and nothing needs one. Otherwise the error has a cause that says what is wrong with it:
// *RootKeyMissingError, *RootKeyInvalidError or *RootKeyMismatchError. It takes half a minute at most.
func Open(ctx context.Context, config Config) (*Backend, error) {
	if config.AccountID == "" {
		config.AccountID = DeriveAccountID(config.ClusterUID)
	}
	id := keyring.ID{AccountID: config.AccountID, Region: config.Region}
	store := kubestore.New(kubestore.Config{
		Client: config.Client, Namespace: config.Namespace, Keyring: id, RootKeySecret: config.RootKeySecret,
	})
	b := &Backend{config: config, source: &rootsecret.Source{
		Client: config.Client, Namespace: config.Namespace, Name: config.RootKeySecret, Clock: config.Clock,
	}}
	background := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	var err error
	if b.root, err = b.source.Ensure(ctx, store.RecordsExist); err != nil {
		return nil, rootKeyError(err)
	}
	b.ring = keyring.New(id, store, b.root.Keys, keyring.Options{Owner: ownerLabel, ReloadRootKeys: b.reload})
	b.service = kms.New(b.ring, config.Clock, kms.Options{
		DefaultPolicy: b.operatorPolicy(), NamespacedRoles: true,
	})
	b.start(background)
	if err := b.load(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Backend) start(ctx context.Context) {
	ctx, b.cancel = context.WithCancel(ctx)
	b.running.Go(func() { _ = b.ring.Run(ctx) }) // ends with the context, for no other reason
	b.running.Go(func() { b.service.Run(ctx) })
}

// load waits until the records are in memory, and looks whether the root key is theirs.
func (b *Backend) load(ctx context.Context) error {
	if err := b.ring.WaitSynced(ctx); err != nil {
		return &backend.Error{
			Class: backend.Unavailable, Err: fmt.Errorf("loading keyring %s: %w", b.ring.ID(), err),
			Message: "the key records could not be read from the API server",
		}
	}
	if len(b.ring.RootKeysInUse()) > 0 {
		return nil
	}
	// Not a single record opens. If one needs another root key, the Secret is the wrong one, and not the record.
	if need := b.rootKeysMissing(); len(need) > 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		return rootKeyError(b.mismatch(need, b.root.Keys))
	}
	return nil
}

// Close ends what runs in the background and waits for its end. The backend must not be used any more.
func (b *Backend) Close() {
	b.closed.Store(true)
	b.cancel()
	b.running.Wait()
}

// Identify implements backend.Backend.
func (b *Backend) Identify(context.Context) (backend.Identity, error) {
	if b.closed.Load() {
		return backend.Identity{}, &backend.Error{Class: backend.Unavailable, Message: "the backend is closed"}
	}
	return backend.Identity{
		AccountID: b.config.AccountID,
		Region:    b.config.Region,
		CallerARN: b.callerARN(), PrincipalARN: b.callerARN(), NamesServiceAccounts: true,
	}, nil
}

// Service is the key management service of the keyring, for those who serve it to clients.
func (b *Backend) Service() *kms.Service { return b.service }

// callerARN is the operator's own role: that of its ServiceAccount.
func (b *Backend) callerARN() string {
	return "arn:aws:iam::" + b.config.AccountID + ":role/" + b.config.Namespace + "/chatelaine-manager"
}

// operatorPolicy is the policy of keys for which nobody has said who may use them: only the operator may administer them.
func (b *Backend) operatorPolicy() *policy.Document {
	return policy.BaseDocument(b.callerARN(), b.config.AccountID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package backend is what controllers know of a place where keys live: one small interface, domain types in AWS KMS's
// terms, and a closed set of error classes. It knows no SDK and no Kubernetes client.
//
// Contract of every implementation (shown by package backendtest):
//
//   - Every verb is idempotent: carried out again after a lost answer, it does nothing twice.
//   - A verb that fails returns an *Error, whose Class says what the caller can do about it.
//   - What a verb returns is at least as new as the effect of every earlier verb that this process saw succeed.
package backend

import (
	"context"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Backend is a place where keys live: an AWS account and region, or a keyring of the software KMS.
type Backend interface {
	// Identify says in whose name the backend acts. It fails when the backend cannot be used, saying why.
	Identify(ctx context.Context) (Identity, error)

	// Get returns the key that ref names: a key ID, a key ARN, an alias name or an alias ARN. NotFound when there is
	// none; Damaged when there is one that cannot be read.
	Get(ctx context.Context, ref string) (*Key, error)

	// Owned returns every key whose owner tags name owner's cluster, namespace and name, whatever the UID and state,
	// the oldest first; none is no error. Damaged when one that may be the owner's cannot be read.
	Owned(ctx context.Context, owner Owner) ([]*Key, error)

	// Create makes the key described and tags it with its owner. Called again with the same owner, UID included, it
	// returns the key made before and changes nothing about it. A setting that the backend does not take at creation
	// (an alias, say) is left to a later Apply: the caller compares what is returned with what it wants.
	Create(ctx context.Context, in CreateInput) (*Key, error)

	// Apply makes the changes in the order given and returns the key as it is afterwards. A change that fails does not
	// hold up the others; the error then is a *ChangesError naming each that failed, and the key is returned too.
	Apply(ctx context.Context, keyID string, changes []Change) (*Key, error)

	// ScheduleDeletion schedules the key's deletion after windowInDays (7 to 30) and returns its time, which is zero for a
	// multi-Region primary with replicas: its window begins when they are gone. A key that is pending deletion already keeps
	// its time. NotFound when the key is gone.
	ScheduleDeletion(ctx context.Context, keyID string, windowInDays int) (time.Time, error)

	// PublicKey returns the key's public key as DER SubjectPublicKeyInfo. InvalidInput for a key that has none.
	PublicKey(ctx context.Context, keyID string) ([]byte, error)

	// Policy returns the key policy in force, as the backend writes it: AWS rewrites what it was given, so it is to be
	// compared with policy.Compare and not as text. NotFound when the key is gone.
	Policy(ctx context.Context, keyID string) (string, error)
}

// Watcher is a capability of backends that can tell when a key changed.
type Watcher interface {
	// Watch calls changed with the owner of each key that changed, came or went, whoever did it, until the returned
	// function is called. Keys without an owner of this cluster are left out. changed must not block.
	Watch(changed func(Owner)) (stop func())
}

// Verifier is a capability of backends that keep what they know of keys, and learn late what others did to them.
type Verifier interface {
	// Verify reads all of the key anew. What Get and Policy return is at least as new from then on. NotFound when the key
	// is gone.
	Verify(ctx context.Context, keyID string) error

	// Verified is when all of the key was last read; false when not all of it is known.
	Verified(keyID string) (at time.Time, known bool)
}

// Identity is in whose name a backend acts.
type Identity struct {
	// AccountID is the AWS account ID, 12 digits.
	AccountID string
	// Region is the AWS region, or the software KMS's name for its own.
	Region string
	// CallerARN is the operator's own identity there, as it calls: on AWS often the ARN of a session.
	CallerARN string
	// PrincipalARN is the IAM role or user behind CallerARN: whom a key policy names to let the operator in.
	PrincipalARN string
	// NamesServiceAccounts says that a ServiceAccount is a principal there by itself, as role/NAMESPACE/NAME. Otherwise it
	// is one by the IAM role in its annotation eks.amazonaws.com/role-arn.
	NamesServiceAccounts bool
}

// State is a key's state in AWS KMS's terms.
type State string

// The states that controllers tell apart; any other is passed through as AWS names it.
const (
	StateEnabled         State = "Enabled"
	StateDisabled        State = "Disabled"
	StatePendingDeletion State = "PendingDeletion"
	// StatePendingImport is that of a key of OriginExternal without its key material.
	StatePendingImport State = "PendingImport"
	// StateCreating and StateUpdating pass by themselves: the key is a replica that is being made, or its primary changes.
	StateCreating State = "Creating"
	StateUpdating State = "Updating"
	// StateUnavailable is that of a key whose custom key store does not answer.
	StateUnavailable State = "Unavailable"
)

// Key is a key as it was seen at the backend.
type Key struct {
	ID          string
	ARN         string
	Spec        keyspec.Spec
	Usage       keyspec.Usage
	Origin      Origin
	State       State
	Description string
	// Tags are all of the key's tags, owner tags included.
	Tags map[string]string
	// Aliases are all of the key's aliases, sorted, each beginning with alias/.
	Aliases  []string
	Rotation Rotation
	// CreationTime is when the key was made.
	CreationTime time.Time
	// DeletionTime is when the key will be destroyed; zero unless the state is PendingDeletion.
	DeletionTime time.Time
	// ExpirationTime is when imported key material expires and is deleted; zero if it never does, or is not there.
	ExpirationTime time.Time
	// MultiRegion says where a multi-Region key is; nil for a key of one Region. It must not be changed.
	MultiRegion *MultiRegion
	// Store says in which custom key store the key is; zero for a key in none.
	Store CustomKeyStore
}

// Rotation is a key's rotation as it was seen at the backend. Times that have no meaning are zero.
type Rotation struct {
	// Enabled says whether automatic rotation is on.
	Enabled bool
	// PeriodInDays between automatic rotations; 0 when it is off.
	PeriodInDays int
	// NextTime of automatic rotation; in the past when the rotation is overdue.
	NextTime time.Time
	// LastTime of any rotation.
	LastTime time.Time
	// LastOnDemandTime is the time of the last rotation on demand.
	LastOnDemandTime time.Time
	// OnDemandCount is the number of rotations on demand so far, one that waits included.
	OnDemandCount int
	// AwaitedRegions are the Regions, sorted, that a rotation waits for which has begun: the replicas there are to have the new
	// material before any relative uses it. It is carried out by itself when they have it; no other one begins until then.
	AwaitedRegions []string
}

// CreateInput describes a key to make.
type CreateInput struct {
	// Owner, with its UID, makes the call idempotent.
	Owner Owner
	Spec  keyspec.Spec
	Usage keyspec.Usage
	// Origin is OriginAWSKMS if empty. A key of OriginExternal has no key material until it is imported, and is not Disabled
	// whatever is asked for.
	Origin      Origin
	Description string
	// Tags besides the owner's.
	Tags map[string]string
	// Disabled asks for a key that is disabled from the start.
	Disabled bool
	// RotationPeriodInDays turns automatic rotation on; 0 leaves it off.
	RotationPeriodInDays int
	// Policy is the key policy. Empty: the one that the backend gives keys for which nobody has said who may use them.
	Policy string
	// MultiRegion makes a multi-Region primary key.
	MultiRegion bool
	// Store is the custom key store for the key, with OriginCloudHSM and OriginExternalKeyStore.
	Store CustomKeyStore
}

// CustomKeyStore is where the material of a key is that AWS KMS does not keep itself.
type CustomKeyStore struct {
	// ID of the custom key store.
	ID string
	// XksKeyID is the ID of the key in an external key store, for OriginExternalKeyStore.
	XksKeyID string
}

// String says in words where the key is.
func (s CustomKeyStore) String() string {
	switch {
	case s.ID == "":
		return "no custom key store"
	case s.XksKeyID == "":
		return "custom key store " + s.ID
	default:
		return "custom key store " + s.ID + " with external key " + s.XksKeyID
	}
}

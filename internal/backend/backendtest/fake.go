// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// Fake is a backend in memory: one Region of an account. It keeps state, passes Run, and fails on demand (Inject). Safe for
// concurrent use.
type Fake struct {
	*fakeWorld
	region  string
	keys    map[string]*fakeKey
	aliases map[string]string // to key ID
	faults  []*Fault
	calls   map[Verb]int
	// puts counts replacements of key policies.
	puts int
	// away says that the Region is not open: the keys here get nothing from their primaries.
	away bool
	// slow says that replicas made here stay in StateCreating.
	slow bool
	// namesServiceAccounts is Identity's.
	namesServiceAccounts bool
}

// fakeWorld is what the Regions of an account have in common. Its lock is that of all of them.
type fakeWorld struct {
	mu      sync.Mutex
	now     time.Time
	regions map[string]*Fake
	// rolesGone are the ARNs of roles that do not exist; all others do.
	rolesGone map[string]bool
}

type fakeKey struct {
	backend.Key // without Rotation and MultiRegion, which follow from what is shared
	*shared
	policy string
	grants []backend.Grant
	// imported says that imported material is there.
	imported bool
	// window is how many days a primary is kept after the end of its replicas; 0 unless it is to be deleted.
	window int
}

// shared is what the relatives of a multi-Region key have in common.
type shared struct {
	// primary is the Region of the primary; empty for a key of one Region.
	primary           string
	rotation          backend.Rotation
	rotationEnabledAt time.Time
	lastAutomatic     time.Time
	// rotating says that a rotation on demand waits for a Region.
	rotating bool
	public   []byte
	// materialID is that of the material that was imported first, whether or not it is there.
	materialID string
}

const (
	fakeAccount = "111122223333"
	fakeRegion  = "fake-1"
	// fakeOperator is in whose name the Fake is called.
	fakeOperator = "arn:aws:iam::" + fakeAccount + ":role/operator"
)

// NewFake returns a Fake without keys whose clock stands at now.
func NewFake(now time.Time) *Fake {
	world := &fakeWorld{now: now, regions: map[string]*Fake{}, rolesGone: map[string]bool{}}
	return world.open(fakeRegion)
}

// open is the Region's Fake; the lock is held, or nobody else knows of the world.
func (w *fakeWorld) open(region string) *Fake {
	if w.regions[region] == nil {
		w.regions[region] = &Fake{
			fakeWorld: w, region: region, keys: map[string]*fakeKey{}, aliases: map[string]string{}, calls: map[Verb]int{},
		}
	}
	return w.regions[region]
}

// Identify implements backend.Backend.
func (f *Fake) Identify(ctx context.Context) (backend.Identity, error) {
	return call(ctx, f, VerbIdentify, func() (backend.Identity, error) {
		return backend.Identity{
			AccountID: fakeAccount, Region: f.region, CallerARN: "arn:aws:sts::" + fakeAccount + ":assumed-role/operator/session",
			PrincipalARN: fakeOperator, NamesServiceAccounts: f.namesServiceAccounts,
		}, nil
	})
}

// Get implements backend.Backend.
func (f *Fake) Get(ctx context.Context, ref string) (*backend.Key, error) {
	return call(ctx, f, VerbGet, func() (*backend.Key, error) {
		id := strings.TrimPrefix(ref, f.arn(""))
		if alias := ref[strings.LastIndex(ref, ":")+1:]; strings.HasPrefix(alias, "alias/") {
			id = f.aliases[alias]
		}
		key, err := f.find(id)
		if err != nil {
			return nil, err
		}
		return f.view(key), nil
	})
}

// Owned implements backend.Backend.
func (f *Fake) Owned(ctx context.Context, owner backend.Owner) ([]*backend.Key, error) {
	return call(ctx, f, VerbOwned, func() ([]*backend.Key, error) {
		var owned []*backend.Key
		for _, key := range f.keys {
			if holder, ok := backend.OwnerFromTags(key.Tags); ok && holder.Same(owner) {
				owned = append(owned, f.view(key))
			}
		}
		slices.SortFunc(owned, func(a, b *backend.Key) int { return a.CreationTime.Compare(b.CreationTime) })
		return owned, nil
	})
}

// Create implements backend.Backend.
func (f *Fake) Create(ctx context.Context, in backend.CreateInput) (*backend.Key, error) {
	return call(ctx, f, VerbCreate, func() (*backend.Key, error) {
		usage, err := keyspec.Check(in.Spec, in.Usage)
		if err != nil {
			return nil, invalid("%v", err)
		}
		for _, key := range f.keys {
			if holder, ok := backend.OwnerFromTags(key.Tags); ok && holder == in.Owner {
				return f.view(key), nil
			}
		}
		key, err := f.newKey(in, usage)
		if err != nil {
			return nil, err
		}
		f.keys[key.ID] = key
		return f.view(key), nil
	})
}

// newKey is the key described, which nobody knows yet.
func (f *Fake) newKey(in backend.CreateInput, usage keyspec.Usage) (*fakeKey, error) {
	if err := checkStore(in); err != nil {
		return nil, err
	}
	key := &fakeKey{shared: &shared{}, Key: backend.Key{
		ID: newID(), Spec: in.Spec, Usage: usage, Origin: in.Origin.Or(), State: backend.StateEnabled, Description: in.Description,
		Tags: in.Owner.TagsWith(in.Tags), CreationTime: f.now, Store: in.Store,
	}}
	if in.MultiRegion {
		key.ID, key.primary = "mrk-"+strings.ReplaceAll(key.ID, "-", ""), f.region
	}
	key.ARN = f.arn(key.ID)
	if err := f.createPolicy(key, in.Policy); err != nil {
		return nil, err
	}
	if in.Disabled {
		key.State = backend.StateDisabled
	}
	if key.Origin == backend.OriginExternal {
		key.State = backend.StatePendingImport
	}
	f.setRotation(key, in.RotationPeriodInDays)
	return key, nil
}

// Apply implements backend.Backend.
func (f *Fake) Apply(ctx context.Context, keyID string, changes []backend.Change) (*backend.Key, error) {
	return call(ctx, f, VerbApply, func() (*backend.Key, error) {
		key, err := f.find(keyID)
		if err != nil {
			return nil, err
		}
		var failed []backend.ChangeError
		for _, change := range changes {
			if err := f.changeWithFault(key, change); err != nil {
				failed = append(failed, backend.ChangeError{Change: change, Err: err})
			}
		}
		if len(failed) > 0 {
			return f.view(key), &backend.ChangesError{Failed: failed}
		}
		return f.view(key), nil
	})
}

// ScheduleDeletion implements backend.Backend.
func (f *Fake) ScheduleDeletion(ctx context.Context, keyID string, windowInDays int) (time.Time, error) {
	return call(ctx, f, VerbScheduleDeletion, func() (time.Time, error) {
		key, err := f.find(keyID)
		if err != nil {
			return time.Time{}, err
		}
		if windowInDays < 7 || windowInDays > 30 {
			return time.Time{}, invalid("the waiting window must be 7 to 30 days, not %d", windowInDays)
		}
		if key.State == backend.StateCreating {
			return time.Time{}, &backend.Error{Class: backend.NotReady, Message: key.ARN + " is being created."}
		}
		if key.State != backend.StatePendingDeletion {
			key.State, key.window = backend.StatePendingDeletion, windowInDays
			f.beginWindow(key)
		}
		return key.DeletionTime, nil
	})
}

// PublicKey implements backend.Backend.
func (f *Fake) PublicKey(ctx context.Context, keyID string) ([]byte, error) {
	return call(ctx, f, VerbPublicKey, func() ([]byte, error) {
		key, err := f.find(keyID)
		if err != nil {
			return nil, err
		}
		if !key.Spec.HasPublicKey() {
			return nil, invalid("key %s is %s, which has no public key", key.ID, key.Spec)
		}
		if key.public == nil {
			made, err := material.Generate(key.Spec)
			if err != nil {
				return nil, err
			}
			if key.public, err = made.PublicKey(); err != nil {
				return nil, err
			}
		}
		return slices.Clone(key.public), nil
	})
}

func (f *Fake) find(id string) (*fakeKey, error) {
	if key, ok := f.keys[id]; ok {
		return key, nil
	}
	return nil, &backend.Error{Class: backend.NotFound, Message: fmt.Sprintf("Key %q does not exist", id)}
}

// view is the key as a caller gets it: a copy, with its aliases.
func (f *Fake) view(key *fakeKey) *backend.Key {
	seen := key.Key
	seen.Tags = maps.Clone(key.Tags)
	for alias, id := range f.aliases {
		if id == key.ID {
			seen.Aliases = append(seen.Aliases, alias)
		}
	}
	slices.Sort(seen.Aliases)
	seen.MultiRegion = f.relatives(key)
	seen.Rotation = key.rotation
	seen.Rotation.AwaitedRegions = f.awaited(key)
	if seen.Rotation.Enabled {
		seen.Rotation.NextTime = lifecycle.NextRotation(key.rotationEnabledAt, key.lastAutomatic, int32(seen.Rotation.PeriodInDays))
	}
	return &seen
}

func (f *Fake) arn(id string) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", f.region, fakeAccount, id)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func invalid(format string, args ...any) error {
	return &backend.Error{Class: backend.InvalidInput, Message: fmt.Sprintf(format, args...)}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// change makes one change, by AWS's rules as far as controllers can run into them.
func (f *Fake) change(key *fakeKey, change backend.Change) error {
	switch c := change.(type) {
	case backend.CancelDeletion:
		if key.State == backend.StatePendingDeletion {
			key.State, key.DeletionTime, key.window = backend.StateDisabled, time.Time{}, 0
			if key.Origin == backend.OriginExternal && !key.imported {
				key.State = backend.StatePendingImport
			}
		}
		return nil
	case backend.PutAlias:
		return f.putAlias(key, c.Name)
	case backend.RemoveAlias:
		if f.aliases[c.Name] == key.ID {
			delete(f.aliases, c.Name)
		}
		return nil
	case backend.SetPolicy:
		return f.putPolicy(key, c.Document)
	case backend.PutGrant:
		return f.putGrant(key, c)
	case backend.RevokeGrant:
		key.revokeGrant(c.ID)
		return nil
	case backend.Replicate:
		return f.replicate(key, c)
	case backend.UpdatePrimaryRegion:
		return f.updatePrimaryRegion(key, c)
	}
	if key.State == backend.StateCreating {
		return &backend.Error{Class: backend.NotReady, Message: key.ARN + " is being created."}
	}
	if key.State == backend.StatePendingDeletion {
		return invalid("%s is pending deletion.", key.ARN)
	}
	return f.changeRecord(key, change)
}

func (f *Fake) changeRecord(key *fakeKey, change backend.Change) error {
	switch c := change.(type) {
	case backend.Enable:
		return key.turn(backend.StateEnabled)
	case backend.Disable:
		return key.turn(backend.StateDisabled)
	case backend.SetDescription:
		if len([]rune(c.To)) > 8192 {
			return invalid("a description has at most 8192 characters")
		}
		key.Description = c.To
	case backend.SetTags:
		return setTags(key, c.Tags)
	case backend.RemoveTags:
		for _, tag := range c.Keys {
			delete(key.Tags, tag)
		}
	case backend.SetRotation:
		return f.changeRotation(key, c.ToDays)
	case backend.Rotate:
		if err := f.checkPrimary(key); err != nil {
			return err
		}
		if last := key.rotation.LastOnDemandTime; !c.RequestedAt.IsZero() && !last.Before(c.RequestedAt) {
			return nil
		}
		return f.rotate(key)
	default:
		return invalid("unknown change %T", change)
	}
	return nil
}

// turn enables or disables a key.
func (k *fakeKey) turn(state backend.State) error {
	if k.State == backend.StatePendingImport {
		return &backend.Error{Class: backend.NotReady, Message: k.ARN + " is pending import."}
	}
	k.State = state
	return nil
}

func setTags(key *fakeKey, tags map[string]string) error {
	for k, v := range tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(k, "aws:") {
			return invalid("tag %.140q cannot be set", k)
		}
	}
	all := map[string]string{}
	maps.Copy(all, key.Tags)
	maps.Copy(all, tags)
	if len(all) > 50 {
		return invalid("a key has at most 50 tags")
	}
	key.Tags = all
	return nil
}

func (f *Fake) putAlias(key *fakeKey, name string) error {
	if !strings.HasPrefix(name, "alias/") || strings.HasPrefix(name, "alias/aws/") {
		return invalid("alias %q is not possible", name)
	}
	if holder, held := f.aliases[name]; held && holder != key.ID {
		return &backend.Error{Class: backend.Conflict, Message: fmt.Sprintf("alias %s is held by key %s", name, holder)}
	}
	f.aliases[name] = key.ID
	return nil
}

func (f *Fake) changeRotation(key *fakeKey, days int) error {
	if err := f.checkPrimary(key); err != nil {
		return err
	}
	if key.State != backend.StateEnabled {
		return invalid("%s is disabled.", key.ARN)
	}
	if days != 0 && (days < 90 || days > 2560 || key.Spec != keyspec.SymmetricDefault || key.Store.ID != "") {
		return invalid("rotation every %d days is not possible for %s", days, key.Spec)
	}
	f.setRotation(key, days)
	return nil
}

func (f *Fake) setRotation(key *fakeKey, days int) {
	if !key.rotation.Enabled && days > 0 {
		key.rotationEnabledAt = f.now
	}
	key.rotation.Enabled, key.rotation.PeriodInDays = days > 0, days
}

func (f *Fake) rotate(key *fakeKey) error {
	if key.rotation.OnDemandCount >= 25 {
		return invalid("the on-demand rotations limit has been reached")
	}
	if key.rotating {
		return &backend.Error{Class: backend.Conflict, Message: "a rotation of " + key.ARN + " is in progress."}
	}
	key.rotation.OnDemandCount++
	key.rotating = true
	f.completeRotation(key)
	return nil
}

// completeRotation ends a rotation that has begun, if it waits for no Region.
func (f *Fake) completeRotation(key *fakeKey) {
	if key.rotating && f.checkPrimary(key) == nil && len(f.awaited(key)) == 0 {
		key.rotating = false
		key.rotation.LastTime, key.rotation.LastOnDemandTime = f.now, f.now
	}
}

// Advance moves the clock, and does what fell due by then, in all Regions of the account.
func (f *Fake) Advance(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(by)
	for _, there := range f.regions {
		there.destroyDue()
	}
	for _, there := range f.regions {
		for _, key := range there.keys {
			there.attend(key)
		}
	}
}

// destroyDue destroys the keys whose window has passed. A primary that waits for its replicas has no date.
func (f *Fake) destroyDue() {
	for id, key := range f.keys {
		if key.State == backend.StatePendingDeletion && !key.DeletionTime.IsZero() && !key.DeletionTime.After(f.now) {
			f.destroy(id)
		}
	}
}

// attend does what is due to a key that stays.
func (f *Fake) attend(key *fakeKey) {
	if !key.ExpirationTime.IsZero() && !key.ExpirationTime.After(f.now) {
		key.dropMaterial()
	}
	next := lifecycle.NextRotation(key.rotationEnabledAt, key.lastAutomatic, int32(key.rotation.PeriodInDays))
	if key.rotation.Enabled && key.State == backend.StateEnabled && f.checkPrimary(key) == nil && !next.After(f.now) {
		key.lastAutomatic, key.rotation.LastTime = f.now, f.now
	}
}

// destroy removes a key. The window of a primary begins with the end of its last replica.
func (f *Fake) destroy(id string) {
	delete(f.keys, id)
	maps.DeleteFunc(f.aliases, func(_, holder string) bool { return holder == id })
	for _, there := range f.regions {
		if primary := there.keys[id]; primary != nil && primary.State == backend.StatePendingDeletion && primary.DeletionTime.IsZero() {
			there.beginWindow(primary)
		}
	}
}

// Destroy makes a key vanish at once, as somebody outside could.
func (f *Fake) Destroy(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.destroy(id)
}

// Meddle makes a change as somebody outside could, past any fault; it reports whether that was possible.
func (f *Fake) Meddle(id string, change backend.Change) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, ok := f.keys[id]
	return ok && f.change(key, change) == nil
}

// CreateOutside makes a symmetric key with the tags given and no owner tags of its own, and returns its ID.
func (f *Fake) CreateOutside(tags map[string]string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := &fakeKey{shared: &shared{}, Key: backend.Key{
		ID: newID(), Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt, Origin: backend.OriginAWSKMS, State: backend.StateEnabled,
		Tags: maps.Clone(tags), CreationTime: f.now,
	}, policy: policy.Default(fakeAccount).String()}
	key.ARN = f.arn(key.ID)
	f.keys[key.ID] = key
	return key.ID
}

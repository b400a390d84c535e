// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"fmt"
	"maps"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// Apply implements backend.Backend. Each change is a call, or two where it has to be looked at what is there. Where it fails, the key
// that is returned has all aliases and tags that it may have by then: whoever remembers them can take back what is not wanted later.
func (b *Backend) Apply(ctx context.Context, keyID string, changes []backend.Change) (*backend.Key, error) {
	before, doubted := b.view.doubted(keyID)
	if !doubted {
		var err error
		if before, err = b.Get(ctx, keyID); err != nil {
			return nil, err
		}
	}
	unlock, err := b.locks.lock(ctx, keyID)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var failed []backend.ChangeError
	for _, change := range changes {
		err := b.unlessNew(b.apply(ctx, before, change), keyID)
		if backend.IsNotFound(err) {
			return nil, err
		}
		if err != nil {
			failed = append(failed, backend.ChangeError{Change: change, Err: err})
		}
	}
	after, ok := b.view.any(keyID)
	if !ok { // a sweep found it gone meanwhile
		return nil, &backend.Error{Class: backend.NotFound, Message: b.missing(keyID)}
	}
	if len(failed) > 0 {
		return after, &backend.ChangesError{Failed: failed}
	}
	return after, nil
}

// apply makes one change.
func (b *Backend) apply(ctx context.Context, key *backend.Key, change backend.Change) error {
	switch c := change.(type) {
	case backend.CancelDeletion:
		return b.cancelDeletion(ctx, key.ID)
	case backend.Enable:
		_, err := write(ctx, b, key.ID, inMetadata, "EnableKey", b.clients.kms.EnableKey, &kms.EnableKeyInput{KeyId: &key.ID})
		return b.wroteState(key.ID, backend.StateEnabled, err)
	case backend.Disable:
		_, err := write(ctx, b, key.ID, inMetadata, "DisableKey", b.clients.kms.DisableKey, &kms.DisableKeyInput{KeyId: &key.ID})
		return b.wroteState(key.ID, backend.StateDisabled, err)
	case backend.SetDescription:
		return b.setDescription(ctx, key.ID, c.To)
	case backend.SetTags:
		return b.setTags(ctx, key.ID, c.Tags)
	case backend.RemoveTags:
		return b.removeTags(ctx, key.ID, c.Keys)
	case backend.PutAlias:
		return b.putAlias(ctx, key, c.Name)
	case backend.RemoveAlias:
		return b.removeAlias(ctx, key.ID, c.Name)
	case backend.SetRotation:
		return b.setRotation(ctx, key.ID, c.ToDays)
	case backend.Rotate:
		return b.rotate(ctx, key.ID, c.RequestedAt)
	case backend.SetPolicy:
		return b.setPolicy(ctx, key.ID, c.Document)
	case backend.PutGrant:
		return b.putGrant(ctx, key.ID, c)
	case backend.RevokeGrant:
		return b.revokeGrant(ctx, key.ID, c.ID)
	case backend.Replicate:
		return b.replicate(ctx, key, c)
	case backend.UpdatePrimaryRegion:
		return b.updatePrimaryRegion(ctx, key, c.To)
	default:
		return invalid(fmt.Sprintf("a change of type %T is not possible here", change))
	}
}

// wrote takes a change that was made, unless err says that it was not.
func (b *Backend) wrote(keyID string, err error, change func(e *entry, now time.Time)) error {
	if err == nil {
		b.changed(keyID, change)
	}
	return err
}

// wroteState takes the state that a key was put into. While its custom key store does not answer, it does not show that.
func (b *Backend) wroteState(keyID string, state backend.State, err error) error {
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.metadata.change(now, func(m *metadata) {
			if m.state != backend.StateUnavailable {
				m.state, m.deletionTime = state, time.Time{}
			}
		})
	})
}

// cancelDeletion takes a key back. One that is not pending deletion is what is wanted.
func (b *Backend) cancelDeletion(ctx context.Context, keyID string) error {
	_, err := write(ctx, b, keyID, inMetadata, "CancelKeyDeletion", b.clients.kms.CancelKeyDeletion, &kms.CancelKeyDeletionInput{KeyId: &keyID})
	if backend.ClassOf(err) == backend.NotReady {
		if state, _, describeErr := b.stateNow(ctx, keyID); describeErr == nil && state != backend.StatePendingDeletion {
			return nil
		}
	}
	return b.wroteState(keyID, backend.StateDisabled, err)
}

func (b *Backend) setDescription(ctx context.Context, keyID, description string) error {
	in := &kms.UpdateKeyDescriptionInput{KeyId: &keyID, Description: &description}
	_, err := write(ctx, b, keyID, inMetadata, "UpdateKeyDescription", b.clients.kms.UpdateKeyDescription, in)
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.metadata.change(now, func(m *metadata) { m.description = description })
	})
}

func (b *Backend) setTags(ctx context.Context, keyID string, tags map[string]string) error {
	doubt := func(e *entry, now time.Time) { e.doubtTags(tags, now) }
	in := &kms.TagResourceInput{KeyId: &keyID, Tags: tagList(tags)}
	_, err := write(ctx, b, keyID, doubt, "TagResource", b.clients.kms.TagResource, in)
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.tags.change(now, func(all *map[string]string) {
			*all = maps.Clone(*all)
			maps.Copy(*all, tags)
		})
	})
}

func (b *Backend) removeTags(ctx context.Context, keyID string, keys []string) error {
	doubt := func(e *entry, now time.Time) { e.doubtTags(nil, now) }
	in := &kms.UntagResourceInput{KeyId: &keyID, TagKeys: keys}
	_, err := write(ctx, b, keyID, doubt, "UntagResource", b.clients.kms.UntagResource, in)
	return b.wrote(keyID, err, func(e *entry, now time.Time) {
		e.tags.change(now, func(all *map[string]string) {
			*all = maps.Clone(*all)
			for _, key := range keys {
				delete(*all, key)
			}
		})
	})
}

// setPolicy puts a key policy.
func (b *Backend) setPolicy(ctx context.Context, keyID, document string) error {
	if document == "" {
		return invalid("an empty key policy cannot be put")
	}
	in := &kms.PutKeyPolicyInput{KeyId: &keyID, PolicyName: awssdk.String("default"), Policy: &document}
	_, err := write(ctx, b, keyID, inPolicy, "PutKeyPolicy", b.clients.kms.PutKeyPolicy, in)
	return b.wrote(keyID, err, func(e *entry, now time.Time) { e.policy.write(document, now) })
}

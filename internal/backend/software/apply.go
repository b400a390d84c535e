// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Apply implements backend.Backend. Changes of the key's settings are made in their order and in one write, then those of
// aliases and grants in theirs. What is about relatives in other Regions has its place between the changes before and after.
func (b *Backend) Apply(ctx context.Context, keyID string, changes []backend.Change) (*backend.Key, error) {
	failed := make([]error, len(changes))
	for first := 0; first < len(changes); {
		next := first + runOf(changes[first:])
		if err := b.applyRun(ctx, keyID, changes[first:next], failed[first:next]); err != nil {
			return nil, err
		}
		first = next
	}
	key, err := b.Get(ctx, keyID)
	if err != nil {
		return nil, err
	}
	return key, changesError(changes, failed)
}

// runOf is how many changes, of one or more, can be made together.
func runOf(changes []backend.Change) int {
	switch n := slices.IndexFunc(changes, isOfRelatives); n {
	case -1:
		return len(changes)
	case 0:
		return 1
	default:
		return n
	}
}

// applyRun makes changes and notes in failed, by index, which were not made.
func (b *Backend) applyRun(ctx context.Context, keyID string, changes []backend.Change, failed []error) error {
	if err := b.applyRecord(ctx, keyID, changes, failed); err != nil {
		return err
	}
	for i, change := range changes {
		if _, done := mutationFor(change); !done {
			failed[i] = b.applyAlone(ctx, keyID, change)
		}
	}
	return nil
}

// applyRecord makes the changes that are of the key's settings and notes in failed, by index, which were not made. It is
// an error if there is no such key, or none that can be read.
func (b *Backend) applyRecord(ctx context.Context, keyID string, changes []backend.Change, failed []error) error {
	var mutations []kms.Mutation
	var at []int // the index of each mutation's change
	for i, change := range changes {
		change, failed[i] = b.prepare(keyID, change)
		if mutation, ok := mutationFor(change); ok && failed[i] == nil {
			mutations = append(mutations, mutation)
			at = append(at, i)
		}
	}
	if len(mutations) == 0 {
		return nil
	}
	_, err := b.service.Update(ctx, keyID, mutations...)
	refused, some := errors.AsType[*kms.RefusedError](err)
	classified := b.classify(err, keyID)
	if class := backend.ClassOf(classified); !some && (class == backend.NotFound || class == backend.Damaged) {
		return classified
	}
	for i, index := range at {
		switch {
		case err == nil:
		case !some:
			failed[index] = classified
		case refused.Refused[i] != nil:
			failed[index] = b.classify(refused.Refused[i], keyID)
		}
	}
	return nil
}

// prepare is the change as the KMS is to make it, or why it is not to.
func (b *Backend) prepare(keyID string, change backend.Change) (backend.Change, error) {
	switch c := change.(type) {
	case backend.SetPolicy:
		document, err := b.storedPolicy(c.Document)
		return backend.SetPolicy{Document: document}, err
	case backend.SetRotation, backend.Rotate:
		return change, b.checkRotatesHere(keyID)
	default:
		return change, nil
	}
}

// mutationFor is the change as the KMS makes it. It is false for a change that is not of the key's settings.
func mutationFor(change backend.Change) (kms.Mutation, bool) {
	switch c := change.(type) {
	case backend.CancelDeletion:
		return kms.CancelKeyDeletion().If(lifecycle.PendingDeletion, lifecycle.PendingReplicaDeletion), true
	case backend.Enable:
		return kms.EnableKey(), true
	case backend.Disable:
		return kms.DisableKey(), true
	case backend.SetDescription:
		return kms.UpdateKeyDescription(c.To), true
	case backend.SetTags:
		return kms.TagResource(c.Tags), true
	case backend.RemoveTags:
		return kms.UntagResource(c.Keys...), true
	case backend.SetRotation:
		if c.ToDays == 0 {
			return kms.DisableKeyRotation(), true
		}
		return kms.EnableKeyRotation(days(c.ToDays)), true
	case backend.Rotate:
		if c.RequestedAt.IsZero() {
			return kms.RotateKeyOnDemand(), true
		}
		return kms.RotateKeyOnDemandSince(c.RequestedAt), true
	case backend.SetPolicy:
		return kms.PutKeyPolicy(c.Document), true
	default:
		return kms.Mutation{}, false
	}
}

// applyAlone makes a change that is a write of its own.
func (b *Backend) applyAlone(ctx context.Context, keyID string, change backend.Change) error {
	switch c := change.(type) {
	case backend.PutGrant:
		return b.putGrant(ctx, keyID, c)
	case backend.RevokeGrant:
		return b.revokeGrant(ctx, keyID, c.ID)
	case backend.Replicate:
		return b.replicate(ctx, keyID, c)
	case backend.UpdatePrimaryRegion:
		return b.updatePrimaryRegion(ctx, keyID, c)
	case backend.PutAlias:
		return b.putAlias(ctx, keyID, c.Name)
	case backend.RemoveAlias:
		err := b.service.DeleteAlias(ctx, c.Name, keyID)
		if kms.HasCode(err, kms.NotFoundException) {
			return nil
		}
		return b.classify(err, c.Name)
	default:
		return invalid("a change of type %T is not possible here", change)
	}
}

func (b *Backend) putAlias(ctx context.Context, keyID, name string) error {
	err := b.service.CreateAlias(ctx, name, keyID)
	failpoint.Hit("alias-created")
	taken, ok := errors.AsType[*keyring.AliasTakenError](err)
	switch {
	case !ok:
		return b.classify(err, keyID)
	case taken.KeyID == keyID:
		return nil
	default:
		return &backend.Error{
			Class: backend.Conflict, Err: err,
			Message: fmt.Sprintf("alias %s is held by key %s (%s)", name, taken.KeyID, b.nameHolder(ctx, keyID, taken.KeyID)),
		}
	}
}

// nameHolder names the Key that holds an alias, but only to a Key of the same namespace: others learn nothing of it.
func (b *Backend) nameHolder(ctx context.Context, keyID, holderID string) string {
	const elsewhere = "not in this namespace"
	key, err := b.service.DescribeKey(ctx, keyID)
	if err != nil {
		return elsewhere
	}
	holder, err := b.service.DescribeKey(ctx, holderID)
	if err != nil {
		return elsewhere
	}
	mine, owned := backend.OwnerFromTags(key.Tags)
	theirs, held := backend.OwnerFromTags(holder.Tags)
	if !owned || !held || mine.Cluster != theirs.Cluster || mine.Namespace != theirs.Namespace {
		return elsewhere
	}
	return "Key " + theirs.String()
}

func changesError(changes []backend.Change, failed []error) error {
	var all []backend.ChangeError
	for i, err := range failed {
		if err != nil {
			all = append(all, backend.ChangeError{Change: changes[i], Err: err})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &backend.ChangesError{Failed: all}
}

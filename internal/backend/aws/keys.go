// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// ownedAge is how old a listing may be that answers Owned: what this process did is known without one.
const ownedAge = time.Minute

// Get implements backend.Backend. A key of this cluster is read from AWS once; from then on it is told from memory. Which key has an
// alias AWS is asked each time: who adopts a key by its alias means the one that has it now.
func (b *Backend) Get(ctx context.Context, ref string) (*backend.Key, error) {
	ref, err := b.resolve(ref)
	if err != nil {
		return nil, err
	}
	if err := b.ensureAliases(ctx); err != nil {
		return nil, err
	}
	if strings.HasPrefix(ref, "alias/") {
		if ref, err = b.holderOf(ctx, ref); err != nil {
			return nil, err
		}
	}
	key, ok := b.view.key(ref)
	if !ok {
		return b.getAnew(ctx, ref)
	}
	if !b.outdated(key) {
		return key, nil
	}
	if _, err := b.describe(ctx, key.ID); err != nil {
		return nil, err
	}
	if key, ok = b.view.any(key.ID); !ok {
		return nil, &backend.Error{Class: backend.NotFound, Message: b.missing(ref)}
	}
	return key, nil
}

// outdated says whether the key may not be any more as it is known, without anybody having changed it: it was in a state that
// passes, or should have lost its imported material by now. Whether it has, AWS says.
func (b *Backend) outdated(key *backend.Key) bool {
	switch key.State {
	case backend.StateCreating, backend.StateUpdating, backend.StateUnavailable:
		return true
	case backend.StatePendingDeletion:
		return key.DeletionTime.IsZero() // a primary's window begins when the last of its replicas is gone
	default:
		return !key.ExpirationTime.IsZero() && !b.clock.Now().Before(key.ExpirationTime)
	}
}

// getAnew reads what is not known of the key. One reads for all who want the key.
func (b *Backend) getAnew(ctx context.Context, ref string) (*backend.Key, error) {
	unlock, err := b.locks.lock(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key, ok := b.view.key(ref); ok {
		return key, nil
	}
	if err := b.awaitShown(ctx, b.view.shownAt(ref)); err != nil {
		return nil, err
	}
	b.foresee(ctx)
	id, err := b.describe(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := b.settleAliases(ctx, id); err != nil {
		return nil, err
	}
	ours := false
	b.view.peek(id, func(e *entry) { ours = b.view.ours(e) })
	if err := b.complete(ctx, id, !ours); err != nil {
		return nil, err
	}
	b.view.edit(id, b.clock.Now(), func(e *entry) { e.verified = b.clock.Now() })
	key, ok := b.view.any(id)
	if !ok {
		return nil, &backend.Error{Class: backend.NotFound, Message: b.missing(ref)}
	}
	return key, nil
}

// foresee reads the tags of all of this cluster's keys, once, where that is cheaper than one by one. Where it is not possible
// they are read one by one.
func (b *Backend) foresee(ctx context.Context) {
	if b.taggingAPI() {
		_ = b.ensureListing(ctx, b.opened)
	}
}

// resolve is a key ID or the name of an alias, of what a caller may name a key by. ARNs of elsewhere are refused.
func (b *Backend) resolve(ref string) (string, error) {
	if !arn.IsARN(ref) {
		return ref, nil
	}
	parsed, err := arn.Parse(ref)
	if err != nil {
		return "", invalid(ref + " is not an ARN")
	}
	account := b.account()
	if parsed.Region != b.clients.region || account != "" && parsed.AccountID != account {
		return "", &backend.Error{Class: backend.NotFound, Message: fmt.Sprintf(
			"%s is of region %s of account %s, and this backend is region %s of account %s", ref, parsed.Region, parsed.AccountID,
			b.clients.region, account)}
	}
	return strings.TrimPrefix(parsed.Resource, "key/"), nil
}

// missing says what does not exist.
func (b *Backend) missing(ref string) string {
	kind := "key"
	if strings.HasPrefix(ref, "alias/") {
		kind = "alias"
	}
	return fmt.Sprintf("%s %s does not exist in region %s of the account", kind, ref, b.clients.region)
}

// holderOf is the ID of the key that has an alias. What this process did just now AWS may not show.
func (b *Backend) holderOf(ctx context.Context, alias string) (string, error) {
	begun := b.clock.Now()
	holder, wrote := b.view.wroteAlias(alias, begun)
	if wrote && holder == "" {
		return "", &backend.Error{Class: backend.NotFound, Message: b.missing(alias)}
	}
	if wrote {
		return holder, nil
	}
	id, err := b.describe(ctx, alias)
	if err != nil && !backend.IsNotFound(err) {
		return "", err
	}
	if before := b.view.sawAlias(alias, id, begun); before != id {
		b.tellOf(before)
		b.tellOf(id)
	}
	return id, err
}

// sawAlias takes which key has an alias, none if it is empty, by a read that began at begun, and returns which had it before.
func (v *view) sawAlias(alias, keyID string, begun time.Time) (before string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before = v.aliases.holder[alias]
	if !v.aliases.readOne(alias, keyID, begun, v.lags.Reads) {
		return keyID
	}
	return before
}

// Owned implements backend.Backend. Many who ask at about the same time share one listing.
func (b *Backend) Owned(ctx context.Context, owner backend.Owner) ([]*backend.Key, error) {
	if err := b.ensureCertain(ctx, owner); err != nil {
		return nil, err
	}
	if err := b.ensureRecent(ctx, b.clock.Now().Add(-ownedAge)); err != nil {
		return nil, err
	}
	var owned []*backend.Key
	for _, id := range b.view.ownedBy(owner) {
		key, err := b.Get(ctx, id)
		if backend.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if holder, ok := backend.OwnerFromTags(key.Tags); ok && holder.Same(owner) {
			owned = append(owned, key)
		}
	}
	slices.SortFunc(owned, func(a, b *backend.Key) int { return a.CreationTime.Compare(b.CreationTime) })
	return owned, nil
}

// ensureRecent has this cluster's keys listed at since or later, in whichever way.
func (b *Backend) ensureRecent(ctx context.Context, since time.Time) error {
	if !b.scans.begun().Before(since) {
		return nil
	}
	if b.taggingAPI() && b.ensureListing(ctx, since) == nil {
		return nil
	}
	return b.ensureScan(ctx, since)
}

// changed takes a change that this process made of a key, and tells of it.
func (b *Backend) changed(keyID string, change func(e *entry, now time.Time)) {
	now := b.clock.Now()
	b.view.editKnown(keyID, now, func(e *entry) { change(e, now) })
	b.tellOf(keyID)
}

// PublicKey implements backend.Backend. It is read once.
func (b *Backend) PublicKey(ctx context.Context, keyID string) ([]byte, error) {
	var public []byte
	b.view.peek(keyID, func(e *entry) { public = e.public })
	if public != nil {
		return slices.Clone(public), nil
	}
	key, err := b.Get(ctx, keyID)
	if err != nil {
		return nil, err
	}
	if !key.Spec.HasPublicKey() {
		return nil, invalid(fmt.Sprintf("key %s is %s, which has no public key", keyID, key.Spec))
	}
	out, err := call(ctx, b, "GetPublicKey", b.clients.kms.GetPublicKey, &kms.GetPublicKeyInput{KeyId: &keyID})
	if err != nil {
		return nil, b.unlessNew(err, keyID)
	}
	if len(out.PublicKey) == 0 {
		return nil, lacking("GetPublicKey", "the public key")
	}
	b.view.edit(keyID, b.clock.Now(), func(e *entry) { e.public = slices.Clone(out.PublicKey) })
	return out.PublicKey, nil
}

// Policy implements backend.Backend. That of a key of this cluster is read once, or known because this process put it.
func (b *Backend) Policy(ctx context.Context, keyID string) (string, error) {
	document, known := b.knownPolicy(keyID)
	if known {
		return document, nil
	}
	shown := time.Time{}
	b.view.peek(keyID, func(e *entry) { shown = e.policy.shownAt(b.lags.Reads) })
	if err := b.awaitShown(ctx, shown); err != nil {
		return "", err
	}
	if err := b.readPolicy(ctx, keyID); err != nil {
		return "", err
	}
	b.view.peek(keyID, func(e *entry) { document = e.policy.value })
	return document, nil
}

func (b *Backend) knownPolicy(keyID string) (document string, known bool) {
	b.view.peek(keyID, func(e *entry) { document, known = e.policy.value, e.policy.certain() && b.view.ours(e) })
	return document, known
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"maps"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Create implements backend.Backend. Rotation, being disabled and aliases are left to Apply. Where it is not certain that the
// owner has no key yet, it waits as long as AWS KMS's reads may lag behind its writes, and looks.
func (b *Backend) Create(ctx context.Context, in backend.CreateInput) (*backend.Key, error) {
	if in.Owner.UID == "" {
		return nil, invalid("the owner of a key to create has no UID")
	}
	usage, err := keyspec.Check(in.Spec, in.Usage)
	if err != nil {
		return nil, invalid(err.Error())
	}
	in.Usage = usage
	unlock, err := b.locks.lock(ctx, "owner "+in.Owner.Cluster+"/"+in.Owner.String())
	if err != nil {
		return nil, err
	}
	defer unlock()
	if id, made := b.view.madeFor(in.Owner); made {
		return b.Get(ctx, id)
	}
	if err := b.ensureCertain(ctx, in.Owner); err != nil {
		return nil, err
	}
	if id, made := b.view.madeFor(in.Owner); made {
		return b.Get(ctx, id)
	}
	return b.create(ctx, in)
}

// ensureCertain makes certain that the view has every key that was made for the owner: it was opened, or lost an answer, at a
// moment before which keys may have been made that this process does not know of. Lists must be so late that they show them.
func (b *Backend) ensureCertain(ctx context.Context, owner backend.Owner) error {
	name := nameless(owner) // a Key that is made anew under its name is to find it too
	missed := b.lost.get(name)
	doubt := later(b.opened, missed)
	if err := b.ensureListedSince(ctx, doubt.Add(b.lags.Reads), doubt.Add(b.lags.Tagging)); err != nil {
		return err
	}
	b.lost.found(name, missed)
	return nil
}

// ensureListedSince has all keys listed by AWS KMS at shown or later, or by the Tagging API at tagged or later.
func (b *Backend) ensureListedSince(ctx context.Context, shown, tagged time.Time) error {
	scan, listing := b.scans.begun(), b.listings.begun()
	if !scan.IsZero() && !scan.Before(shown) || !listing.IsZero() && !listing.Before(tagged) {
		return nil
	}
	if err := sleep(ctx, shown.Sub(b.clock.Now())); err != nil {
		return interrupted(ctx)
	}
	if b.taggingAPI() {
		late := !b.clock.Now().Before(tagged)
		since := b.opened // tells the tags of most keys, so that the scan has few to read
		if late {
			since = tagged
		}
		if err := b.ensureListing(ctx, since); err == nil && late {
			return nil
		}
	}
	return b.ensureScan(ctx, shown)
}

func (b *Backend) create(ctx context.Context, in backend.CreateInput) (*backend.Key, error) {
	if err := b.ensureAliases(ctx); err != nil {
		return nil, err
	}
	tags := in.Owner.TagsWith(in.Tags)
	request := &kms.CreateKeyInput{
		KeySpec: types.KeySpec(in.Spec), KeyUsage: types.KeyUsageType(in.Usage), Tags: tagList(tags),
	}
	if in.Origin.Or() != backend.OriginAWSKMS {
		request.Origin = types.OriginType(in.Origin)
	}
	if in.MultiRegion {
		request.MultiRegion = &in.MultiRegion
	}
	if in.Store.ID != "" {
		request.CustomKeyStoreId = &in.Store.ID
	}
	if in.Store.XksKeyID != "" {
		request.XksKeyId = &in.Store.XksKeyID
	}
	if in.Description != "" {
		request.Description = &in.Description
	}
	if in.Policy != "" {
		request.Policy = &in.Policy
	}
	id := ""
	out, err := call(ctx, b, "CreateKey", b.clients.kms.CreateKey, request)
	if err == nil {
		id, err = idIn("CreateKey", out.KeyMetadata)
	}
	if err != nil {
		if mayHaveHappened(err) {
			b.lost.add(nameless(in.Owner), b.clock.Now())
		}
		return nil, err
	}
	now := b.clock.Now()
	b.view.edit(id, now, func(e *entry) {
		e.since, e.verified = now, now // a list may have shown it before the answer came, and reads may not show it for a while yet
		e.missed = time.Time{}
		e.metadata.write(metadataOf(out.KeyMetadata), now)
		e.tags.write(tags, now)
		e.schedule.write(schedule{}, now)
		e.history.write(history{materialID: e.metadata.value.materialID}, now)
		e.grants.write(grants{}, now)
		if in.Policy != "" {
			e.policy.write(in.Policy, now)
		}
	})
	b.tellOf(id)
	key, _ := b.view.any(id)
	return key, nil
}

// tagList is tags as AWS takes them, sorted by key.
func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{TagKey: awssdk.String(key), TagValue: awssdk.String(tags[key])})
	}
	return list
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

var tagOperations = []*Operation{
	onKey(Operation{Name: "TagResource", Key: KeyOnly, State: lifecycle.Tag}, tagResource),
	onKey(Operation{Name: "UntagResource", Key: KeyOnly, State: lifecycle.Untag}, untagResource),
	onKey(Operation{Name: "ListResourceTags", Key: KeyOnly, ReadOnly: true}, listResourceTags),
}

// tagPage is AWS's default and greatest page of ListResourceTags, which is as many tags as a key can have.
const tagPage = 50

func tagResource(ctx context.Context, _ *Request, key *kms.Key, in *TagResourceInput) (*Nothing, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return done(change(ctx, key, kms.TagResource(tags)))
}

func untagResource(ctx context.Context, _ *Request, key *kms.Key, in *UntagResourceInput) (*Nothing, error) {
	return done(change(ctx, key, kms.UntagResource(in.TagKeys...)))
}

func listResourceTags(
	_ context.Context, _ *Request, key *kms.Key, in *ListResourceTagsInput,
) (*ListResourceTagsOutput, error) {
	tags, next, err := page(tagList(key.Record().Tags), in.Limit, in.Marker, tagPage, tagPage,
		func(tag Tag) string { return tag.TagKey })
	if err != nil {
		return nil, err
	}
	return &ListResourceTagsOutput{Tags: tags, NextMarker: next, Truncated: next != ""}, nil
}

// tagMap is the tags of a request, in which each key may occur once.
func tagMap(tags []Tag) (map[string]string, error) {
	byKey := make(map[string]string, len(tags))
	for _, tag := range tags {
		if _, twice := byKey[tag.TagKey]; twice {
			return nil, kms.Errorf(kms.TagException, "Duplicate tag keys")
		}
		byKey[tag.TagKey] = *tag.TagValue
	}
	return byKey, nil
}

// tagList is a key's tags as answers list them, in no order.
func tagList(byKey map[string]string) []Tag {
	tags := make([]Tag, 0, len(byKey))
	for key, value := range byKey {
		tags = append(tags, Tag{TagKey: key, TagValue: &value})
	}
	return tags
}

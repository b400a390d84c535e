// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// The largest pages that AWS gives.
	keysPage, aliasesPage, resourcesPage = 1000, 100, 100
	// readers is how many tags are read at a time where the Tagging API does not tell them.
	readers = 16
	// taggingAgain is after what time a Tagging API that was not there, or not allowed, is asked again.
	taggingAgain = time.Hour
)

// listKeys are the IDs of all keys.
func (b *Backend) listKeys(ctx context.Context) ([]string, error) {
	var ids []string
	in := &kms.ListKeysInput{Limit: awssdk.Int32(keysPage)}
	for {
		page, err := call(ctx, b, "ListKeys", b.clients.kms.ListKeys, in)
		if err != nil {
			return nil, err
		}
		for _, key := range page.Keys {
			ids = append(ids, awssdk.ToString(key.KeyId))
		}
		if !page.Truncated {
			return ids, nil
		}
		if in.Marker, err = following("ListKeys", in.Marker, page.NextMarker); err != nil {
			return nil, err
		}
	}
}

// readAliases reads all aliases but AWS's own.
func (b *Backend) readAliases(ctx context.Context, begun time.Time) (changed map[string]struct{}, err error) {
	all := map[string]string{}
	err = b.listAliases(ctx, &kms.ListAliasesInput{}, func(alias *types.AliasListEntry) {
		if name := awssdk.ToString(alias.AliasName); !strings.HasPrefix(name, "alias/aws/") && alias.TargetKeyId != nil {
			all[name] = *alias.TargetKeyId
		}
	})
	if err != nil {
		return nil, err
	}
	b.view.mu.Lock()
	defer b.view.mu.Unlock()
	return b.view.aliases.read(all, begun, b.lags.Reads), nil
}

// aliasesOf are the names of a key's aliases, which IAM lets the operator list, whatever the key's policy says.
func (b *Backend) aliasesOf(ctx context.Context, keyID string) (names []string, err error) {
	err = b.listAliases(ctx, &kms.ListAliasesInput{KeyId: &keyID}, func(alias *types.AliasListEntry) {
		names = append(names, awssdk.ToString(alias.AliasName))
	})
	return names, err
}

func (b *Backend) listAliases(ctx context.Context, in *kms.ListAliasesInput, each func(*types.AliasListEntry)) error {
	in.Limit = awssdk.Int32(aliasesPage)
	for {
		page, err := call(ctx, b, "ListAliases", b.clients.kms.ListAliases, in)
		if err != nil {
			return err
		}
		for i := range page.Aliases {
			each(&page.Aliases[i])
		}
		if !page.Truncated {
			return nil
		}
		if in.Marker, err = following("ListAliases", in.Marker, page.NextMarker); err != nil {
			return err
		}
	}
}

// ensureAliases reads all aliases unless they were read before.
func (b *Backend) ensureAliases(ctx context.Context) error {
	return b.aliases.ensure(ctx, b.opened, b.clock.Now, func(ctx context.Context, begun time.Time) error {
		_, err := b.readAliases(ctx, begun)
		return err
	})
}

// taggingAPI says whether the Tagging API is there and allowed, as far as it is known.
func (b *Backend) taggingAPI() bool { return b.taggingRefused.passed(b.clock.Now()) }

// readListing reads the tags of this cluster's keys from the Tagging API. Keys that it lacks stay as they are.
func (b *Backend) readListing(ctx context.Context, begun time.Time) (listed map[string]map[string]string, err error) {
	listed = map[string]map[string]string{}
	in := &tagging.GetResourcesInput{
		ResourceTypeFilters: []string{"kms:key"}, ResourcesPerPage: awssdk.Int32(resourcesPage),
		TagFilters: []taggingtypes.TagFilter{{Key: awssdk.String(backend.TagPrefix + "cluster"), Values: []string{b.clusterUID}}},
	}
	for {
		page, err := call(ctx, b, "GetResources", b.clients.tagging.GetResources, in)
		if err != nil {
			if refusesTagging(err) {
				b.taggingRefused.set(b.clock.Now().Add(taggingAgain))
			}
			return nil, err
		}
		for _, resource := range page.ResourceTagMappingList {
			_, id, _ := strings.Cut(awssdk.ToString(resource.ResourceARN), ":key/")
			tags := make(map[string]string, len(resource.Tags))
			for _, tag := range resource.Tags {
				tags[awssdk.ToString(tag.Key)] = awssdk.ToString(tag.Value)
			}
			listed[id] = tags
		}
		if awssdk.ToString(page.PaginationToken) == "" {
			break
		}
		if in.PaginationToken, err = following("GetResources", in.PaginationToken, page.PaginationToken); err != nil {
			return nil, err
		}
	}
	for id, tags := range listed {
		b.view.edit(id, b.clock.Now(), func(e *entry) { e.tags.read(tags, begun, b.lags.Tagging) })
	}
	return listed, nil
}

// refusesTagging says whether the Tagging API is not there, or not allowed. That AWS takes neither credentials nor signature says
// nothing of it.
func refusesTagging(err error) bool {
	if _, unsigned := errors.AsType[*credentialsError](err); unsigned {
		return false
	}
	switch v := verdictOn(err); v.class {
	case backend.Throttled, backend.Unavailable:
		return false
	default:
		return !slices.Contains([]string{sayExpired, sayUnknownKey, sayUnsigned, saySignature, saySkew}, v.say)
	}
}

// errNoTaggingAPI is why nothing was listed for those who waited while somebody else was refused.
var errNoTaggingAPI = errors.New("the Tagging API is not there, or not allowed")

// ensureListing has the Tagging API asked at since or later. Of many who wait for that one hears a refusal, and no other asks.
func (b *Backend) ensureListing(ctx context.Context, since time.Time) error {
	return b.listings.ensure(ctx, since, b.clock.Now, func(ctx context.Context, begun time.Time) error {
		if !b.taggingAPI() {
			return errNoTaggingAPI
		}
		_, err := b.readListing(ctx, begun)
		return err
	})
}

// tagsOf reads a key's tags: at most 50, which is one page.
func (b *Backend) tagsOf(ctx context.Context, id string) (map[string]string, error) {
	out, err := call(ctx, b, "ListResourceTags", b.clients.kms.ListResourceTags, &kms.ListResourceTagsInput{KeyId: &id})
	if err != nil {
		return nil, err
	}
	b.tagsAllowed.Store(true)
	tags := make(map[string]string, len(out.Tags))
	for _, tag := range out.Tags {
		tags[awssdk.ToString(tag.TagKey)] = awssdk.ToString(tag.TagValue)
	}
	return tags, nil
}

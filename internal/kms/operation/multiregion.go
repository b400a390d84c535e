// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// On AWS ReplicateKey needs kms:CreateKey, and kms:TagResource for tags, in the Region of the replica too, by an identity
// policy. There are none of these here: whom the primary's key policy allows to replicate it may make the replica. But the
// replica has the same material, so whoever writes its policy says who may use the primary's ciphertexts: a policy for it
// takes kms:PutKeyPolicy on the primary as well. Without one the replica gets the default policy, which is the root user's.
var multiRegionOperations = []*Operation{
	onKey(Operation{Name: "ReplicateKey", Key: KeyOnly, State: lifecycle.Replicate}, replicateKey),
	onKey(Operation{Name: "UpdatePrimaryRegion", Key: KeyOnly, State: lifecycle.UpdatePrimary}, updatePrimaryRegion),
}

func replicateKey(ctx context.Context, r *Request, key *kms.Key, in *ReplicateKeyInput) (*ReplicateKeyOutput, error) {
	if in.Policy != "" {
		if err := r.authorize(key, "kms:PutKeyPolicy"); err != nil {
			return nil, err
		}
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	service, err := key.CheckReplicates(in.ReplicaRegion)
	if err != nil {
		return nil, err
	}
	document, err := r.newPolicy(service, in.Policy, in.BypassPolicyLockoutSafetyCheck)
	if err != nil {
		return nil, err
	}
	replica, err := key.ReplicateKey(ctx, kms.ReplicateKeyInput{
		Region: in.ReplicaRegion, Description: in.Description, Tags: tags, Policy: document,
	})
	if err != nil {
		return nil, err
	}
	out := &ReplicateKeyOutput{
		ReplicaKeyMetadata: describe(replica), ReplicaPolicy: replica.PolicyText(), ReplicaTags: in.Tags,
	}
	r.response = map[string]any{
		"replicaKeyMetadata": out.ReplicaKeyMetadata.recorded(), "replicaPolicy": out.ReplicaPolicy,
		"replicaTags": recordedTags(in.Tags),
	}
	return out, nil
}

func recordedTags(tags []Tag) []any {
	list := make([]any, len(tags))
	for i, tag := range tags {
		list[i] = map[string]any{"tagKey": tag.TagKey, "tagValue": *tag.TagValue}
	}
	return list
}

// updatePrimaryRegion needs the permission on both keys, as on AWS.
func updatePrimaryRegion(ctx context.Context, r *Request, key *kms.Key, in *UpdatePrimaryRegionInput) (*Nothing, error) {
	if err := key.CheckPrimary(); err != nil {
		return nil, err
	}
	replica, err := key.Replica(in.PrimaryRegion)
	if err != nil {
		return nil, err
	}
	if err := r.authorize(replica, r.Operation.Permissions...); err != nil {
		return nil, err
	}
	r.about(replica)
	return &Nothing{}, key.UpdatePrimaryRegion(ctx, in.PrimaryRegion)
}

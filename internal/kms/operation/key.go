// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"errors"
	"reflect"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

var keyOperations = []*Operation{
	free(Operation{Name: "CreateKey"}, createKey),
	onKey(Operation{
		Name: "DescribeKey", Key: KeyOrAlias, CrossAccount: true, Grantable: true, State: lifecycle.Describe, ReadOnly: true,
	}, describeKey),
	free(Operation{Name: "ListKeys", ReadOnly: true}, listKeys),
	onKey(Operation{Name: "EnableKey", Key: KeyOnly, State: lifecycle.Enable}, enableKey),
	onKey(Operation{Name: "DisableKey", Key: KeyOnly, State: lifecycle.Disable}, disableKey),
	onKey(Operation{
		Name: "UpdateKeyDescription", Key: KeyOnly, State: lifecycle.UpdateDescription,
	}, updateKeyDescription),
	onKey(Operation{Name: "ScheduleKeyDeletion", Key: KeyOnly, State: lifecycle.ScheduleDeletion}, scheduleKeyDeletion),
	onKey(Operation{Name: "CancelKeyDeletion", Key: KeyOnly, State: lifecycle.CancelDeletion}, cancelKeyDeletion),
	onKey(Operation{Name: "GetKeyLastUsage", Key: KeyOnly, ReadOnly: true}, getKeyLastUsage),
}

// AWS's page sizes of ListKeys.
const (
	defaultKeyPage = 100
	maxKeyPage     = 1000
)

// everything is the resource of operations that concern no key.
const everything = "*"

// local is the service of the caller's account in the Region of the request.
func (r *Request) local() (*kms.Service, error) {
	if r.service == nil {
		return nil, r.notHere(everything)
	}
	return r.service, nil
}

// change makes one change of a key's record and returns the key as it is afterwards.
func change(ctx context.Context, key *kms.Key, mutation kms.Mutation) (*kms.Key, error) {
	_, err := key.Service().Update(ctx, key.ID(), mutation)
	if refused, ok := errors.AsType[*kms.RefusedError](err); ok {
		return nil, refused.Refused[0]
	}
	if err != nil {
		return nil, err
	}
	return key.Service().Key(key.ID())
}

// done is the answer of operations that change a key and have none.
func done(_ *kms.Key, err error) (*Nothing, error) { return &Nothing{}, err }

func describeKey(_ context.Context, _ *Request, key *kms.Key, _ *DescribeKeyInput) (*DescribeKeyOutput, error) {
	return &DescribeKeyOutput{KeyMetadata: describe(key)}, nil
}

func listKeys(_ context.Context, r *Request, in *ListKeysInput) (*ListKeysOutput, error) {
	if err := r.authorizeAccount(everything); err != nil {
		return nil, err
	}
	service, err := r.local()
	if err != nil {
		return nil, err
	}
	keyIDs, err := service.KeyIDs()
	if err != nil {
		return nil, err
	}
	keyIDs, next, err := page(keyIDs, in.Limit, in.Marker, defaultKeyPage, maxKeyPage, func(id string) string { return id })
	if err != nil {
		return nil, err
	}
	out := &ListKeysOutput{Keys: make([]KeyListEntry, len(keyIDs)), NextMarker: next, Truncated: next != ""}
	for i, id := range keyIDs {
		out.Keys[i] = KeyListEntry{KeyID: id, KeyARN: service.KeyARN(id)}
	}
	return out, nil
}

func enableKey(ctx context.Context, _ *Request, key *kms.Key, _ *EnableKeyInput) (*Nothing, error) {
	return done(change(ctx, key, kms.EnableKey()))
}

func disableKey(ctx context.Context, _ *Request, key *kms.Key, _ *DisableKeyInput) (*Nothing, error) {
	return done(change(ctx, key, kms.DisableKey()))
}

func updateKeyDescription(
	ctx context.Context, _ *Request, key *kms.Key, in *UpdateKeyDescriptionInput,
) (*Nothing, error) {
	return done(change(ctx, key, kms.UpdateKeyDescription(*in.Description)))
}

func scheduleKeyDeletion(
	ctx context.Context, r *Request, key *kms.Key, in *ScheduleKeyDeletionInput,
) (*ScheduleKeyDeletionOutput, error) {
	window := lifecycle.DefaultWindowDays
	if in.PendingWindowInDays != nil {
		window = *in.PendingWindowInDays
	}
	key, err := change(ctx, key, kms.ScheduleKeyDeletion(window))
	if err != nil {
		return nil, err
	}
	record := key.Record()
	out := &ScheduleKeyDeletionOutput{
		KeyID: key.ARN(), KeyState: string(record.State), PendingWindowInDays: window,
	}
	if record.State == lifecycle.PendingDeletion {
		out.DeletionDate = Time{record.DeletionTime}
	}
	r.response = scheduledShape.parameters(reflect.ValueOf(out).Elem())
	return out, nil
}

var scheduledShape = newShape(reflect.TypeFor[ScheduleKeyDeletionOutput]())

func cancelKeyDeletion(
	ctx context.Context, _ *Request, key *kms.Key, _ *CancelKeyDeletionInput,
) (*CancelKeyDeletionOutput, error) {
	key, err := change(ctx, key, kms.CancelKeyDeletion())
	if err != nil {
		return nil, err
	}
	return &CancelKeyDeletionOutput{KeyID: key.ARN()}, nil
}

// getKeyLastUsage tells of a key's whole life: uses are tracked from its creation.
func getKeyLastUsage(
	_ context.Context, _ *Request, key *kms.Key, _ *GetKeyLastUsageInput,
) (*GetKeyLastUsageOutput, error) {
	created := Time{key.Record().CreationTime}
	out := &GetKeyLastUsageOutput{
		KeyID: key.ID(), KeyLastUsage: &KeyLastUsageData{}, TrackingStartDate: created, KeyCreationDate: created,
	}
	if use := key.LastUse(); use != nil {
		*out.KeyLastUsage = KeyLastUsageData{
			Operation: use.Operation, Timestamp: Time{use.Time}, CloudTrailEventID: use.EventID, KMSRequestID: use.RequestID,
		}
	}
	return out, nil
}

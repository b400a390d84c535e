// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Whether a key rotates at all, by its spec and origin, comes before its state, so package kms looks after both.
var rotationOperations = []*Operation{
	onKey(Operation{Name: "EnableKeyRotation", Key: KeyOnly}, enableKeyRotation),
	onKey(Operation{Name: "DisableKeyRotation", Key: KeyOnly}, disableKeyRotation),
	onKey(Operation{
		Name: "GetKeyRotationStatus", Key: KeyOnly, CrossAccount: true, ReadOnly: true,
	}, getKeyRotationStatus),
	onKey(Operation{Name: "RotateKeyOnDemand", Key: KeyOnly}, rotateKeyOnDemand),
	onKey(Operation{Name: "ListKeyRotations", Key: KeyOnly, ReadOnly: true}, listKeyRotations),
}

const (
	// AWS's page sizes of ListKeyRotations.
	defaultRotationPage = 100
	maxRotationPage     = 1000

	allKeyMaterial = "ALL_KEY_MATERIAL"
	imported       = "IMPORTED"
	pendingImport  = "PENDING_IMPORT"
)

func enableKeyRotation(ctx context.Context, _ *Request, key *kms.Key, in *EnableKeyRotationInput) (*Nothing, error) {
	var period int32 // the default one
	if in.RotationPeriodInDays != nil {
		period = *in.RotationPeriodInDays
	}
	return done(change(ctx, key, kms.EnableKeyRotation(period)))
}

func disableKeyRotation(ctx context.Context, _ *Request, key *kms.Key, _ *DisableKeyRotationInput) (*Nothing, error) {
	return done(change(ctx, key, kms.DisableKeyRotation()))
}

func getKeyRotationStatus(
	_ context.Context, _ *Request, key *kms.Key, _ *GetKeyRotationStatusInput,
) (*GetKeyRotationStatusOutput, error) {
	status, err := key.RotationStatus()
	if err != nil {
		return nil, err
	}
	out := &GetKeyRotationStatusOutput{
		KeyID: key.ID(), KeyRotationEnabled: status.Enabled, RotationPeriodInDays: status.PeriodInDays,
		NextRotationDate: Time{status.NextTime},
	}
	if record := key.Record(); record.Rotating == keyring.OnDemand {
		out.OnDemandRotationStartDate = Time{record.Pending.CreatedAt}
	}
	return out, nil
}

func rotateKeyOnDemand(
	ctx context.Context, _ *Request, key *kms.Key, _ *RotateKeyOnDemandInput,
) (*RotateKeyOnDemandOutput, error) {
	if _, err := change(ctx, key, kms.RotateKeyOnDemand()); err != nil {
		return nil, err
	}
	return &RotateKeyOnDemandOutput{KeyID: key.ID()}, nil
}

func listKeyRotations(
	_ context.Context, _ *Request, key *kms.Key, in *ListKeyRotationsInput,
) (*ListKeyRotationsOutput, error) {
	history, err := key.Materials()
	if err != nil {
		return nil, err
	}
	var places []int // in the key's history, which only grows at its end
	for i := range history {
		if history[i].Rotation != nil || in.IncludeKeyMaterial == allKeyMaterial {
			places = append(places, i)
		}
	}
	places, next, err := page(places, in.Limit, in.Marker, defaultRotationPage, maxRotationPage,
		func(i int) string { return fmt.Sprintf("%08d", i) })
	if err != nil {
		return nil, err
	}
	out := &ListKeyRotationsOutput{
		Rotations: make([]RotationsListEntry, len(places)), NextMarker: next, Truncated: next != "",
	}
	for i, place := range places {
		out.Rotations[i] = rotationEntry(key, &history[place])
	}
	return out, nil
}

func rotationEntry(key *kms.Key, of *kms.MaterialHistory) RotationsListEntry {
	entry := RotationsListEntry{KeyID: key.ID(), KeyMaterialID: of.Material.ID, KeyMaterialState: string(of.State)}
	if of.Rotation != nil {
		entry.RotationDate, entry.RotationType = Time{of.Rotation.Time}, string(of.Rotation.Type)
	}
	if key.Record().Origin != keyring.OriginExternal {
		return entry
	}
	entry.KeyMaterialDescription, entry.ImportState = of.Material.Description, pendingImport
	if of.Material.Bytes != nil {
		entry.ImportState, entry.ExpirationModel = imported, keyDoesNotExpire
	}
	if !of.Material.ExpirationTime.IsZero() {
		entry.ExpirationModel, entry.ValidTo = keyExpires, Time{of.Material.ExpirationTime}
	}
	return entry
}

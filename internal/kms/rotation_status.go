// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// RotationStatus is what GetKeyRotationStatus tells of the key.
func (k *Key) RotationStatus() (RotationStatus, error) {
	if err := checkRotates(k.record, k.ARN()); err != nil {
		return RotationStatus{}, err
	}
	if err := checkOrigin(k.record, keyring.OriginAWSKMS, k.ARN()); err != nil {
		return RotationStatus{}, err
	}
	if err := k.Check(lifecycle.GetRotation); err != nil {
		return RotationStatus{}, err
	}
	status := rotationStatus(k.record)
	if k.record.State.ToBeDeleted() { // it does not rotate, until it is taken back
		status.Enabled, status.PeriodInDays, status.NextTime = false, 0, time.Time{}
	}
	return status, nil
}

// MaterialState is AWS's KeyMaterialState.
type MaterialState string

// The states of key material, by AWS's names.
const (
	MaterialCurrent         MaterialState = "CURRENT"
	MaterialNonCurrent      MaterialState = "NON_CURRENT"
	MaterialPendingRotation MaterialState = "PENDING_ROTATION"
	// MaterialPendingImport: not all relatives of a multi-Region key have imported it.
	MaterialPendingImport MaterialState = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
)

// MaterialHistory is one of the materials of a key and how it came to be.
type MaterialHistory struct {
	Material keyring.Material
	State    MaterialState
	// Rotation is the one that made the material current; nil for the first material, and for what pends.
	Rotation *keyring.Rotation
}

// Materials are all materials of a key that rotates, in their order; imported material that waits for a rotation is last.
func (k *Key) Materials() ([]MaterialHistory, error) {
	if err := checkRotates(k.record, k.ARN()); err != nil {
		return nil, err
	}
	rotations := map[string]*keyring.Rotation{}
	for i := range k.record.Rotations {
		rotations[k.record.Rotations[i].MaterialID] = &k.record.Rotations[i]
	}
	current := k.record.Current().ID
	var history []MaterialHistory
	for _, m := range k.record.Materials {
		entry := MaterialHistory{Material: m, State: MaterialNonCurrent, Rotation: rotations[m.ID]}
		if m.ID == current {
			entry.State = MaterialCurrent
		}
		history = append(history, entry)
	}
	if k.record.Pending != nil && k.record.Rotating == "" {
		history = append(history, MaterialHistory{Material: *k.record.Pending, State: k.service.pendingState(k.record)})
	}
	return history, nil
}

// pendingState is that of imported material that waits for a rotation.
func (s *Service) pendingState(r *keyring.KeyRecord) MaterialState {
	if r.MultiRegion == nil {
		return MaterialPendingRotation
	}
	if everywhere, err := s.isEverywhere(r); err != nil || !everywhere {
		return MaterialPendingImport
	}
	return MaterialPendingRotation
}

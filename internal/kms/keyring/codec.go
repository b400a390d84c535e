// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// format is the version of the JSON below. A reader refuses any other: taking a record that a later version wrote for
// one of its own, it would drop what it does not know at the next write.
const format = 1

// keyJSON is a KeyRecord as it is sealed.
type keyJSON struct {
	Format              int               `json:"format"`
	KeyID               string            `json:"keyID"`
	Spec                keyspec.Spec      `json:"spec"`
	Usage               keyspec.Usage     `json:"usage"`
	State               lifecycle.State   `json:"state"`
	Description         string            `json:"description,omitempty"`
	Tags                map[string]string `json:"tags,omitempty"`
	CreationTime        time.Time         `json:"creationTime"`
	DeletionTime        time.Time         `json:"deletionTime,omitzero"`
	PendingWindowInDays int32             `json:"pendingWindowInDays,omitempty"`
	Rotation            rotationJSON      `json:"rotation,omitzero"`
	Rotations           []rotatedJSON     `json:"rotations,omitempty"`
	Materials           []materialJSON    `json:"materials"`
}

type rotationJSON struct {
	Enabled      bool      `json:"enabled"`
	PeriodInDays int32     `json:"periodInDays"`
	EnabledAt    time.Time `json:"enabledAt"`
}

type rotatedJSON struct {
	Time       time.Time    `json:"time"`
	Type       RotationType `json:"type"`
	MaterialID string       `json:"materialID"`
}

type materialJSON struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	Bytes     []byte    `json:"bytes"`
}

type aliasJSON struct {
	Format       int       `json:"format"`
	Name         string    `json:"name"`
	KeyID        string    `json:"keyID"`
	CreationTime time.Time `json:"creationTime"`
	LastUpdated  time.Time `json:"lastUpdated"`
}

// encodeKey returns the plaintext to seal. The caller clears it; copies that encoding/json made on the way it can't.
func encodeKey(r *KeyRecord) ([]byte, error) {
	out := keyJSON{
		Format: format, KeyID: r.KeyID, Spec: r.Spec, Usage: r.Usage, State: r.State,
		Description: r.Description, Tags: r.Tags,
		CreationTime: r.CreationTime, DeletionTime: r.DeletionTime, PendingWindowInDays: r.PendingWindowInDays,
		Rotation: rotationJSON(r.Rotation),
	}
	for _, rotation := range r.Rotations {
		out.Rotations = append(out.Rotations, rotatedJSON(rotation))
	}
	defer func() {
		for _, m := range out.Materials {
			clear(m.Bytes)
		}
	}()
	for _, m := range r.Materials {
		err := m.Bytes.Use(func(b []byte) error {
			out.Materials = append(out.Materials, materialJSON{ID: m.ID, CreatedAt: m.CreatedAt, Bytes: bytes.Clone(b)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

func decodeKey(plaintext []byte) (*KeyRecord, error) {
	var in keyJSON
	if err := decodeJSON(plaintext, &in); err != nil {
		return nil, err
	}
	if err := checkFormat(in.Format); err != nil {
		return nil, err
	}
	if len(in.Materials) == 0 {
		return nil, errors.New("it holds no key material")
	}
	r := &KeyRecord{
		KeyID: in.KeyID, Spec: in.Spec, Usage: in.Usage, State: in.State,
		Description: in.Description, Tags: in.Tags,
		CreationTime: in.CreationTime, DeletionTime: in.DeletionTime, PendingWindowInDays: in.PendingWindowInDays,
		Rotation: RotationSettings(in.Rotation),
	}
	for _, rotation := range in.Rotations {
		r.Rotations = append(r.Rotations, Rotation(rotation))
	}
	for _, m := range in.Materials {
		r.Materials = append(r.Materials, Material{ID: m.ID, CreatedAt: m.CreatedAt, Bytes: NewSecretBytes(m.Bytes)})
	}
	return r, nil
}

func encodeAlias(r *AliasRecord) ([]byte, error) {
	return json.Marshal(aliasJSON{
		Format: format, Name: r.Name, KeyID: r.KeyID, CreationTime: r.CreationTime, LastUpdated: r.LastUpdated,
	})
}

func decodeAlias(plaintext []byte) (*AliasRecord, error) {
	var in aliasJSON
	if err := decodeJSON(plaintext, &in); err != nil {
		return nil, err
	}
	if err := checkFormat(in.Format); err != nil {
		return nil, err
	}
	return &AliasRecord{
		Name: in.Name, KeyID: in.KeyID, CreationTime: in.CreationTime, LastUpdated: in.LastUpdated,
	}, nil
}

// decodeJSON tells no content in its error, since that may be secret.
func decodeJSON(plaintext []byte, into any) error {
	if err := json.Unmarshal(plaintext, into); err != nil {
		return errors.New("its content is not a record")
	}
	return nil
}

func checkFormat(got int) error {
	if got != format {
		return fmt.Errorf("it has format %d and this version reads format %d", got, format)
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// format is the version of the JSON below, and oldest the first one that is still read: format 1 knew no origin, policy,
// grants, relatives or uses. A reader refuses any later one: taking a record that a later version wrote for one of its own,
// it would drop what it does not know at the next write.
const (
	format = 2
	oldest = 1
)

// keyJSON is a KeyRecord as it is sealed.
type keyJSON struct {
	Format              int               `json:"format"`
	KeyID               string            `json:"keyID"`
	Spec                keyspec.Spec      `json:"spec"`
	Usage               keyspec.Usage     `json:"usage"`
	Origin              Origin            `json:"origin,omitempty"`
	State               lifecycle.State   `json:"state"`
	Description         string            `json:"description,omitempty"`
	Tags                map[string]string `json:"tags,omitempty"`
	CreationTime        time.Time         `json:"creationTime"`
	DeletionTime        time.Time         `json:"deletionTime,omitzero"`
	PendingWindowInDays int32             `json:"pendingWindowInDays,omitempty"`
	Rotation            rotationJSON      `json:"rotation,omitzero"`
	Rotations           []rotatedJSON     `json:"rotations,omitempty"`
	Materials           []materialJSON    `json:"materials,omitempty"`
	Pending             *materialJSON     `json:"pending,omitempty"`
	Rotating            RotationType      `json:"rotating,omitempty"`
	Policy              string            `json:"policy,omitempty"`
	Grants              []grantJSON       `json:"grants,omitempty"`
	MultiRegion         *multiRegionJSON  `json:"multiRegion,omitempty"`
	LastUse             *useJSON          `json:"lastUse,omitempty"`
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
	ID             string    `json:"id"`
	CreatedAt      time.Time `json:"createdAt"`
	Bytes          []byte    `json:"bytes,omitempty"`
	Description    string    `json:"description,omitempty"`
	ExpirationTime time.Time `json:"expirationTime,omitzero"`
}

type grantJSON struct {
	ID                      string            `json:"id"`
	Name                    string            `json:"name,omitempty"`
	CreationTime            time.Time         `json:"creationTime"`
	Grantee                 string            `json:"grantee,omitempty"`
	GranteeService          string            `json:"granteeService,omitempty"`
	Retiring                string            `json:"retiring,omitempty"`
	RetiringService         string            `json:"retiringService,omitempty"`
	IssuingAccount          string            `json:"issuingAccount"`
	Operations              []string          `json:"operations"`
	EncryptionContextEquals map[string]string `json:"encryptionContextEquals,omitzero"`
	EncryptionContextSubset map[string]string `json:"encryptionContextSubset,omitzero"`
	SourceArn               string            `json:"sourceArn,omitempty"`
}

type multiRegionJSON struct {
	PrimaryRegion    string    `json:"primaryRegion"`
	Epoch            int64     `json:"epoch"`
	Replicas         []string  `json:"replicas,omitempty"`
	Replicating      []string  `json:"replicating,omitempty"`
	ReplicatingSince time.Time `json:"replicatingSince,omitzero"`
}

type useJSON struct {
	Time      time.Time `json:"time"`
	Operation string    `json:"operation"`
	RequestID string    `json:"requestID"`
	EventID   string    `json:"eventID"`
	Principal string    `json:"principal"`
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
		Format: format, KeyID: r.KeyID, Spec: r.Spec, Usage: r.Usage, Origin: r.Origin, State: r.State,
		Description: r.Description, Tags: r.Tags, Policy: r.Policy,
		CreationTime: r.CreationTime, DeletionTime: r.DeletionTime, PendingWindowInDays: r.PendingWindowInDays,
		Rotation: rotationJSON(r.Rotation), Rotating: r.Rotating,
		MultiRegion: (*multiRegionJSON)(r.MultiRegion), LastUse: (*useJSON)(r.LastUse),
	}
	for _, rotation := range r.Rotations {
		out.Rotations = append(out.Rotations, rotatedJSON(rotation))
	}
	for _, grant := range r.Grants {
		out.Grants = append(out.Grants, grantJSON(grant))
	}
	defer out.clear()
	for _, m := range r.Materials {
		encoded, err := encodeMaterial(m)
		if err != nil {
			return nil, err
		}
		out.Materials = append(out.Materials, encoded)
	}
	if r.Pending != nil {
		encoded, err := encodeMaterial(*r.Pending)
		if err != nil {
			return nil, err
		}
		out.Pending = &encoded
	}
	return json.Marshal(out)
}

// clear overwrites the secret bytes.
func (k *keyJSON) clear() {
	for _, m := range k.Materials {
		clear(m.Bytes)
	}
	if k.Pending != nil {
		clear(k.Pending.Bytes)
	}
}

func encodeMaterial(m Material) (materialJSON, error) {
	out := materialJSON{ID: m.ID, CreatedAt: m.CreatedAt, Description: m.Description, ExpirationTime: m.ExpirationTime}
	if m.Bytes == nil {
		return out, nil
	}
	err := m.Bytes.Use(func(b []byte) error {
		out.Bytes = bytes.Clone(b)
		return nil
	})
	return out, err
}

func decodeMaterial(in materialJSON) Material {
	m := Material{ID: in.ID, CreatedAt: in.CreatedAt, Description: in.Description, ExpirationTime: in.ExpirationTime}
	if in.Bytes != nil {
		m.Bytes = NewSecretBytes(in.Bytes)
	}
	return m
}

func decodeKey(plaintext []byte) (*KeyRecord, error) {
	var in keyJSON
	if err := decodeJSON(plaintext, &in); err != nil {
		return nil, err
	}
	if err := checkFormat(in.Format); err != nil {
		return nil, err
	}
	if in.Origin == "" {
		in.Origin = OriginAWSKMS
	}
	r := &KeyRecord{
		KeyID: in.KeyID, Spec: in.Spec, Usage: in.Usage, Origin: in.Origin, State: in.State,
		Description: in.Description, Tags: in.Tags, Policy: in.Policy,
		CreationTime: in.CreationTime, DeletionTime: in.DeletionTime, PendingWindowInDays: in.PendingWindowInDays,
		Rotation: RotationSettings(in.Rotation), Rotating: in.Rotating,
		MultiRegion: (*MultiRegion)(in.MultiRegion), LastUse: (*Use)(in.LastUse),
	}
	for _, rotation := range in.Rotations {
		r.Rotations = append(r.Rotations, Rotation(rotation))
	}
	for _, grant := range in.Grants {
		r.Grants = append(r.Grants, Grant(grant))
	}
	for _, m := range in.Materials {
		r.Materials = append(r.Materials, decodeMaterial(m))
	}
	if in.Pending != nil {
		r.Pending = new(decodeMaterial(*in.Pending))
	}
	return r, checkMaterials(r)
}

// checkMaterials refuses a key that has no material although nobody could have taken it away.
func checkMaterials(r *KeyRecord) error {
	if r.Origin == OriginExternal {
		return nil
	}
	if len(r.Materials) == 0 || slices.ContainsFunc(r.Materials, func(m Material) bool { return m.Bytes == nil }) {
		return errors.New("it holds no key material")
	}
	return nil
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
	if got < oldest || got > format {
		return fmt.Errorf("it has format %d and this version reads formats %d to %d", got, oldest, format)
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"reflect"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

const (
	keyExpires       = "KEY_MATERIAL_EXPIRES"
	keyDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE"
	customerManaged  = "CUSTOMER"
)

// describe is the key's KeyMetadata, as CreateKey, DescribeKey and ReplicateKey answer it.
func describe(key *kms.Key) *KeyMetadata {
	record := key.Record()
	metadata := &KeyMetadata{
		AWSAccountID: key.Service().ID().AccountID, KeyID: key.ID(), ARN: key.ARN(),
		CreationDate: Time{record.CreationTime}, Description: record.Description,
		Enabled: record.State == lifecycle.Enabled, KeyState: string(record.State),
		KeySpec: string(record.Spec), KeyUsage: string(record.Usage),
		Origin: string(record.Origin), KeyManager: customerManaged,
		MultiRegionConfiguration: multiRegionConfiguration(key),
	}
	metadata.MultiRegion = metadata.MultiRegionConfiguration != nil
	// The old name of KeySpec. AWS fills it in for the youngest specs, too, which its enumeration does not have.
	metadata.CustomerMasterKeySpec = metadata.KeySpec
	if record.Spec.Symmetric() {
		metadata.CurrentKeyMaterialID = record.Current().ID
	}
	metadata.listAlgorithms(record.Spec, record.Usage)
	metadata.tellDeletion(record)
	metadata.tellExpiry(record)
	return metadata
}

// listAlgorithms fills in the list that belongs to the usage.
func (m *KeyMetadata) listAlgorithms(spec keyspec.Spec, usage keyspec.Usage) {
	names := algorithmNames(spec, usage)
	switch usage {
	case keyspec.EncryptDecrypt:
		m.EncryptionAlgorithms = names
	case keyspec.SignVerify:
		m.SigningAlgorithms = names
	case keyspec.GenerateVerifyMAC:
		m.MacAlgorithms = names
	case keyspec.KeyAgreement:
		m.KeyAgreementAlgorithms = names
	case keyspec.EncapsulateDecapsulate:
		m.EncapsulationAlgorithms = names
	}
}

// algorithmNames are the algorithms of a key of this spec and usage.
func algorithmNames(spec keyspec.Spec, usage keyspec.Usage) []string {
	algorithms := keyspec.Algorithms(spec, usage)
	names := make([]string, len(algorithms))
	for i, algorithm := range algorithms {
		names[i] = string(algorithm)
	}
	return names
}

// tellDeletion tells the date of a deletion, or of one that waits for the key's replicas only its window.
func (m *KeyMetadata) tellDeletion(record *keyring.KeyRecord) {
	switch record.State {
	case lifecycle.PendingDeletion:
		m.DeletionDate = Time{record.DeletionTime}
	case lifecycle.PendingReplicaDeletion:
		m.PendingDeletionWindowInDays = record.PendingWindowInDays
	default:
	}
}

// tellExpiry tells of imported material whether it expires, and of several when the first of them does. A key that waits
// for material has none that could.
func (m *KeyMetadata) tellExpiry(record *keyring.KeyRecord) {
	if record.Origin != keyring.OriginExternal || record.Current().Bytes == nil {
		return
	}
	var first time.Time
	for i := range record.Materials {
		expires := record.Materials[i].ExpirationTime
		if !expires.IsZero() && (first.IsZero() || expires.Before(first)) {
			first = expires
		}
	}
	m.ExpirationModel = keyDoesNotExpire
	if !first.IsZero() {
		m.ExpirationModel, m.ValidTo = keyExpires, Time{first}
	}
}

// multiRegionConfiguration names the key's relatives, itself among them; nil for a key of one Region.
func multiRegionConfiguration(key *kms.Key) *MultiRegionConfiguration {
	kind := key.MultiRegionType()
	if kind == "" {
		return nil
	}
	in := func(region string) MultiRegionKey {
		arn := kms.ARN{Region: region, AccountID: key.Service().ID().AccountID, KeyID: key.ID()}
		return MultiRegionKey{ARN: arn.String(), Region: region}
	}
	primary, replicas := key.Relatives()
	configuration := &MultiRegionConfiguration{
		MultiRegionKeyType: kind, PrimaryKey: new(in(primary)), ReplicaKeys: make([]MultiRegionKey, len(replicas)),
	}
	for i, region := range replicas {
		configuration.ReplicaKeys[i] = in(region)
	}
	return configuration
}

var metadataShape = newShape(reflect.TypeFor[KeyMetadata]())

// recorded is the metadata as CloudTrail writes it into a record; there, too, false is said and not left out.
func (m *KeyMetadata) recorded() map[string]any {
	elements := metadataShape.parameters(reflect.ValueOf(m).Elem())
	elements["enabled"], elements["multiRegion"] = m.Enabled, m.MultiRegion
	elements["description"] = m.Description
	return elements
}

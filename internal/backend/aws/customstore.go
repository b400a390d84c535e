// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// What CreateKey is refused for by a custom key store, with the way out.
const (
	sayNoStore      = "there is no such custom key store in this account and Region: make it, or declare another Key with another spec.customKeyStoreID"
	sayDisconnected = "the custom key store is not connected: connect it, and the key is made"
	sayClusterUnfit = "the custom key store's CloudHSM cluster must have two active HSMs in different Availability Zones: add what it lacks"
	sayXksInUse     = "the external key has a KMS key already: declare another Key with another spec.xksKeyID"
	sayXksUnfit     = "the external key must be an enabled AES-256 key that encrypts and decrypts: change it, or declare another Key with another spec.xksKeyID"
	sayNoXksKey     = "the external key store proxy finds no such external key: make it, or declare another Key with another spec.xksKeyID"
)

// storeOf tells in which custom key store a key is.
func storeOf(m *types.KeyMetadata) backend.CustomKeyStore {
	store := backend.CustomKeyStore{ID: awssdk.ToString(m.CustomKeyStoreId)}
	if m.XksKeyConfiguration != nil {
		store.XksKeyID = awssdk.ToString(m.XksKeyConfiguration.Id)
	}
	return store
}

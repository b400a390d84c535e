// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring

// ID names a keyring: the account and region whose keys it holds. Everything sealed in one keyring is bound to it and
// does not open in another.
type ID struct {
	// AccountID is 12 digits.
	AccountID string
	// Region is up to 32 lower-case letters, digits and hyphens.
	Region string
}

// String is ACCOUNT.REGION, which is also a valid label value.
func (id ID) String() string { return id.AccountID + "." + id.Region }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

// Default is the key policy that AWS KMS gives a key of the account for which CreateKey names none: it leaves everything to
// the account (AWS KMS Developer Guide, "Default key policy").
func Default(accountID string) *Document {
	return &Document{
		Version: Version2012, ID: "key-default-1",
		Statements: []Statement{{
			Sid: "Enable IAM User Permissions", Effect: Allow,
			Principal: Principals{AWS: []string{"arn:aws:iam::" + accountID + ":root"}},
			Action:    []string{"kms:*"}, Resource: []string{"*"},
		}},
	}
}

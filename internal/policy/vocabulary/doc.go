// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package vocabulary knows the words of which a key policy is made: the actions of AWS KMS with the keys on which each can be
// performed, the permissions of a KeyPolicy as the sets of actions they stand for, and the condition keys with the types
// of their values.
//
// Actions are named as IAM does, with their service: kms:Decrypt. Neither their case nor that of condition keys matters to
// AWS, so none of the look-ups minds it; what is returned is in AWS's spelling. There are actions that a key policy cannot
// give, whatever it says: those of [ScopeAccount] are about no key or about more than one, and are given by IAM policies
// only. No key can perform them.
//
// Sources: the Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management Service";
// the AWS KMS Developer Guide, "AWS KMS permissions" and "AWS KMS condition keys"; the IAM User Guide, "AWS global condition
// context keys".
package vocabulary

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lint finds in key policies what is well formed and yet a mistake, before it bites: what locks the operator out or lets
// everybody in, words that AWS KMS does not know, principals that it refuses, and statements that can do nothing. It is
// pure, and it judges the document alone: what IAM policies, grants and organisations add is not known here.
//
// An [Error] is a reason to refuse the document. A [Warning] is something that may well be meant and deserves a look. Where
// a rule cannot be sure, it takes the side that does no harm: it takes a condition for no limit unless it certainly is one,
// and a Deny for one that strikes the operator unless it certainly does not.
package lint

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package compile makes key policies out of KeyPolicies. It is pure: objects and look-ups in, documents and findings out.
//
// One KeyPolicy becomes one Part of the policy of each key that it selects: a statement for each rule, since what a
// permission stands for depends on the key's usage, and whom a principal names on where the key lives. Merge puts the parts
// of a key together under policy.Base. Their order, and that of rules and principals, makes no difference: the same
// KeyPolicies give the same bytes, and taking one away takes away its statements and nothing else.
//
// A part with a finding of severity Error is refused, and only that part. Merge then keeps what is in force of the
// KeyPolicy, which it knows by the statements' Sids: a mistake neither opens nor closes anything.
package compile

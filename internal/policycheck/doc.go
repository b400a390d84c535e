// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package policycheck answers, without an operator, what key policies come to: what is wrong with them ([World.Lint]), and whether
// somebody may do something with a key ([World.Simulate]). It asks the same packages as the operator and the endpoint, so
// its answers are theirs.
//
// A [World] is what there is to answer from: Keys, KeyPolicies, KMSBackends and ServiceAccounts, from manifests
// ([World.Read]), from a cluster, or from manifests as they would be in a cluster; or policy documents in IAM's JSON. The
// package itself reads no files and talks to nobody.
package policycheck

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the CustomResourceDefinitions, for what has to know the schema of the kinds without an API server.
package crd

import "embed"

// Bases are the generated CustomResourceDefinitions, one YAML file a kind in the folder bases.
//
//go:embed bases/*.yaml
var Bases embed.FS

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package controlplane pins the programs of a real Kubernetes control plane,
// so that demo, run, tests and benchmarks have one on any machine with Go:
// build.sh builds them through the Go module proxy, no download of binaries is
// involved. The imports below are what keeps them in go.mod; nothing is ever
// compiled from this file.
package controlplane

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)

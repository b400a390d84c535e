// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Command golangci-lint is golangci-lint with kube-api-linter compiled in, so
// that one linter run checks the Go code and the API conventions of api/.
//
// golangci-lint loads extra linters ("module plugins") only when they are part
// of its binary; the released binary has none, hence this main package. The
// Makefile builds it to bin/golangci-lint. Versions are pinned in this
// module's go.mod.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/golangci/golangci-lint/v2/pkg/commands"
	"github.com/golangci/golangci-lint/v2/pkg/exitcodes"

	// Registers the module plugin that .golangci.yml calls "kubeapilinter".
	_ "sigs.k8s.io/kube-api-linter"
)

func main() {
	if err := commands.Execute(buildInfo()); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "golangci-lint: %v\n", err)
		os.Exit(exitcodes.Failure)
	}
}

// buildInfo says what this binary was built from.
//
// golangci-lint keys its cache by version, unless that is "(devel)": then by a
// hash of the binary. A released version here would share a cache with the
// released binary, which analyses with other plugins and other dependencies.
func buildInfo() commands.BuildInfo {
	info := commands.BuildInfo{Version: "(devel)", Date: "(unknown)"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	var modules []string
	for _, dep := range build.Deps {
		switch dep.Path {
		case "github.com/golangci/golangci-lint/v2", "sigs.k8s.io/kube-api-linter":
			modules = append(modules, dep.Path+"@"+dep.Version)
		}
	}
	info.GoVersion = build.GoVersion
	info.Commit = strings.Join(modules, " and ")
	return info
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config_test applies what config/ ships to a real API server, as a person would.
package config_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const operatorNamespace = "chatelaine-system"

var manager = types.NamespacedName{Namespace: operatorNamespace, Name: "chatelaine-manager"}

var env *testenv.Env

func TestMain(m *testing.M) {
	os.Exit(testenv.Run(installed{m}, &env, testenv.Options{WithoutCRDs: true}))
}

// installed runs the tests with config/default applied to the shared server.
type installed struct{ *testing.M }

func (i installed) Run() int {
	if err := install(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return i.M.Run()
}

func install() error {
	path, err := testenv.Path("config", "default")
	if err != nil {
		return err
	}
	return env.ApplyKustomization(context.Background(), path)
}

// path is that of a folder of the repository.
func path(t *testing.T, elem ...string) string {
	t.Helper()
	path, err := testenv.Path(elem...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// kubectlQuietly is what kubectl prints on server, line by line. The API server's and kubectl's own warnings fail the test.
func kubectlQuietly(t *testing.T, server *testenv.Env, args ...string) []string {
	t.Helper()
	output, err := server.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if output.Stderr != "" {
		t.Errorf("kubectl %s warns: %s", strings.Join(args, " "), output.Stderr)
	}
	return strings.Split(strings.TrimSpace(output.Stdout), "\n")
}

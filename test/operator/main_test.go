// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package operator_test runs the whole operator against a real API server, with the software backend and with nothing
// but the permissions that config/rbac gives it.
package operator_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const operatorNamespace = "chatelaine-system"

var (
	// buildDir is where the operator with failpoints is built; empty until it is.
	buildDir       string
	env            *testenv.Env
	managerAccount = types.NamespacedName{Namespace: operatorNamespace, Name: "chatelaine-manager"}
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	os.Exit(testenv.Run(installed{m}, &env, testenv.Options{WithoutCRDs: true, Audit: true}))
}

// installed runs the tests with config/default on the server, and fails when the operator was ever refused a request.
type installed struct{ *testing.M }

func (i installed) Run() int {
	err := install(context.Background(), env)
	var start testenv.Mark
	if err == nil {
		start, err = env.Audit.Mark()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := i.M.Run()
	if err := os.RemoveAll(buildDir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := neverRefused(env, start); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// neverRefused says what the operator was refused for want of permission since start.
func neverRefused(server *testenv.Env, start testenv.Mark) error {
	requests, err := server.Audit.Since(start)
	if err != nil {
		return err
	}
	if refused := requests.By(testenv.UserName(managerAccount)).Forbidden(); len(refused) > 0 {
		return fmt.Errorf("config/rbac refused the operator: %v", refused.Counts())
	}
	return nil
}

// install puts what config/default holds onto the server, and returns when the operator may do there what it is to do: the API server
// takes roles up, and bindings, a moment after they were made.
func install(ctx context.Context, server *testenv.Env) error {
	path, err := testenv.Path("config", "default")
	if err != nil {
		return err
	}
	if err := server.ApplyKustomization(ctx, path); err != nil {
		return err
	}
	user := testenv.UserName(managerAccount)
	for _, access := range []testenv.Access{
		{User: user, Namespace: operatorNamespace, Verb: "get", Resource: "secrets"}, // by the Role
		{User: user, Verb: "list", Resource: "keys.kms.chatelaine.dev"},              // by the ClusterRole
	} {
		if err := server.WaitAllowed(ctx, access); err != nil {
			return err
		}
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"os"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) {
	if os.Getenv(dieVariable) != "" {
		startAndDie()
	}
	os.Exit(testenv.Run(m, &env, testenv.Options{Audit: true}))
}

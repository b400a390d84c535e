// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
)

// newerThanBotocore are the operations that the SDK for Go knows and botocore 1.43.11 does not.
var newerThanBotocore = map[string]func(*testing.T){
	"Encapsulate": testEncapsulate,
	"Decapsulate": testDecapsulate,
}

// TestEveryOperation has a client call each operation of the table, with success and with errors. An operation that is new
// in the table fails until a client calls it.
func TestEveryOperation(t *testing.T) {
	called := map[string]result{}
	for _, r := range results(t, "python/suite.py") {
		called[r.Operation] = r
	}
	for _, op := range operation.All() {
		t.Run(op.Name, func(t *testing.T) {
			if test, ok := newerThanBotocore[op.Name]; ok {
				test(t)
				return
			}
			r, ok := called[op.Name]
			if !ok {
				t.Fatal("no client called it")
			}
			delete(called, op.Name)
			if r.Successes == 0 && !op.Unsupported {
				t.Error("it never succeeded")
			}
			if len(r.Errors) == 0 {
				t.Error("it was never refused")
			}
			for _, failure := range r.Failures {
				t.Error(failure)
			}
		})
	}
	for name, r := range called {
		t.Errorf("%s was called and is not in the table: %v", name, r.Failures)
	}
}

func TestSpoiltRequestsAreRefusedAsAWSDoes(t *testing.T) {
	for _, r := range results(t, "python/hostile.py") {
		t.Run(r.Case, func(t *testing.T) {
			for _, failure := range r.Failures {
				t.Error(failure)
			}
		})
	}
}

func TestTheCheckerFindsWhatIsWrong(t *testing.T) {
	cmd := pythonCommand(t, "root", "-m", "unittest", "test_checker")
	cmd.Dir = "python"
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

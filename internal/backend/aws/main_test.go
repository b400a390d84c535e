// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stopMoto()
	if err := comparedWithTable(); code == 0 && wholeSuite() && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// recorded are the calls of all tests.
var recorded struct {
	mu       sync.Mutex
	counters []*awstest.Counter
}

// record notes what is called of AWS.
func record(next http.Handler) http.Handler {
	counter := awstest.NewCounter(next)
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.counters = append(recorded.counters, counter)
	return counter
}

// comparedWithTable says which of the operations are never called, and which are called and not among them: by the table requests are
// paced, and a test compares it with config/aws/iam-policy.json. AssumeRole is of another policy, and is paced by nobody.
func comparedWithTable() error {
	called := map[string]bool{}
	for _, counter := range recorded.counters {
		for operation := range counter.Counts() {
			called[operation] = true
		}
	}
	want := []string{"AssumeRole"}
	want = append(want, slices.Collect(maps.Keys(operations))...)
	var problems []string
	for _, operation := range want {
		if !called[operation] {
			problems = append(problems, operation+" is in the table of operations, and no test has it called")
		}
		delete(called, operation)
	}
	for operation := range called {
		problems = append(problems, operation+" was called, and is not in the table of operations")
	}
	if len(problems) == 0 {
		return nil
	}
	slices.Sort(problems)
	return fmt.Errorf("%s", strings.Join(problems, "\n"))
}

// wholeSuite says whether all tests were asked for.
func wholeSuite() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/test/python"
)

// pythonCommand runs Python with nothing of the developer's AWS configuration, and leaves no files in the tree.
func pythonCommand(t *testing.T, who string, args ...string) *exec.Cmd {
	t.Helper()
	name, err := python.Interpreter()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.Contains(strings.ToLower(variable), "_proxy=") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ENDPOINT_URL_KMS="+endpoint, "AWS_ENDPOINT_URL_STS="+endpoint,
		"AWS_ACCESS_KEY_ID="+callers[who].AccessKeyID, "AWS_SECRET_ACCESS_KEY="+callers[who].SecretAccessKey)
	return cmd
}

// result is a line that suite.py or hostile.py prints.
type result struct {
	Operation, Case string
	Successes       int
	Errors          map[string]int
	Failures        []string
	Summary         map[string]int
}

// results runs a script, and fails unless it came to its end.
func results(t *testing.T, script string) []result {
	t.Helper()
	configuration := filepath.Join(t.TempDir(), "configuration.json")
	content, err := json.Marshal(map[string]any{
		"endpoint": endpoint, "account": account, "regions": []string{region, otherRegion}, "callers": callers,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(configuration, content, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := pythonCommand(t, "root", script, configuration)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, &stderr)
	}
	var all []result
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line result
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s printed %q: %v", script, lines.Text(), err)
		}
		all = append(all, line)
	}
	last := len(all) - 1
	if lines.Err() != nil || last < 1 || all[last].Summary == nil {
		t.Fatalf("%s did not come to its end (%v):\n%s\n%s", script, lines.Err(), output, &stderr)
	}
	t.Logf("%s: %v", script, all[last].Summary)
	return all[:last]
}

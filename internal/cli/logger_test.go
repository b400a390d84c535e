// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
)

// logged are the lines that a logger of the level and format given writes to standard error.
func logged(t *testing.T, level, format string, log func(logr.Logger)) []string {
	t.Helper()
	stdout, stderr := capture(t, func() {
		logger, err := newLogger(level, format)
		if err != nil {
			t.Errorf("level %s, format %s: %v", level, format, err)
			return
		}
		log(logger)
	})
	if stdout != "" {
		t.Errorf("written to standard output: %s", stdout)
	}
	return strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
}

func TestLogsAreJSONWithTheirKeysAndValues(t *testing.T) {
	lines := logged(t, "info", "json", func(logger logr.Logger) {
		logger.WithName("key").Info("created a key", "keyID", "key-1", "count", 2)
		logger.Error(errors.New("no \"answer\""), "calling the backend", "keyID", "key-1")
	})
	var got []map[string]any
	for _, line := range lines {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		if _, ok := entry["time"].(string); !ok {
			t.Errorf("no time in %s", line)
		}
		delete(entry, "time")
		got = append(got, entry)
	}
	want := []map[string]any{
		{"level": "INFO", "msg": "created a key", "logger": "key", "keyID": "key-1", "count": 2.0},
		{"level": "ERROR", "msg": "calling the backend", "err": `no "answer"`, "keyID": "key-1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestLogsAreTextWhereThatIsAskedFor(t *testing.T) {
	lines := logged(t, "info", "text", func(logger logr.Logger) {
		logger.Info("created a key", "keyID", "key-1")
	})
	if len(lines) != 1 || !strings.HasSuffix(lines[0], ` level=INFO msg="created a key" keyID=key-1`) {
		t.Errorf("lines %q", lines)
	}
}

func TestTheLogLevelSaysWhatIsLeftOut(t *testing.T) {
	for level, want := range map[string]string{
		"debug": "details,news,failure", "DEBUG": "details,news,failure",
		"info": "news,failure", "warn": "failure", "error": "failure",
	} {
		var got []string
		for _, line := range logged(t, level, "text", func(logger logr.Logger) {
			logger.V(1).Info("details")
			logger.Info("news")
			logger.Error(errors.New("odd"), "failure")
		}) {
			_, message, _ := strings.Cut(line, " msg=")
			got = append(got, strings.Fields(message)[0])
		}
		if strings.Join(got, ",") != want {
			t.Errorf("level %s shows %v, want %s", level, got, want)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs_test keeps what is written for people true where a machine can tell.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/metrics"
)

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// metricRow is a row of the table of metrics: name, kind and labels.
	metricRow     = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (counter|gauge|histogram) \\| ([^|]*) \\|")
	metricName    = regexp.MustCompile(`chatelaine_\w+`)
	histogramPart = regexp.MustCompile(`_bucket$|_count$|_sum$`)
	makeTarget    = regexp.MustCompile("`make ([a-z][a-z-]*)")
)

func TestEveryReasonOfAConditionIsExplained(t *testing.T) {
	guide := read(t, "keys.md")
	for name, reason := range reasons(t) {
		if !regexp.MustCompile(`(?m)^\|[^|]*` + "`" + reason + "`").MatchString(guide) {
			t.Errorf("keys.md explains no reason %s (%s)", reason, name)
		}
	}
}

func TestTheMetricsListedAreThoseThatThereAre(t *testing.T) {
	page := read(t, "metrics.md")
	listed := map[string]string{}
	for _, row := range metricRow.FindAllStringSubmatch(page, -1) {
		listed[row[1]] = row[2] + " " + strings.ReplaceAll(row[3], "`", "")
	}
	for _, metric := range metrics.All() {
		if want := string(metric.Kind) + " " + strings.Join(metric.Labels, ", "); listed[metric.Name] != want {
			t.Errorf("metrics.md lists %s as %q, and it is %q", metric.Name, listed[metric.Name], want)
		}
		delete(listed, metric.Name)
	}
	for name := range listed {
		t.Errorf("metrics.md lists %s, which there is not", name)
	}
	for _, used := range metricName.FindAllString(page, -1) {
		name := histogramPart.ReplaceAllString(used, "")
		if !slices.ContainsFunc(metrics.All(), func(m metrics.Metric) bool { return m.Name == name }) {
			t.Errorf("metrics.md names %s, which there is not", used)
		}
	}
}

func TestEveryLinkLeadsToAFile(t *testing.T) {
	for _, page := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, _, _ := strings.Cut(match[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s: %v", page, match[1], err)
			}
		}
	}
}

func TestEveryMakeTargetNamedExists(t *testing.T) {
	makefile := read(t, "../Makefile")
	for _, page := range pages(t) {
		for _, match := range makeTarget.FindAllStringSubmatch(read(t, page), -1) {
			if !strings.Contains(makefile, "\n"+match[1]+":") {
				t.Errorf("%s names make %s, which the Makefile does not have", page, match[1])
			}
		}
	}
}

// reasons are the constants of the API whose names begin with Reason, and their values.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("%s is no literal", spec.Names[0].Name)
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		found[spec.Names[0].Name] = value
		return false
	})
	if len(found) == 0 {
		t.Fatal("no reasons found")
	}
	return found
}

// pages are the Markdown files for people: those here and in the root.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "../*.md"} {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, matches...)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

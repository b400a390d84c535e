// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestDefaultAppliesCleanlyAndTheSecondTimeChangesNothing(t *testing.T) {
	dir := path(t, "config", "default")
	for name, test := range map[string]struct {
		flags []string
		// said ends every line that kubectl prints the first time.
		said string
	}{
		"server-side":   {[]string{"--server-side"}, "serverside-applied"},
		"by the client": {nil, "created"},
	} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Start(t, testenv.Options{WithoutCRDs: true})
			apply := append([]string{"apply", "--validate=strict", "-k", dir}, test.flags...)
			for _, line := range kubectlQuietly(t, server, apply...) {
				if !strings.HasSuffix(line, " "+test.said) {
					t.Errorf("kubectl printed %q, want %s", line, test.said)
				}
			}
			// What the server itself writes into a CRD's status comes a moment later.
			kubectlQuietly(t, server, "wait", "--for=condition=Established", "--timeout=60s", "customresourcedefinitions", "--all")
			before := versions(t, server, dir)
			kubectlQuietly(t, server, apply...)
			if diff := cmp.Diff(before, versions(t, server, dir)); diff != "" {
				t.Errorf("the second time changed objects (-before +after):\n%s", diff)
			}
		})
	}
}

// That the Deployment brings no warning says something only if a worse one would.
func TestOperatorsNamespaceWarnsOfPodsThatAreNotRestricted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deployment.yaml")
	manifest := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: careless, namespace: chatelaine-system}, spec: {
		selector: {matchLabels: {app: careless}}, template: {metadata: {labels: {app: careless}}, spec: {
		containers: [{name: careless, image: careless}]}}}}`
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(manifest, "\t", " ")), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := env.Kubectl(t.Context(), "apply", "--dry-run=server", "-f", file)
	if err != nil {
		t.Fatal(err)
	}
	if want := `would violate PodSecurity "restricted`; !strings.Contains(output.Stderr, want) {
		t.Errorf("kubectl warned %q, want %q", output.Stderr, want)
	}
}

func TestEverythingIsLabelledAsChatelaines(t *testing.T) {
	labelled := kubectlQuietly(t, env, "get", "-k", path(t, "config", "default"), "-o", "name",
		"-l", "app.kubernetes.io/name=chatelaine,app.kubernetes.io/part-of=chatelaine")
	rendered := kubectlQuietly(t, env, "get", "-k", path(t, "config", "default"), "-o", "name")
	if diff := cmp.Diff(rendered, labelled); diff != "" {
		t.Errorf("objects without the labels (-):\n%s", diff)
	}
}

// versions are the resourceVersions of the objects that the kustomization in dir renders, by kind and name.
func versions(t *testing.T, server *testenv.Env, dir string) map[string]string {
	t.Helper()
	const columns = "jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}"
	found := map[string]string{}
	for _, line := range kubectlQuietly(t, server, "get", "-k", dir, "-o", columns) {
		fields := strings.Fields(line)
		found[fields[0]+" "+fields[1]] = fields[2]
	}
	if len(found) < 10 {
		t.Fatalf("only %d objects found: %v", len(found), found)
	}
	return found
}

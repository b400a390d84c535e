// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
---
# nothing but a comment
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: first}
`

func TestManifestsMayUseTheCRDsThatTheyBring(t *testing.T) {
	for _, pass := range []string{"first", "second"} {
		if err := env.ApplyManifests(t.Context(), []byte(widgets)); err != nil {
			t.Fatalf("%s pass: %v", pass, err)
		}
	}
	output, err := env.Kubectl(t.Context(), "get", "widgets", "--output=name")
	if err != nil {
		t.Fatal(err)
	}
	if want := "widget.example.com/first\n"; output.Stdout != want {
		t.Errorf("kubectl get printed %q, want %q", output.Stdout, want)
	}
}

func TestManifestsWithUnknownFieldsAreRefused(t *testing.T) {
	manifest := "{apiVersion: v1, kind: ConfigMap, metadata: {name: unknown-field, namespace: default}, dada: {}}"
	err := env.ApplyManifests(t.Context(), []byte(manifest))
	if err == nil || !strings.Contains(err.Error(), ".dada: field not declared in schema") {
		t.Errorf("got %v, want a refusal of the field dada", err)
	}
}

func TestFilesAndKustomizationsAreApplied(t *testing.T) {
	dir := t.TempDir()
	namespace := env.Namespace(t)
	file := filepath.Join(dir, "settings.yaml")
	write(t, file, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: "+namespace+"}}")
	write(t, filepath.Join(dir, "kustomization.yaml"), "{resources: [settings.yaml], namePrefix: app-}")

	if err := env.ApplyFile(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if err := env.ApplyKustomization(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"settings", "app-settings"} {
		if err := env.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &corev1.ConfigMap{}); err != nil {
			t.Errorf("getting the ConfigMap: %v", err)
		}
	}
}

func TestKubectlFailureSaysWhatKubectlSaid(t *testing.T) {
	output, err := env.Kubectl(t.Context(), "get", "keys", "nosuch")
	if err == nil || !strings.Contains(err.Error(), `"nosuch" not found`) {
		t.Errorf("got error %v, want kubectl's own words in it", err)
	}
	if !strings.Contains(output.Stderr, `"nosuch" not found`) {
		t.Errorf("standard error is %q", output.Stderr)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

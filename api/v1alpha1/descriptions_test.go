// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// explainWidth is the room that kubectl explain has for a line; it breaks longer ones, each on its own.
const explainWidth = 76

// upstream are the fields whose documentation is Kubernetes' own.
var upstream = []string{"apiVersion", "kind", "metadata", "selector", "conditions"}

func TestEveryFieldIsDocumentedForKubectlExplain(t *testing.T) {
	for _, name := range []string{"keys.kms.chatelaine.dev", "keypolicies.kms.chatelaine.dev", "kmsbackends.kms.chatelaine.dev"} {
		var crd apiextensionsv1.CustomResourceDefinition
		if err := env.Client.Get(t.Context(), client.ObjectKey{Name: name}, &crd); err != nil {
			t.Fatal(err)
		}
		for _, version := range crd.Spec.Versions {
			checkDescription(t, crd.Spec.Names.Singular, *version.Schema.OpenAPIV3Schema)
		}
	}
}

func checkDescription(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	if schema.Description == "" {
		t.Errorf("%s is not documented", path)
	}
	for line := range strings.Lines(schema.Description) {
		if width := len(strings.TrimSpace(line)); width > explainWidth {
			t.Errorf("%s has a line of %d characters, want at most %d: %s", path, width, explainWidth, line)
		}
	}
	for name, field := range schema.Properties {
		if slices.Contains(upstream, name) {
			continue
		}
		if !strings.HasPrefix(field.Description, name+" ") {
			t.Errorf("the documentation of %s.%s does not begin with its name", path, name)
		}
		checkDescription(t, path+"."+name, field)
	}
}

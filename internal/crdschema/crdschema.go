// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crdschema says what an API server would say to a new object of one of Chatelaine's kinds, without an API server: by
// the CRDs built into the program, and with the API server's own code, CEL rules included. It decodes strictly, as kubectl
// has it done: an unknown field or one that occurs twice is a mistake.
//
// It is about creation: rules that compare an object with an earlier one are not applied, and nothing is said about what an
// admission policy, quota or permission would refuse.
package crdschema

import (
	"context"
	"fmt"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/chatelaine-dev/chatelaine/config/crd"
)

// Problem is a reason to refuse an object.
type Problem struct {
	// Field that is wrong, such as spec.rules[0].sid; empty if it is the object as a whole.
	Field string
	// Message in the API server's words.
	Message string
}

// Schemas are those of Chatelaine's kinds. They may be used by several goroutines.
type Schemas struct {
	kinds map[schema.GroupVersionKind]*kind
}

// Load returns the schemas. They are compiled when they are first needed.
var Load = sync.OnceValues(load)

func load() (*Schemas, error) {
	files, err := crd.Bases.ReadDir("bases")
	if err != nil {
		return nil, fmt.Errorf("reading the built-in CRDs: %w", err)
	}
	loaded := &Schemas{kinds: map[schema.GroupVersionKind]*kind{}}
	for _, file := range files {
		data, err := crd.Bases.ReadFile("bases/" + file.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the built-in CRDs: %w", err)
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(data, definition); err != nil {
			return nil, fmt.Errorf("reading the built-in CRD %s: %w", file.Name(), err)
		}
		loaded.add(definition)
	}
	return loaded, nil
}

func (s *Schemas) add(definition *apiextensionsv1.CustomResourceDefinition) {
	for i := range definition.Spec.Versions {
		version := &definition.Spec.Versions[i]
		gvk := schema.GroupVersionKind{Group: definition.Spec.Group, Version: version.Name, Kind: definition.Spec.Names.Kind}
		of := &kind{namespaced: definition.Spec.Scope == apiextensionsv1.NamespaceScoped}
		of.compile = sync.OnceValues(func() (*compiled, error) { return compile(version.Schema.OpenAPIV3Schema) })
		s.kinds[gvk] = of
	}
}

// Group is that of Chatelaine's kinds.
const Group = "kms.chatelaine.dev"

// Knows says whether there is a schema for the kind.
func (s *Schemas) Knows(gvk schema.GroupVersionKind) bool { return s.kinds[gvk] != nil }

// Namespaced says whether objects of the kind, which must be known, live in namespaces.
func (s *Schemas) Namespaced(gvk schema.GroupVersionKind) bool { return s.kinds[gvk].namespaced }

// maxGenerated is how much of generateName goes into a name, which ends in five random characters.
const maxGenerated = 58

// Create does to an object of a known kind what creating it would: unknown fields and status are removed, and defaults and
// a generated name are filled in. It returns what the API server would refuse it for, and then the object is not to be used.
func (s *Schemas) Create(ctx context.Context, object *unstructured.Unstructured) ([]Problem, error) {
	of := s.kinds[object.GroupVersionKind()]
	schemas, err := of.compile()
	if err != nil {
		return nil, fmt.Errorf("compiling the built-in schema of %s: %w", object.GetKind(), err)
	}
	if problems := schemas.decode(object); len(problems) > 0 { // an API server does not go on then
		return problems, nil
	}
	delete(object.Object, "status") // it is another request's
	if !of.namespaced {
		object.SetNamespace(metav1.NamespaceNone)
	}
	if base := object.GetGenerateName(); object.GetName() == "" && base != "" {
		object.SetName(base[:min(len(base), maxGenerated)] + "xxxxx")
	}
	return schemas.validate(ctx, object, of.namespaced), nil
}

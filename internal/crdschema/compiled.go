// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package crdschema

import (
	"context"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// unknownField is what strict decoding says of a field that the schema does not have.
const unknownField = "unknown field"

// kind is one kind in one version.
type kind struct {
	namespaced bool
	// compile takes a while, and not every run has every kind.
	compile func() (*compiled, error)
}

// compiled is a schema in the forms in which the API server uses it.
type compiled struct {
	structural *structuralschema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
}

func compile(props *apiextensionsv1.JSONSchemaProps) (*compiled, error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props, internal, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(internal)
	if err != nil {
		return nil, err
	}
	openAPI, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return nil, err
	}
	return &compiled{
		structural: structural, openAPI: openAPI, rules: cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// decode makes the object one of the schema's, and returns what is wrong with that: fields that the schema does not have, and
// metadata that is none. The steps and their order are the API server's.
func (c *compiled) decode(object *unstructured.Unstructured) []Problem {
	unknown, err := c.coerce(object)
	if err != nil {
		return []Problem{{Message: err.Error()}}
	}
	problems := make([]Problem, 0, len(unknown))
	for _, path := range unknown {
		problems = append(problems, Problem{Field: path, Message: unknownField})
	}
	return problems
}

func (c *compiled) coerce(object *unstructured.Unstructured) (unknown []string, err error) {
	apiVersion, kindName := object.GetAPIVersion(), object.GetKind()
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	unknown = append(unknown, pruning.PruneWithOptions(object.Object, c.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, c.structural)
	embedded, more := objectmeta.CoerceWithOptions(nil, object.Object, c.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if embedded != nil {
		return nil, embedded
	}
	unknown = append(unknown, more...)
	object.SetAPIVersion(apiVersion)
	object.SetKind(kindName)
	if found {
		if err := objectmeta.SetObjectMeta(object.Object, meta); err != nil {
			return nil, err
		}
	}
	defaulting.Default(object.Object, c.structural)
	return unknown, nil
}

// validate applies the schema, and its rules unless what is wrong keeps them from being evaluated.
func (c *compiled) validate(ctx context.Context, object *unstructured.Unstructured, namespaced bool) []Problem {
	wrong := apivalidation.ValidateObjectMetaAccessor(object, namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	wrong = append(wrong, validation.ValidateCustomResource(nil, object.Object, c.openAPI)...)
	wrong = append(wrong, objectmeta.Validate(nil, object.Object, c.structural, false)...)
	wrong = append(wrong, listtype.ValidateListSetsAndMaps(nil, c.structural, object.Object)...)
	if !blocksRules(wrong) && c.rules != nil {
		broken, _ := c.rules.Validate(ctx, nil, c.structural, object.Object, nil, celconfig.RuntimeCELCostBudget)
		wrong = append(wrong, broken...)
	}
	problems := make([]Problem, 0, len(wrong))
	for _, err := range wrong {
		problems = append(problems, Problem{Field: err.Field, Message: err.ErrorBody()})
	}
	return problems
}

// blocking are the mistakes that keep an API server from evaluating rules.
var blocking = []field.ErrorType{
	field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid,
}

func blocksRules(wrong field.ErrorList) bool {
	for _, err := range wrong {
		if slices.Contains(blocking, err.Type) {
			return true
		}
	}
	return false
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"bytes"
	"encoding/json"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructuredscheme"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"sigs.k8s.io/yaml"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// decode reads a manifest strictly. Mistakes that leave a manifest to be looked at come as a strict decoding error with it.
func decode(text []byte) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, unstructuredscheme.NewUnstructuredCreator(),
		unstructuredscheme.NewUnstructuredObjectTyper(), serializer.SerializerOptions{Yaml: true, Strict: true})
	_, _, err := decoder.Decode(text, nil, object)
	if object.Object == nil {
		object.Object = map[string]any{}
	}
	return object, err
}

// isEmpty says whether a document of YAML has nothing in it but comments.
func isEmpty(text []byte) bool {
	var content any
	err := yaml.Unmarshal(text, &content)
	return err == nil && content == nil
}

// isDocument says whether a file is a policy document, or meant to be one: a JSON object that is no manifest.
func isDocument(data []byte) bool {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return false
	}
	var content map[string]json.RawMessage
	if err := json.Unmarshal(data, &content); err != nil {
		return bytes.Contains(data, []byte(`"Statement"`)) // a mistake in it is better told of as in a policy
	}
	return content["Statement"] != nil || isAnswer(content)
}

// isAnswer says whether it is what `aws kms get-key-policy` prints: the document as a text.
func isAnswer(content map[string]json.RawMessage) bool {
	return content["Policy"] != nil && content["kind"] == nil && content["apiVersion"] == nil
}

func (w *World) readDocument(file File) {
	data := file.Data
	var answer struct{ Policy *string }
	if err := json.Unmarshal(data, &answer); err == nil && answer.Policy != nil {
		data = []byte(*answer.Policy)
	}
	document := Document{From: file.Name}
	parsed, err := policy.Parse(data)
	switch wrong, ok := errors.AsType[*policy.Error](err); {
	case ok:
		document.Problem = wrong
	case err != nil:
		document.Problem = &policy.Error{Statement: -1, Problem: err.Error()}
	default:
		document.Policy = parsed
	}
	w.documents = append(w.documents, document)
}

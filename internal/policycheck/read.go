// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/crdschema"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// File is one to be read.
type File struct {
	// Name by which its findings are told.
	Name string
	Data []byte
	// Among says that it was found in a folder, where not every file has to be a manifest.
	Among bool
}

// Read takes up the manifests and the policy document in a file. What is wrong in it becomes findings, and what is wrong is
// not taken up. Other kinds than a KeyPolicy, Key, KMSBackend or ServiceAccount are left out. An error is this program's.
func (w *World) Read(ctx context.Context, file File) error {
	schemas, err := crdschema.Load()
	if err != nil {
		return err
	}
	if isDocument(file.Data) {
		w.readDocument(file)
		return nil
	}
	r := reader{World: w, schemas: schemas, file: file}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(file.Data)))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return r.failure
		}
		if err != nil {
			r.refuse(Place{}, "", "is no manifest: "+err.Error())
			return r.failure
		}
		r.manifest(ctx, text)
	}
}

// reader is at work on one file.
type reader struct {
	*World
	schemas *crdschema.Schemas
	file    File
	failure error
}

// refuse notes what is wrong with a manifest of which nothing more is known.
func (r *reader) refuse(at Place, field, message string) {
	at.Source = r.file.Name
	r.findings = append(r.findings, Finding{Place: at, Severity: lint.Error, Field: field, Message: message})
}

func (r *reader) manifest(ctx context.Context, text []byte) {
	object, err := decode(text)
	var problems []error
	if strict, ok := runtime.AsStrictDecodingError(err); ok && object != nil {
		problems, err = strict.Errors(), nil
	}
	switch {
	case runtime.IsMissingKind(err), runtime.IsMissingVersion(err):
		r.kindless(text)
	case err != nil:
		r.refuse(Place{}, "", "is no manifest: "+err.Error())
	case object.GetKind() == "", object.GetAPIVersion() == "":
		r.kindless(text)
	case object.IsList():
		r.list(ctx, object, problems)
	default:
		r.object(ctx, object, problems)
	}
}

// kindless is a document of YAML that is no manifest: an empty one, or something else that a folder may have in it.
func (r *reader) kindless(text []byte) {
	switch {
	case isEmpty(text):
	case r.file.Among:
		r.ignore("what is no manifest")
	default:
		r.refuse(Place{}, "", "is no manifest: it needs apiVersion and kind; and it is no policy document, which is JSON with a Statement")
	}
}

func (r *reader) ignore(kind string) {
	if r.ignored == nil {
		r.ignored = map[string][]string{}
	}
	if !slices.Contains(r.ignored[r.file.Name], kind) {
		r.ignored[r.file.Name] = append(r.ignored[r.file.Name], kind)
	}
}

func (r *reader) list(ctx context.Context, list *unstructured.Unstructured, problems []error) {
	for _, problem := range problems {
		r.refuse(Place{Kind: list.GetKind()}, "", problem.Error())
	}
	items, _ := list.Object["items"].([]any)
	for i, item := range items {
		content, ok := item.(map[string]any)
		if !ok {
			r.refuse(Place{Kind: list.GetKind()}, fmt.Sprintf("items[%d]", i), "is no manifest")
			continue
		}
		object := &unstructured.Unstructured{Object: content}
		if object.GetKind() == "" || object.GetAPIVersion() == "" {
			r.refuse(Place{Kind: list.GetKind()}, fmt.Sprintf("items[%d]", i), "is no manifest: it needs apiVersion and kind")
			continue
		}
		r.object(ctx, object, nil)
	}
}

func (r *reader) object(ctx context.Context, object *unstructured.Unstructured, problems []error) {
	gvk := object.GroupVersionKind()
	at := Place{Kind: gvk.Kind, Namespace: object.GetNamespace(), Name: object.GetName()}
	switch {
	case r.schemas.Knows(gvk):
		if r.schemas.Namespaced(gvk) && at.Namespace == "" && r.setNamespace(object) {
			at.Namespace = r.Settings.Namespace
		}
		r.chatelaines(ctx, object, at, problems)
	case gvk.Group == crdschema.Group:
		r.refuse(at, "", fmt.Sprintf("there is no kind %s in %s", gvk.Kind, gvk.GroupVersion()))
	case gvk == corev1.SchemeGroupVersion.WithKind(kindServiceAccount):
		r.serviceAccount(object)
	default:
		r.ignore(gvk.Kind)
	}
}

// setNamespace gives the object the namespace that it would be applied to; not if its metadata is no object, which is to be
// refused.
func (r *reader) setNamespace(object *unstructured.Unstructured) bool {
	metadata, ok := object.Object["metadata"].(map[string]any)
	if ok {
		metadata["namespace"] = r.Settings.Namespace
	}
	return ok
}

// chatelaines takes up an object of a kind of Chatelaine's, unless an API server would refuse it.
func (r *reader) chatelaines(ctx context.Context, object *unstructured.Unstructured, at Place, problems []error) {
	for _, problem := range problems {
		r.refuse(at, "", problem.Error())
	}
	refusals, err := r.schemas.Create(ctx, object)
	if err != nil {
		r.failure = errors.Join(r.failure, err)
		return
	}
	for _, refusal := range refusals {
		r.refuse(at, refusal.Field, refusal.Message)
	}
	if len(problems)+len(refusals) > 0 {
		return
	}
	if err := r.take(object); err != nil {
		r.refuse(at, "", err.Error())
	}
}

func (r *reader) take(object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case kindKeyPolicy:
		typed := &v1alpha1.KeyPolicy{}
		if err := convert(object, typed); err != nil {
			return err
		}
		r.policies = add(r.World, r.policies, typed, r.file.Name)
	case kindKey:
		typed := &v1alpha1.Key{}
		if err := convert(object, typed); err != nil {
			return err
		}
		r.keys = add(r.World, r.keys, typed, r.file.Name)
	case kindKMSBackend:
		typed := &v1alpha1.KMSBackend{}
		if err := convert(object, typed); err != nil {
			return err
		}
		r.backends = add(r.World, r.backends, typed, r.file.Name)
	default:
		r.ignore(object.GetKind())
	}
	return nil
}

func convert(object *unstructured.Unstructured, into any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into)
}

func (r *reader) serviceAccount(object *unstructured.Unstructured) {
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = r.Settings.Namespace
	}
	if r.accounts == nil {
		r.accounts = map[types.NamespacedName]compile.ServiceAccount{}
	}
	r.accounts[types.NamespacedName{Namespace: namespace, Name: object.GetName()}] = compile.ServiceAccount{
		RoleARN: object.GetAnnotations()[v1alpha1.RoleARNAnnotation],
	}
}

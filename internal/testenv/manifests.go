// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fieldManager is the field manager of objects that tests apply.
const fieldManager = client.FieldOwner("testenv")

const establishTimeout = 30 * time.Second

// ApplyManifests applies every document of manifests (YAML or JSON) server-side, in order, as administrator. Unknown
// and duplicate fields are refused. It returns when the CRDs among them can be used.
func (e *Env) ApplyManifests(ctx context.Context, manifests []byte) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("decoding a manifest: %w", err)
		}
		if len(object.Object) == 0 {
			continue
		}
		if err := e.apply(ctx, &object); err != nil {
			return err
		}
	}
}

// ApplyFile applies the manifests in the file at path, as ApplyManifests does.
func (e *Env) ApplyFile(ctx context.Context, path string) error {
	manifests, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading manifests: %w", err)
	}
	if err := e.ApplyManifests(ctx, manifests); err != nil {
		return fmt.Errorf("applying %s: %w", path, err)
	}
	return nil
}

// ApplyKustomization applies what kubectl renders of the kustomization in dir, as ApplyManifests does.
func (e *Env) ApplyKustomization(ctx context.Context, dir string) error {
	rendered, err := e.Kubectl(ctx, "kustomize", dir)
	if err != nil {
		return err
	}
	if err := e.ApplyManifests(ctx, []byte(rendered.Stdout)); err != nil {
		return fmt.Errorf("applying %s: %w", dir, err)
	}
	return nil
}

func (e *Env) apply(ctx context.Context, object *unstructured.Unstructured) error {
	name := fmt.Sprintf("%s %s", object.GetKind(), client.ObjectKeyFromObject(object))
	// Server-side apply always validates fields strictly.
	err := e.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldManager, client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("applying %s: %w", name, err)
	}
	if object.GetKind() != "CustomResourceDefinition" {
		return nil
	}
	if err := e.waitEstablished(ctx, object.GetName()); err != nil {
		return fmt.Errorf("waiting until %s is established: %w", name, err)
	}
	return nil
}

// isDiscovered says whether clients find every version of the CRD's kind, those that ask for one group and those that ask for all
// at once, as kubectl does: the server tells of them a little after it is established, each in its time.
func (e *Env) isDiscovered(crd *apiextensionsv1.CustomResourceDefinition) (bool, error) {
	all, err := discovery.NewDiscoveryClientForConfig(e.Config)
	if err != nil {
		return false, err
	}
	_, resources, _, err := all.GroupsAndMaybeResources()
	if err != nil {
		return false, err
	}
	kind := schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}
	for i := range crd.Spec.Versions {
		version := kind.WithVersion(crd.Spec.Versions[i].Name)
		if !crd.Spec.Versions[i].Served {
			continue
		}
		if !e.maps(version) || !tells(resources[version.GroupVersion()], kind.Kind) {
			return false, nil
		}
	}
	return true, nil
}

func (e *Env) maps(kind schema.GroupVersionKind) bool {
	_, err := e.Client.RESTMapper().RESTMapping(kind.GroupKind(), kind.Version)
	return err == nil
}

func tells(list *metav1.APIResourceList, kind string) bool {
	return list != nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind })
}

func (e *Env) waitEstablished(ctx context.Context, crd string) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, establishTimeout, true,
		func(ctx context.Context) (bool, error) {
			var current apiextensionsv1.CustomResourceDefinition
			if err := e.Client.Get(ctx, client.ObjectKey{Name: crd}, &current); err != nil {
				return false, err
			}
			for _, condition := range current.Status.Conditions {
				if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
					return e.isDiscovered(&current)
				}
			}
			return false, nil
		})
}

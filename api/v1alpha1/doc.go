// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kinds of kms.chatelaine.dev: KMSBackend says where keys live, Key declares one key,
// KeyPolicy says who may use keys.
//
// Spec is what a person declares and is never written by the operator. Status is what the operator has seen, and each
// condition in it carries the generation it speaks of. The kinds follow kstatus: Ready, Reconciling and Stalled mean
// what that convention says they mean. Names of key specs, usages and states are AWS KMS's own.
//
// +kubebuilder:object:generate=true
// +groupName=kms.chatelaine.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of every kind in this package.
	GroupVersion = schema.GroupVersion{Group: "kms.chatelaine.dev", Version: "v1alpha1"}

	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers every kind in this package.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &Key{}, &KeyList{}, &KeyPolicy{}, &KeyPolicyList{}, &KMSBackend{}, &KMSBackendList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}

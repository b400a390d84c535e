// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package policies finds out what the KeyPolicies of a namespace come to for a Key. The controller of Keys puts that into
// force, the controller of KeyPolicies says where it is, and both must mean the same.
package policies

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// About is what a policy has to know of a Key and of where it lives.
func About(spec *v1alpha1.KeySpec, identity backend.Identity) compile.About {
	about := compile.About{
		OperatorARN: identity.PrincipalARN, AccountID: identity.AccountID, NamesServiceAccounts: identity.NamesServiceAccounts,
	}
	usage, err := keyspec.Check(keyspec.Spec(spec.KeySpec), keyspec.Usage(spec.KeyUsage))
	if err == nil { // otherwise the Key itself is refused, and has no key
		about.Spec, about.Usage = keyspec.Spec(spec.KeySpec), usage
	}
	return about
}

// Reader reads KeyPolicies and ServiceAccounts from the cache. It is for one pass.
type Reader struct {
	// Client reads the cache; of ServiceAccounts only their metadata is asked for.
	Client client.Reader
	// Err is the first failure of a look-up. What was compiled since is not to be used.
	Err error
}

// Compile makes the part of each KeyPolicy that selects the Key, by their names: the cache lists them in any order, and what
// is told of them must not change with it. The KeyPolicies are those of the Key's namespace.
func (r *Reader) Compile(ctx context.Context, key *v1alpha1.Key, about compile.About) []compile.Part {
	all := &v1alpha1.KeyPolicyList{}
	if err := r.Client.List(ctx, all, client.InNamespace(key.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		r.fail(err)
		return nil
	}
	var parts []compile.Part
	for i := range all.Items {
		object := &all.Items[i]
		selection := compile.Selects(object, key.Name, key.Labels)
		if selection == compile.NotSelected && compile.Unreadable(object) && HasSource(key, object.Name) {
			selection = compile.BySelector // it did select the Key: a slip in a selector takes nothing out of force
		}
		if selection == compile.NotSelected || !object.DeletionTimestamp.IsZero() {
			continue
		}
		about.ByName = selection == compile.ByName
		parts = append(parts, compile.Compile(object, about, r.ServiceAccounts(ctx)))
	}
	slices.SortFunc(parts, func(a, b compile.Part) int { return strings.Compare(a.Name, b.Name) })
	return parts
}

// ServiceAccounts looks ServiceAccounts up.
func (r *Reader) ServiceAccounts(ctx context.Context) compile.ServiceAccounts {
	return func(namespace, name string) (compile.ServiceAccount, bool) {
		object := NewServiceAccount()
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
		if err != nil && !apierrors.IsNotFound(err) {
			r.fail(err)
		}
		if err != nil || !object.DeletionTimestamp.IsZero() {
			return compile.ServiceAccount{}, false
		}
		return compile.ServiceAccount{RoleARN: object.Annotations[v1alpha1.RoleARNAnnotation]}, true
	}
}

func (r *Reader) fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
}

// NewServiceAccount is the metadata of a ServiceAccount, to be read or watched. Their Secrets are nobody's business here.
func NewServiceAccount() *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccount"))
	return object
}

// HasSource says whether rules of the KeyPolicy of that name are in force on the Key.
func HasSource(key *v1alpha1.Key, name string) bool {
	return key.Status.Policy != nil && slices.ContainsFunc(key.Status.Policy.Sources, func(source v1alpha1.KeyPolicySource) bool {
		return source.Name == name
	})
}

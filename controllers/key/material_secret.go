// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// defaultMaterialKey is the entry of the Secret where none is declared.
const defaultMaterialKey = "material"

// secretRef is the entry of the Secret that is declared. The operator may get that one Secret at best, so it cannot be watched:
// it is read from the API server in each pass.
func (p *pass) secretRef() v1alpha1.KeyMaterialSecretReference {
	ref := *p.key.Spec.ImportedMaterial.SecretRef
	ref.Key = cmp.Or(ref.Key, defaultMaterialKey)
	return ref
}

// secretVersion tells one state of the Secret from another, without reading what is in it; false if it cannot be told.
func (r *Reconciler) secretVersion(ctx context.Context, p *pass) (version string, readable bool) {
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: p.key.Namespace, Name: p.secretRef().Name}, secret)
	return versionOf(secret), err == nil
}

func versionOf(secret metav1.Object) string {
	return string(secret.GetUID()) + "/" + secret.GetResourceVersion()
}

// readMaterial reads the key material, which the caller wipes.
func (r *Reconciler) readMaterial(ctx context.Context, p *pass) (*backend.Material, string, *conditions.Problem) {
	ref := p.secretRef()
	secret := &corev1.Secret{}
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: p.key.Namespace, Name: ref.Name}, secret)
	defer wipe(secret)
	const field = "spec.importedMaterial.secretRef"
	switch {
	case apierrors.IsNotFound(err):
		return nil, "", stalled(v1alpha1.ReasonMaterialNotReadable, fmt.Sprintf("%s: there is no Secret %s: create it", field, ref.Name))
	case apierrors.IsForbidden(err):
		return nil, "", stalled(v1alpha1.ReasonMaterialNotReadable, fmt.Sprintf(
			"%s: the operator may not read Secret %s: make a Role in this namespace with verb get on secrets, resourceNames [%s], and a RoleBinding of it "+
				"to the operator's ServiceAccount (docs/keys.md, Imported key material)", field, ref.Name, ref.Name))
	case err != nil:
		return nil, "", failed(err)
	case len(secret.Data[ref.Key]) == 0:
		return nil, "", stalled(v1alpha1.ReasonMaterialNotReadable, fmt.Sprintf(
			"%s: Secret %s has nothing in entry %s: put the key material there, or name another entry in key", field, ref.Name, ref.Key))
	}
	material := append([]byte{}, secret.Data[ref.Key]...)
	return backend.NewMaterial(material), versionOf(secret), nil
}

// wipe overwrites what is in the Secret.
func wipe(secret *corev1.Secret) {
	for _, entry := range secret.Data {
		clear(entry)
	}
}

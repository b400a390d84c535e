// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
)

// PublishedLabel is on every ConfigMap that the operator publishes; the manager caches no other ConfigMap.
const PublishedLabel = "kms.chatelaine.dev/published"

// publish writes the key's coordinates into the ConfigMap that spec.publish names, and removes one published earlier
// under another name. A ConfigMap that the operator did not create is never touched.
func (r *Reconciler) publish(ctx context.Context, p *pass) {
	wanted := ""
	if p.key.Spec.Publish != nil {
		wanted = p.key.Spec.Publish.ConfigMapName
	}
	if earlier := p.status.ConfigMapName; earlier != "" && earlier != wanted {
		if err := r.unpublish(ctx, p, earlier); err != nil {
			p.failSync(conditions.FromError(err))
			return
		}
		p.status.ConfigMapName = ""
	}
	if wanted == "" {
		return
	}
	if problem := r.writeConfigMap(ctx, p, wanted); problem != nil {
		p.failSync(*problem)
		return
	}
	p.status.ConfigMapName = wanted
}

func (r *Reconciler) writeConfigMap(ctx context.Context, p *pass, name string) *conditions.Problem {
	want := p.coordinates()
	has := &corev1.ConfigMap{}
	id := client.ObjectKey{Namespace: p.key.Namespace, Name: name}
	err := r.Client.Get(ctx, id, has)
	if err == nil && r.publishedBy(p, has) && maps.Equal(has.Data, want) {
		return nil
	}
	// The cache may lag behind, and has no ConfigMap of others: what is written to is read from the API server.
	err = r.Reader.Get(ctx, id, has)
	switch {
	case apierrors.IsNotFound(err):
		return r.createConfigMap(ctx, p, name, want)
	case err != nil:
		return failed(err)
	case !r.published(p, has):
		return stalled(v1alpha1.ReasonConfigMapConflict, fmt.Sprintf(
			"spec.publish.configMapName: ConfigMap %s exists and was not created for this Key; it was left untouched: name another one, or delete it", name))
	case r.publishedBy(p, has) && maps.Equal(has.Data, want):
		return nil
	}
	has.Data = want
	if err := r.own(p, has); err != nil {
		return failed(err)
	}
	if err := r.Client.Update(ctx, has); err != nil {
		return failed(err)
	}
	return nil
}

func (r *Reconciler) createConfigMap(ctx context.Context, p *pass, name string, data map[string]string) *conditions.Problem {
	made := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.key.Namespace, Name: name,
			Labels: map[string]string{PublishedLabel: "true", "app.kubernetes.io/managed-by": "chatelaine"},
		},
		Data: data,
	}
	if err := r.own(p, made); err != nil {
		return failed(err)
	}
	if err := r.Client.Create(ctx, made); err != nil {
		return failed(err)
	}
	failpoint.Hit("configmap-written")
	return nil
}

// own makes the Key the ConfigMap's owner, in place of an earlier Key of the same name.
func (r *Reconciler) own(p *pass, configMap *corev1.ConfigMap) error {
	configMap.OwnerReferences = slices.DeleteFunc(configMap.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return ref.Kind == "Key" && ref.Name == p.key.Name
	})
	return controllerutil.SetControllerReference(p.key, configMap, r.Client.Scheme())
}

// published says whether the operator created the ConfigMap for a Key of this name, this one or an earlier one.
func (r *Reconciler) published(p *pass, configMap *corev1.ConfigMap) bool {
	owner := metav1.GetControllerOf(configMap)
	return owner != nil && configMap.Labels[PublishedLabel] == "true" &&
		owner.APIVersion == v1alpha1.GroupVersion.String() && owner.Kind == "Key" && owner.Name == p.key.Name
}

func (r *Reconciler) publishedBy(p *pass, configMap *corev1.ConfigMap) bool {
	return r.published(p, configMap) && metav1.IsControlledBy(configMap, p.key)
}

// unpublish deletes a ConfigMap published earlier; one that is no longer the operator's is left.
func (r *Reconciler) unpublish(ctx context.Context, p *pass, name string) error {
	has := &corev1.ConfigMap{}
	err := r.Reader.Get(ctx, client.ObjectKey{Namespace: p.key.Namespace, Name: name}, has)
	if apierrors.IsNotFound(err) || (err == nil && !r.published(p, has)) {
		return nil
	}
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(r.Client.Delete(ctx, has, client.Preconditions{UID: &has.UID, ResourceVersion: &has.ResourceVersion}))
}

// coordinates are what an application needs to find the key, under names that suit envFrom.
func (p *pass) coordinates() map[string]string {
	data := map[string]string{
		"KMS_KEY_ID":      p.seen.ID,
		"KMS_KEY_ARN":     p.seen.ARN,
		"KMS_KEY_REGION":  p.identity.Region,
		"KMS_KEY_ACCOUNT": p.identity.AccountID,
	}
	for _, alias := range p.key.Spec.Aliases {
		if slices.Contains(p.seen.Aliases, alias) {
			data["KMS_KEY_ALIAS"] = alias
			break
		}
	}
	if p.status.PublicKey != "" {
		data["KMS_PUBLIC_KEY"] = p.status.PublicKey
	}
	return data
}

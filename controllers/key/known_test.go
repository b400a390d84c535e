// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key_test

import (
	"context"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
)

// watched is what the controller reads objects of that kind into, nil for Keys and for what it does not keep in its cache.
func watched(object client.Object) client.Object {
	switch object.(type) {
	case *v1alpha1.KMSBackend:
		return &v1alpha1.KMSBackend{}
	case *v1alpha1.KeyPolicy:
		return &v1alpha1.KeyPolicy{}
	case *corev1.ServiceAccount:
		return policies.NewServiceAccount()
	default:
		return nil
	}
}

// awaitKnown waits until the controller knows the object as it was written. Watches are in no order: a Key to which something
// happens right after would else go by the object as it was, now and then.
func (r *rig) awaitKnown(object client.Object) {
	r.t.Helper()
	r.awaitCached(object, func(known client.Object, err error) bool {
		return err == nil && known.GetResourceVersion() == object.GetResourceVersion()
	})
}

// awaitKnownToGo waits until the controller knows that the object is gone, or going.
func (r *rig) awaitKnownToGo(object client.Object) {
	r.t.Helper()
	r.awaitCached(object, func(known client.Object, err error) bool {
		return apierrors.IsNotFound(err) || err == nil && !known.GetDeletionTimestamp().IsZero()
	})
}

func (r *rig) awaitCached(object client.Object, is func(known client.Object, err error) bool) {
	r.t.Helper()
	known := watched(object)
	if known == nil || r.cached == nil {
		return
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		err := r.cached.Get(r.ctx, client.ObjectKeyFromObject(object), known)
		if is(known, err) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the controller does not hear of %T %s: %v", object, object.GetName(), err)
		}
	}
}

// late is the client of a controller. Once it is held, it tells of KeyPolicies and ServiceAccounts as they were then, as a
// cache does whose watch is late.
type late struct {
	client.Client
	then atomic.Pointer[then]
}

// then is what there was in a rig's namespace.
type then struct {
	policies v1alpha1.KeyPolicyList
	accounts metav1.PartialObjectMetadataList
}

// hold lets the controller hear no more of KeyPolicies and ServiceAccounts.
func (r *rig) hold() {
	r.t.Helper()
	was := &then{}
	was.accounts.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceAccountList"))
	for _, list := range []client.ObjectList{&was.policies, &was.accounts} {
		if err := r.cached.List(r.ctx, list, client.InNamespace(r.namespace)); err != nil {
			r.t.Fatal(err)
		}
	}
	r.late.then.Store(was)
}

// List implements client.Reader.
func (l *late) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if has, ok := list.(*v1alpha1.KeyPolicyList); ok && l.then.Load() != nil {
		l.then.Load().policies.DeepCopyInto(has)
		return nil
	}
	return l.Client.List(ctx, list, options...)
}

// Get implements client.Reader.
func (l *late) Get(ctx context.Context, name client.ObjectKey, object client.Object, options ...client.GetOption) error {
	has, ok := object.(*metav1.PartialObjectMetadata)
	if was := l.then.Load(); ok && was != nil && has.Kind == "ServiceAccount" {
		for i := range was.accounts.Items {
			if client.ObjectKeyFromObject(&was.accounts.Items[i]) == name {
				was.accounts.Items[i].DeepCopyInto(has)
				return nil
			}
		}
	}
	return l.Client.Get(ctx, name, object, options...)
}

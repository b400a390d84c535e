// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
)

// ensureFinalizer comes before the first outside write, so that no key is made for an object that can vanish unseen.
func (r *Reconciler) ensureFinalizer(ctx context.Context, p *pass) bool {
	if controllerutil.ContainsFinalizer(p.key, v1alpha1.KeyFinalizer) {
		return true
	}
	if p.err = r.patchFinalizers(ctx, p, controllerutil.AddFinalizer); p.err != nil {
		return false
	}
	failpoint.Hit("finalizer-written")
	return true
}

func (r *Reconciler) patchFinalizers(ctx context.Context, p *pass, change func(client.Object, string) bool) error {
	base := p.key.DeepCopy()
	change(p.key, v1alpha1.KeyFinalizer)
	if err := r.Client.Patch(ctx, p.key, lockedPatch(base)); err != nil {
		return err
	}
	r.written.Remember(p.key)
	return nil
}

// lockedPatch is a patch that is refused when the object is no longer the one that was decided on.
func lockedPatch(base client.Object) client.Patch {
	return client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// annotationsChanged passes the updates that change an annotation which a pass goes by.
var annotationsChanged = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	DeleteFunc:  func(event.DeleteEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()
		for _, name := range []string{v1alpha1.ReconcileAnnotation, v1alpha1.ReconcileAtAnnotation} {
			value, set := before[name]
			if now, isSet := after[name]; set != isSet || value != now {
				return true
			}
		}
		return false
	},
}

// heldBy says why nothing may be changed on the key, if so: the annotation asks for it, or says what nobody can make
// sense of, in which case it is safer to leave things as they are.
func heldBy(key *v1alpha1.Key) *backend.Error {
	value, set := key.Annotations[v1alpha1.ReconcileAnnotation]
	switch {
	case !set:
		return nil
	case value == v1alpha1.ReconcileObserve:
		return &backend.Error{Class: backend.InvalidInput, Reason: v1alpha1.ReasonObserved, Message: fmt.Sprintf(
			"annotation %s is %s, so the key is left as it is until the annotation is removed", v1alpha1.ReconcileAnnotation, value)}
	default:
		return &backend.Error{Class: backend.InvalidInput, Reason: v1alpha1.ReasonInvalidAnnotation, Message: fmt.Sprintf(
			"annotation %s is %.64q, and the only value it may have is %s: the key is left as it is until the annotation is corrected or removed",
			v1alpha1.ReconcileAnnotation, value, v1alpha1.ReconcileObserve)}
	}
}

// checkHeld says that the key is left as it is where no refusal has said so. What the annotation asks for is not to be met by
// guessing: one that is wrong is for a person to correct, even while there is nothing to do.
func (p *pass) checkHeld() {
	switch {
	case p.held == nil || len(p.unsynced) > 0:
	case p.held.Reason == v1alpha1.ReasonInvalidAnnotation:
		p.failSync(conditions.FromError(p.held))
	default:
		p.notes = append(p.notes, p.held.Message)
	}
}

// checkNow looks at the key anew at the backend if the annotation asks for it, once for each of its values. A value that
// is no time is told of, and holds nothing up. A key that is gone is for the next phase to find.
func (r *Reconciler) checkNow(ctx context.Context, p *pass) {
	value, set := p.key.Annotations[v1alpha1.ReconcileAtAnnotation]
	if !set {
		return
	}
	if _, err := time.Parse(time.RFC3339, value); err != nil || len(value) > maxReconcileAt {
		p.mistake = fmt.Sprintf("annotation %s is %.64q, which is no time as in 2006-01-02T15:04:05Z (RFC 3339): nothing was looked at for it",
			v1alpha1.ReconcileAtAnnotation, value)
		return
	}
	if value == p.status.LastHandledReconcileAt {
		return
	}
	if p.verifier != nil && p.status.KeyID != "" {
		if err := p.verifier.Verify(ctx, p.status.KeyID); err != nil && !backend.IsNotFound(err) {
			problem := conditions.FromError(err)
			problem.Message = fmt.Sprintf("annotation %s: the key could not be looked at: %s", v1alpha1.ReconcileAtAnnotation, problem.Message)
			p.failSync(problem)
			return
		}
	}
	p.status.LastHandledReconcileAt = value
}

// notLookedAt takes back that the key was looked at as the annotation asks for: some of it was not.
func (p *pass) notLookedAt() { p.status.LastHandledReconcileAt = p.key.Status.LastHandledReconcileAt }

// maxReconcileAt is the room in status.lastHandledReconcileAt.
const maxReconcileAt = 64

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kmsbackend

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/tell"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// checkKeyring is the phase of KeyringIntact: the root key is there and opens every record, no record was altered, and
// a rotation of the root key that was asked for is done to its end.
func (r *Reconciler) checkKeyring(ctx context.Context, p *pass) {
	sealed, ok := p.backend.(backend.Sealed)
	if !ok {
		p.conditions.True(v1alpha1.ConditionKeyringIntact, v1alpha1.ReasonIntact, "the backend keeps its own keys")
		return
	}
	if err := sealed.Refresh(ctx); err != nil {
		p.conditions.Fail(v1alpha1.ConditionKeyringIntact, conditions.FromError(err))
		return
	}
	problem := r.rotate(ctx, p, sealed)
	p.observeRootKey(sealed)
	if damaged := sealed.Damaged(); len(damaged) > 0 {
		stalled := recordsDamaged(damaged)
		r.tellDamaged(p, stalled.Message)
		problem = &stalled
	}
	if problem != nil {
		p.conditions.Fail(v1alpha1.ConditionKeyringIntact, *problem)
		return
	}
	p.conditions.True(v1alpha1.ConditionKeyringIntact, v1alpha1.ReasonIntact, "")
}

// rotate puts a new root key into force where one was asked for, and seals again what an earlier one still seals,
// whoever replaced that.
func (r *Reconciler) rotate(ctx context.Context, p *pass, sealed backend.Sealed) *conditions.Problem {
	if software := p.object.Spec.Software; software != nil && software.RootKey != nil && software.RootKey.Rotation != nil {
		requestedAt := software.RootKey.Rotation.RequestedAt.Time
		if requestedAt.After(r.Now()) {
			p.nextAt = requestedAt
		} else if err := sealed.RotateRootKey(ctx, requestedAt); err != nil {
			problem := conditions.FromError(err)
			return &problem
		}
	}
	if sealed.Stale() == 0 {
		return nil
	}
	count, err := sealed.Reseal(ctx)
	if err != nil {
		problem := conditions.FromError(err)
		problem.Reason = v1alpha1.ReasonResealing
		problem.Message = "sealing records again under the new root key: " + problem.Message
		return &problem
	}
	id, _ := sealed.RootKey()
	r.event(p, corev1.EventTypeNormal, "Resealed", fmt.Sprintf("%d records were sealed again under root key %s", count, id))
	return nil
}

func (p *pass) observeRootKey(sealed backend.Sealed) {
	id, lastRotation := sealed.RootKey()
	p.status.RootKey = &v1alpha1.RootKeyStatus{ID: id}
	if !lastRotation.IsZero() {
		p.status.RootKey.LastRotationTime = &metav1.Time{Time: lastRotation.Truncate(1e9)}
	}
}

// recordsDamaged names the first few records: a message has its bounds, and a person starts with one.
func recordsDamaged(names []string) conditions.Problem {
	const most = 10
	shown, more := names, ""
	if len(names) > most {
		shown, more = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return conditions.Stalled(v1alpha1.ReasonRecordsDamaged, fmt.Sprintf(
		"records that were altered outside the operator, or that the root key does not open: Secrets %s%s; restore them from a backup. The other keys are served on",
		strings.Join(shown, ", "), more))
}

// tellDamaged tells once for each set of damaged records.
func (r *Reconciler) tellDamaged(p *pass, message string) {
	known := meta.FindStatusCondition(p.object.Status.Conditions, v1alpha1.ConditionKeyringIntact)
	if known == nil || known.Message != message {
		r.event(p, corev1.EventTypeWarning, v1alpha1.ReasonRecordsDamaged, message)
	}
}

func (r *Reconciler) event(p *pass, eventType, reason, note string) {
	tell.Event(r.Events, p.object, eventType, reason, tell.Reconciling, note)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
)

// readyConditions are those that Ready is derived from, in the order in which they come true.
var readyConditions = []string{v1alpha1.ConditionBackendReady, v1alpha1.ConditionCreated, v1alpha1.ConditionSynced, v1alpha1.ConditionPolicyApplied}

// writeStatus is the one place where status is written, once a pass, and not at all when nothing changed.
func (r *Reconciler) writeStatus(ctx context.Context, p *pass) error {
	reason, message := v1alpha1.ReasonReady, ""
	if !p.enabled() {
		reason, message = v1alpha1.ReasonDisabled, "the key is disabled, as spec.enabled declares: it cannot be used"
	}
	p.conditions.Summarize(readyConditions, reason, message)
	p.conditions.Remark(v1alpha1.ConditionReady, p.mistake)
	if !p.untried { // otherwise conditions stay as they are until all of them can be said
		p.status.Conditions = p.conditions.List
		p.status.ObservedGeneration = p.key.Generation
	}
	p.noteVerified(!equality.Semantic.DeepEqual(p.key.Status, p.status))
	if equality.Semantic.DeepEqual(p.key.Status, p.status) {
		return nil
	}
	return client.IgnoreNotFound(r.patchStatus(ctx, p))
}

func (r *Reconciler) patchStatus(ctx context.Context, p *pass) error {
	failpoint.Hit("before-status")
	base := p.key.DeepCopy()
	p.key.Status = p.status
	if err := r.Client.Status().Patch(ctx, p.key, lockedPatch(base)); err != nil {
		return err
	}
	r.written.Remember(p.key)
	return nil
}

func findCondition(key *v1alpha1.Key, conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(key.Status.Conditions, conditionType)
}

// condition is one of those that the pass has reported so far; nil if it has not.
func (p *pass) condition(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(p.conditions.List, conditionType)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// replicaPass is a pass over the key in another Region, as if a Key declared it there: so the phases of a key are those of a
// replica. What they report is for absorb.
func (r *Reconciler) replicaPass(p *pass, declared *v1alpha1.KeyReplica, was *v1alpha1.KeyReplicaStatus, place *place) *pass {
	key := &v1alpha1.Key{ObjectMeta: p.key.ObjectMeta, Spec: *p.key.Spec.DeepCopy()}
	if declared.Enabled != nil {
		key.Spec.Enabled = declared.Enabled
	}
	key.Spec.Description = ptr.Deref(declared.Description, key.Spec.Description)
	if len(declared.Tags) > 0 && key.Spec.Tags == nil {
		key.Spec.Tags = map[string]v1alpha1.TagValue{}
	}
	maps.Copy(key.Spec.Tags, declared.Tags)
	key.Status = v1alpha1.KeyStatus{
		KeyID: p.seen.ID, ARN: was.ARN, Aliases: was.Aliases, TagKeys: was.TagKeys, Policy: was.Policy, Grants: was.Grants,
		ImportedMaterial: was.ImportedMaterial, SyncedGeneration: was.SyncedGeneration, GrantsUnknown: was.GrantsUnknown, Rotation: p.status.Rotation,
		LastHandledReconcileAt: p.key.Status.LastHandledReconcileAt,
	}
	q := r.newPass(key)
	q.replicaIn, q.beganReplica = declared.Region, was.Backend != ""
	q.conditions = conditions.New(nil, key.Generation)
	q.drift = p.drift.Of(declared.Region, r.Now())
	q.use(place.name, place.entry.Backend)
	q.kmsBackend, q.identity = place.kmsBackend, place.entry.Identity
	return q
}

// replicaStatus is what status says of the key in another Region.
func (p *pass) replicaStatus(region string) v1alpha1.KeyReplicaStatus {
	for i := range p.status.Replicas {
		if p.status.Replicas[i].Region == region {
			return p.status.Replicas[i]
		}
	}
	return v1alpha1.KeyReplicaStatus{Region: region}
}

// asReplica is what status is to say of the key in the Region of a replica's pass.
func (p *pass) asReplica() v1alpha1.KeyReplicaStatus {
	return v1alpha1.KeyReplicaStatus{
		Region: p.replicaIn, Backend: p.status.Backend, ARN: p.seen.ARN, KeyState: p.status.KeyState, Aliases: p.status.Aliases,
		TagKeys: p.status.TagKeys, Policy: p.status.Policy, Grants: p.status.Grants, ImportedMaterial: p.status.ImportedMaterial,
		SyncedGeneration: p.status.SyncedGeneration, GrantsUnknown: p.status.GrantsUnknown,
	}
}

// notTaken is what status is to say of a Region in which nothing was done. Of a key that is not there, or another's, it says
// nothing: above all not that some policy is in force, nor an ARN, by which one that somebody else makes there would be taken for
// the Key's. That one was as declared stays, since it is drift that it is gone. Of a key that could not be read it says what it said:
// what is to be revoked, removed or kept there is known from nowhere else.
func notTaken(was *v1alpha1.KeyReplicaStatus, absent bool, problem *conditions.Problem) v1alpha1.KeyReplicaStatus {
	switch {
	case absent:
		return v1alpha1.KeyReplicaStatus{Region: was.Region, Backend: was.Backend, SyncedGeneration: was.SyncedGeneration}
	case problem.Reason == v1alpha1.ReasonAdoptRefused:
		return v1alpha1.KeyReplicaStatus{Region: was.Region, Backend: was.Backend}
	default:
		return *was
	}
}

// absorb takes up what the pass over a replica came to. What both say of what holds in every Region, such as a KeyPolicy that is
// refused, is said once.
func (p *pass) absorb(q *pass) {
	for _, problem := range q.unsynced {
		p.failSync(p.inReplicas(q.replicaIn, problem))
	}
	for _, note := range q.notes {
		if !slices.Contains(p.notes, note) {
			p.notes = append(p.notes, "replica in "+q.replicaIn+": "+note)
		}
	}
	p.absorbPolicy(q)
	p.drift.Absorb(q.replicaIn, q.drift)
	p.unrepaired = append(p.unrepaired, q.unrepaired...)
	p.unresolved, p.expiring = p.unresolved || q.unresolved, p.expiring || q.expiring
	p.wakeAt(q.nextAt)
	if q.isPrimary() {
		p.status.Rotation = q.status.Rotation
	}
	if q.err != nil {
		p.err = q.err
	}
}

// absorbPolicy has PolicyApplied say that the key policy is not in force in the Region of a replica, if so.
func (p *pass) absorbPolicy(q *pass) {
	mine, theirs := p.condition(v1alpha1.ConditionPolicyApplied), q.condition(v1alpha1.ConditionPolicyApplied)
	switch {
	case theirs == nil || theirs.Status == metav1.ConditionTrue || mine != nil && mine.Message == theirs.Message:
	case mine != nil && mine.Status == metav1.ConditionFalse:
		p.conditions.Remark(v1alpha1.ConditionPolicyApplied, "replica in "+q.replicaIn+": "+theirs.Message)
	default:
		for _, problem := range q.conditions.Problems() {
			problem.Message = "replica in " + q.replicaIn + ": " + problem.Message
			p.conditions.Fail(v1alpha1.ConditionPolicyApplied, problem)
		}
	}
}

// unknownPolicy has PolicyApplied say that nobody knows which key policy is in force in a Region.
func (p *pass) unknownPolicy(region string) {
	const says = "not known of the replica in "
	if mine := p.condition(v1alpha1.ConditionPolicyApplied); mine != nil && mine.Status == metav1.ConditionTrue {
		p.conditions.Wait(v1alpha1.ConditionPolicyApplied, says+region+", for the reason that Synced gives")
		return
	}
	p.conditions.Remark(v1alpha1.ConditionPolicyApplied, says+region)
}

// isPrimary says whether the key of this pass is the one that is rotated: a multi-Region key's primary, or a key of one Region.
func (p *pass) isPrimary() bool {
	return p.seen.MultiRegion == nil || p.seen.MultiRegion.PrimaryRegion == p.identity.Region
}

// leaveRotation declares of rotation what was seen: it is for the primary's pass.
func (p *pass) leaveRotation(want *plan.Key) {
	want.RotationPeriodInDays = 0
	if p.seen.Rotation.Enabled {
		want.RotationPeriodInDays = p.seen.Rotation.PeriodInDays
	}
}

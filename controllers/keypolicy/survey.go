// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keypolicy

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/internal/policies"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// survey is what there is to be said about one KeyPolicy.
type survey struct {
	// parts are what it comes to on the kinds of keys that it selects, each kind once.
	parts   []compile.Part
	targets []v1alpha1.KeyPolicyTargetStatus
	// tooEarly is true while nobody has tried to open the backend of one of the Keys: what the policy comes to there is not
	// known yet, and what status says of it stands.
	tooEarly bool
}

// survey looks at every Key that the KeyPolicy selects.
func (r *Reconciler) survey(ctx context.Context, object *v1alpha1.KeyPolicy) (*survey, error) {
	keys := &v1alpha1.KeyList{}
	if err := r.Client.List(ctx, keys, client.InNamespace(object.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	// The cache lists in any order, and status must not change with it.
	slices.SortFunc(keys.Items, func(a, b v1alpha1.Key) int { return strings.Compare(a.Name, b.Name) })
	reader := policies.Reader{Client: r.Client}
	accounts := reader.ServiceAccounts(ctx)
	seen, compiled, found := &survey{}, map[compile.About]*compile.Part{}, map[string]bool{}
	compileFor := func(about compile.About) *compile.Part {
		if compiled[about] == nil {
			part := compile.Compile(object, about, accounts)
			seen.parts = append(seen.parts, part)
			compiled[about] = &part
		}
		return compiled[about]
	}
	for i := range keys.Items {
		key := &keys.Items[i]
		selection := compile.Selects(object, key.Name, key.Labels)
		if selection == compile.NotSelected || !key.DeletionTimestamp.IsZero() {
			continue
		}
		found[key.Name] = true
		about := r.about(key)
		seen.tooEarly = seen.tooEarly || r.isTooEarly(ctx, key)
		about.ByName = selection == compile.ByName
		seen.targets = append(seen.targets, targetStatus(key, compileFor(about)))
	}
	if len(found) == 0 {
		compileFor(compile.AnyKey()) // a mistake is to be known before there is a key to make it on
	}
	for _, target := range object.Spec.Targets {
		if target.Name != "" && !found[target.Name] {
			found[target.Name] = true
			seen.targets = append(seen.targets, v1alpha1.KeyPolicyTargetStatus{
				Name: target.Name, State: v1alpha1.TargetPending, Message: "there is no Key of this name in the namespace",
			})
		}
	}
	return seen, reader.Err
}

// about is the Key as the KeyPolicy has to know it. Where it will live is not known before its backend is.
func (r *Reconciler) about(key *v1alpha1.Key) compile.About {
	entry, _ := r.Backends.Get(key.Status.Backend)
	if entry.Err != nil || entry.Identity.PrincipalARN == "" {
		about := compile.AnyKey()
		known := policies.About(&key.Spec, entry.Identity)
		about.Spec, about.Usage = known.Spec, known.Usage
		return about
	}
	return policies.About(&key.Spec, entry.Identity)
}

// isTooEarly says that the Key's backend is about to be opened for the first time since the operator started. One whose
// KMSBackend is gone, or going, never will be.
func (r *Reconciler) isTooEarly(ctx context.Context, key *v1alpha1.Key) bool {
	if _, tried := r.Backends.Get(key.Status.Backend); tried || key.Status.Backend == "" {
		return false
	}
	kmsBackend := &v1alpha1.KMSBackend{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: key.Status.Backend}, kmsBackend)
	return err == nil && kmsBackend.DeletionTimestamp.IsZero()
}

// targetStatus says whether what the KeyPolicy comes to on the Key is what the Key says is in force.
func targetStatus(key *v1alpha1.Key, part *compile.Part) v1alpha1.KeyPolicyTargetStatus {
	status := v1alpha1.KeyPolicyTargetStatus{Name: key.Name, State: v1alpha1.TargetPending}
	if key.Status.Policy != nil {
		status.PolicyHash = key.Status.Policy.Hash
	}
	applied := findCondition(key, v1alpha1.ConditionPolicyApplied)
	switch {
	case part.Refused():
		status.State, status.Message = v1alpha1.TargetConflict, shorten(errorsOf(part))
	case len(part.Statements) == 0 && len(part.Unresolved) > 0:
		status.Message = shorten("nobody is left whom the rules name: " + part.Unresolved[0].String())
	case inForce(key, part) && isCertain(applied):
		status.State = v1alpha1.TargetApplied
	case applied != nil && slices.Contains(stalledReasons, applied.Reason):
		status.State, status.Message = v1alpha1.TargetConflict, shorten(applied.Message)
	case applied != nil && applied.Message != "":
		status.Message = shorten("the Key's PolicyApplied: " + applied.Message)
	default:
		status.Message = "waits for the Key"
	}
	return status
}

// stalledReasons are those of a Key's PolicyApplied with which its policy stays as it is until somebody changes something.
var stalledReasons = []string{
	v1alpha1.ReasonPolicyTooLarge, v1alpha1.ReasonAccessDenied, v1alpha1.ReasonInvalidInput,
	v1alpha1.ReasonObserved, v1alpha1.ReasonInvalidAnnotation,
}

// isCertain says that the key has the policy which the Key's status speaks of. Otherwise somebody may have changed it outside.
func isCertain(applied *metav1.Condition) bool {
	return applied != nil && (applied.Status == metav1.ConditionTrue || applied.Reason == v1alpha1.ReasonPolicyRefused ||
		applied.Reason == v1alpha1.ReasonPolicyTooLarge)
}

// inForce says whether the part is in the key policy that the Key has, in every Region in which it is to be.
func inForce(key *v1alpha1.Key, part *compile.Part) bool {
	for i := range key.Spec.Replicas {
		if strings.Contains(key.Status.ARN, ":kms:"+key.Spec.Replicas[i].Region+":") {
			continue // its own, declared by mistake: it has the key's own policy
		}
		at := slices.IndexFunc(key.Status.Replicas, func(s v1alpha1.KeyReplicaStatus) bool { return s.Region == key.Spec.Replicas[i].Region })
		if at < 0 || !inPolicy(key.Status.Replicas[at].Policy, part) {
			return false
		}
	}
	return inPolicy(key.Status.Policy, part)
}

// inPolicy says whether the part is in a key policy. One that comes to nothing on the key is, once the operator has put a policy
// on it.
func inPolicy(policy *v1alpha1.KeyPolicyInForce, part *compile.Part) bool {
	if policy == nil {
		return false
	}
	i := slices.IndexFunc(policy.Sources, func(source v1alpha1.KeyPolicySource) bool { return source.Name == part.Name })
	if i < 0 {
		return len(part.Statements) == 0
	}
	return policy.Sources[i].Hash == part.Hash()
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// resolveBackend is the phase of BackendReady: which KMSBackend, is this namespace allowed there, can it be used.
// Without one nothing else can be known.
func (r *Reconciler) resolveBackend(ctx context.Context, p *pass) bool {
	problem := r.findBackend(ctx, p)
	if p.unknown {
		return false
	}
	if problem != nil {
		p.conditions.Fail(v1alpha1.ConditionBackendReady, *problem)
		p.waitFor(v1alpha1.ConditionBackendReady, v1alpha1.ConditionCreated, v1alpha1.ConditionSynced, v1alpha1.ConditionPolicyApplied,
			v1alpha1.ConditionDrifted)
		return false
	}
	p.conditions.True(v1alpha1.ConditionBackendReady, v1alpha1.ReasonBackendReady,
		fmt.Sprintf("KMSBackend %s, account %s, region %s", p.status.Backend, p.identity.AccountID, p.identity.Region))
	return true
}

func (r *Reconciler) findBackend(ctx context.Context, p *pass) *conditions.Problem {
	name, problem := r.backendName(ctx, p)
	if problem != nil {
		return problem
	}
	if problem := r.readBackend(ctx, p, name); problem != nil {
		return problem
	}
	if problem := r.checkNamespace(ctx, p); problem != nil {
		return problem
	}
	entry, tried := r.Backends.Get(name)
	switch {
	case !tried:
		p.unknown = true
		return nil
	case entry.Err != nil:
		return &conditions.Problem{Reason: v1alpha1.ReasonBackendNotReady, Message: fmt.Sprintf("KMSBackend %s: %v", name, entry.Err)}
	}
	p.use(name, entry.Backend)
	p.identity = entry.Identity
	return nil
}

// readBackend reads the KMSBackend. One that waits for somebody's finalizer counts as gone: it is closed already, and not opened again.
func (r *Reconciler) readBackend(ctx context.Context, p *pass, name string) *conditions.Problem {
	p.kmsBackend = &v1alpha1.KMSBackend{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: name}, p.kmsBackend)
	switch {
	case apierrors.IsNotFound(err):
		return stalled(v1alpha1.ReasonBackendNotFound,
			fmt.Sprintf("spec.backendRef: there is no KMSBackend %q: create it, or name another one", name))
	case err != nil:
		return failed(err)
	case !p.kmsBackend.DeletionTimestamp.IsZero():
		return isGoing(v1alpha1.ReasonBackendNotFound, p.kmsBackend)
	default:
		return nil
	}
}

// isGoing is what is the matter with a KMSBackend that is being deleted.
func isGoing(reason string, kmsBackend *v1alpha1.KMSBackend) *conditions.Problem {
	return stalled(reason, fmt.Sprintf("KMSBackend %q is being deleted, and waits for its finalizers (%s): create it again when it is gone",
		kmsBackend.Name, strings.Join(kmsBackend.Finalizers, ", ")))
}

// backendName is where the key lives: where it was made, if it was; where spec says; or the default backend.
func (r *Reconciler) backendName(ctx context.Context, p *pass) (string, *conditions.Problem) {
	if p.status.Backend != "" {
		return p.status.Backend, nil
	}
	if ref := p.key.Spec.BackendRef; ref != nil {
		return ref.Name, nil
	}
	all := &v1alpha1.KMSBackendList{}
	if err := r.Client.List(ctx, all); err != nil {
		return "", failed(err)
	}
	var defaults []string
	for _, b := range all.Items {
		if b.Annotations[v1alpha1.DefaultBackendAnnotation] == "true" {
			defaults = append(defaults, b.Name)
		}
	}
	switch len(defaults) {
	case 1:
		return defaults[0], nil
	case 0:
		return "", stalled(v1alpha1.ReasonNoDefaultBackend, fmt.Sprintf(
			"spec.backendRef is omitted and no KMSBackend is the default one: annotate one with %s=true, or delete this Key and create it again with spec.backendRef",
			v1alpha1.DefaultBackendAnnotation))
	default:
		return "", stalled(v1alpha1.ReasonSeveralDefaultBackends, fmt.Sprintf(
			"spec.backendRef is omitted and several KMSBackends are marked as the default one (%s): leave the annotation %s on one of them, or delete this Key and create it again with spec.backendRef",
			strings.Join(defaults, ", "), v1alpha1.DefaultBackendAnnotation))
	}
}

// checkNamespace says whether the backend may be used from the Key's namespace.
func (r *Reconciler) checkNamespace(ctx context.Context, p *pass) *conditions.Problem {
	allowed := p.kmsBackend.Spec.AllowedNamespaces
	if allowed == nil || allowed.From == v1alpha1.NamespacesAll {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(allowed.Selector)
	if err != nil {
		return stalled(v1alpha1.ReasonInvalidInput,
			fmt.Sprintf("KMSBackend %s: spec.allowedNamespaces.selector: %v", p.kmsBackend.Name, err))
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(namespaceKind)
	if err := r.Client.Get(ctx, client.ObjectKey{Name: p.key.Namespace}, namespace); err != nil {
		return failed(err)
	}
	if selector.Matches(labels.Set(namespace.Labels)) {
		return nil
	}
	return stalled(v1alpha1.ReasonNamespaceNotAllowed, fmt.Sprintf(
		"KMSBackend %s does not allow namespace %s: name another backend, or have its spec.allowedNamespaces (%s) match the namespace's labels",
		p.kmsBackend.Name, p.key.Namespace, metav1.FormatLabelSelector(allowed.Selector)))
}

func stalled(reason, message string) *conditions.Problem {
	problem := conditions.Stalled(reason, message)
	return &problem
}

func failed(err error) *conditions.Problem {
	problem := conditions.FromError(err)
	return &problem
}

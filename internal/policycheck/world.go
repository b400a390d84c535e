// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// Settings say what the objects leave open.
type Settings struct {
	// Namespace of manifests that name none.
	Namespace string
	// AccountID is the account of keys whose KMSBackend does not say it, 12 digits.
	AccountID string
	// OperatorARN is the operator's principal; empty means what the KMSBackend's status says or, without that, the role
	// chatelaine-system/chatelaine-manager of the account.
	OperatorARN string
	// AWS says that keys without a KMSBackend live on AWS, not on the software backend.
	AWS bool
}

// Located is an object and where it is from.
type Located[T any] struct {
	Object T
	// From is the name of a file; empty for an object of the cluster.
	From string
}

// Document is a policy document by itself.
type Document struct {
	From string
	// Policy is nil if Problem says why it is none.
	Policy  *policy.Document
	Problem *policy.Error
}

// World is what there is to answer from. The zero value has nothing in it; Settings come before anything is read.
type World struct {
	Settings Settings
	// Lookup finds the ServiceAccounts that no manifest has. Without it all are taken to exist, unless there are manifests of
	// some.
	Lookup compile.ServiceAccounts
	// Context says that objects of the cluster are only there for the files' sake: nothing is reported about them.
	Context bool

	policies  []Located[*v1alpha1.KeyPolicy]
	keys      []Located[*v1alpha1.Key]
	backends  []Located[*v1alpha1.KMSBackend]
	documents []Document
	accounts  map[types.NamespacedName]compile.ServiceAccount
	// findings are those of reading.
	findings []Finding
	// ignored are the kinds that nothing is to be said about, by file.
	ignored map[string][]string
	// assumed says that a ServiceAccount was taken to exist.
	assumed bool
}

// AddKeyPolicy adds one of the cluster's, unless a manifest is to replace it. So do the other methods of this name.
func (w *World) AddKeyPolicy(object *v1alpha1.KeyPolicy) {
	w.policies = add(w, w.policies, object, "")
}

// AddKey is AddKeyPolicy for a Key. What a manifest does not say of one that it is to replace, its status, is kept.
func (w *World) AddKey(object *v1alpha1.Key) {
	for _, key := range w.keys {
		if key.Object.Namespace == object.Namespace && key.Object.Name == object.Name {
			key.Object.Status = object.Status
		}
	}
	w.keys = add(w, w.keys, object, "")
}

// AddKMSBackend is AddKeyPolicy for a KMSBackend, as AddKey.
func (w *World) AddKMSBackend(object *v1alpha1.KMSBackend) {
	for _, backend := range w.backends {
		if backend.Object.Name == object.Name {
			backend.Object.Status = object.Status
		}
	}
	w.backends = add(w, w.backends, object, "")
}

// named is what an object is found by.
type named interface {
	comparable
	GetNamespace() string
	GetName() string
}

// add adds an object. Of two in files, neither can be known to be the one that counts.
func add[T named](w *World, all []Located[T], object T, from string) []Located[T] {
	for _, other := range all {
		if other.Object.GetNamespace() != object.GetNamespace() || other.Object.GetName() != object.GetName() {
			continue
		}
		if from != "" {
			w.findings = append(w.findings, refuse(from, object, "", "is in "+other.From+" as well: remove one of them"))
		}
		return all
	}
	return append(all, Located[T]{Object: object, From: from})
}

// Namespaces are those of the manifests' Keys and KeyPolicies, sorted.
func (w *World) Namespaces() []string {
	all := make([]string, 0, len(w.policies)+len(w.keys))
	for _, object := range w.policies {
		all = append(all, object.Object.Namespace)
	}
	for _, object := range w.keys {
		all = append(all, object.Object.Namespace)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// HasKeyPolicies says whether there are any, or manifests of some that are no good.
func (w *World) HasKeyPolicies() bool {
	return len(w.policies) > 0 || slices.ContainsFunc(w.findings, func(f Finding) bool { return f.Kind == kindKeyPolicy })
}

// Key finds a Key.
func (w *World) Key(namespace, name string) (*v1alpha1.Key, bool) {
	for _, key := range w.keys {
		if key.Object.Namespace == namespace && key.Object.Name == name {
			return key.Object, true
		}
	}
	return nil, false
}

// KeyNames are the Keys that there are, as namespace/name, sorted.
func (w *World) KeyNames() []string {
	names := make([]string, 0, len(w.keys))
	for _, key := range w.keys {
		names = append(names, key.Object.Namespace+"/"+key.Object.Name)
	}
	slices.Sort(names)
	return names
}

// IsEmpty says that there is nothing in what was read that anything could be said about.
func (w *World) IsEmpty() bool {
	return len(w.policies)+len(w.keys)+len(w.backends)+len(w.documents)+len(w.findings) == 0
}

// account looks a ServiceAccount up.
func (w *World) account(namespace, name string) (compile.ServiceAccount, bool) {
	if account, known := w.accounts[types.NamespacedName{Namespace: namespace, Name: name}]; known {
		return account, true
	}
	if w.Lookup != nil {
		return w.Lookup(namespace, name)
	}
	return compile.ServiceAccount{}, false
}

// accountsFor looks ServiceAccounts up for a key. Where their names are all that it takes, and there are no manifests of any,
// they are taken to exist.
func (w *World) accountsFor(about *compile.About) compile.ServiceAccounts {
	if !about.NamesServiceAccounts || w.Lookup != nil || len(w.accounts) > 0 {
		return w.account
	}
	return func(string, string) (compile.ServiceAccount, bool) {
		w.assumed = true
		return compile.ServiceAccount{}, true
	}
}

// sorted is the objects by namespace and name.
func sorted[T named](objects []Located[T]) []Located[T] {
	return slices.SortedFunc(slices.Values(objects), func(a, b Located[T]) int {
		return cmp.Or(cmp.Compare(a.Object.GetNamespace(), b.Object.GetNamespace()), cmp.Compare(a.Object.GetName(), b.Object.GetName()))
	})
}

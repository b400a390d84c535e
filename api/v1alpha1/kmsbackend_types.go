// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// DefaultBackendAnnotation set to "true" on one KMSBackend makes it the
	// backend of Keys without a backendRef.
	DefaultBackendAnnotation = "kms.chatelaine.dev/is-default-backend"
	// AdoptableByTag is the tag by which a key says which namespace may adopt it
	// (KMSBackend.spec.adoption: Tagged).
	AdoptableByTag = "kms.chatelaine.dev/adoptable-by"
	// DefaultRootKeySecret is the Secret with the root key where
	// spec.software.rootKey names no other.
	DefaultRootKeySecret = "chatelaine-root-key"
)

// AllowedNamespacesFrom says how allowedNamespaces chooses namespaces.
// +kubebuilder:validation:Enum=All;Selector
type AllowedNamespacesFrom string

// The values of allowedNamespaces.from.
const (
	// NamespacesAll allows every namespace.
	NamespacesAll AllowedNamespacesFrom = "All"
	// NamespacesSelector allows the namespaces whose labels match selector.
	NamespacesSelector AllowedNamespacesFrom = "Selector"
)

// AdoptionPolicy says which keys without an owner may be adopted.
// +kubebuilder:validation:Enum=Tagged;Any;None
type AdoptionPolicy string

// The values of spec.adoption.
const (
	// AdoptionTagged allows a key whose tag kms.chatelaine.dev/adoptable-by names the namespace of the Key.
	AdoptionTagged AdoptionPolicy = "Tagged"
	// AdoptionAny allows every key that no Key owns.
	AdoptionAny AdoptionPolicy = "Any"
	// AdoptionNone allows no adoption.
	AdoptionNone AdoptionPolicy = "None"
)

// AliasScope says which aliases a namespace may use.
// +kubebuilder:validation:Enum=Any;NamespacePrefixed
type AliasScope string

// The values of spec.aliasScope.
const (
	// AliasScopeAny allows every alias.
	AliasScopeAny AliasScope = "Any"
	// AliasScopeNamespacePrefixed allows only aliases that begin with alias/NAMESPACE/.
	AliasScopeNamespacePrefixed AliasScope = "NamespacePrefixed"
)

// KMSBackendSpec says where keys live and who may keep keys there.
// +kubebuilder:validation:XValidation:rule="has(self.software) != has(self.aws)",message="exactly one kind of backend must be set: set software ({} is enough) or aws ({} is enough where the operator has an IAM role)"
// +kubebuilder:validation:XValidation:rule="has(self.software) == has(oldSelf.software) && has(self.aws) == has(oldSelf.aws)",message="the kind of backend is immutable: keys do not move from one to another; create another KMSBackend instead"
type KMSBackendSpec struct {
	// software makes this backend the built-in software KMS: keys live in the
	// cluster, in records sealed by a root key. An empty object is enough.
	// Immutable: either software or aws is set, and stays.
	// +optional
	Software *SoftwareBackend `json:"software,omitempty"`

	// aws makes this backend AWS KMS, in one account and region. An empty object
	// is enough where the operator's environment has a region and credentials.
	// Immutable: either software or aws is set, and stays.
	// +optional
	AWS *AWSBackend `json:"aws,omitempty"`

	// allowedNamespaces says which namespaces may have Keys on this backend.
	// Omitted: all of them. A Key whose namespace is no longer allowed keeps its
	// key, but the operator stops managing it until it is allowed again.
	// +optional
	AllowedNamespaces *AllowedNamespaces `json:"allowedNamespaces,omitempty"`

	// adoption says which keys that no Key owns may be adopted with
	// Key.spec.adopt: Tagged (the default) allows a key whose tag
	// kms.chatelaine.dev/adoptable-by names the namespace of the Key; Any allows
	// every such key; None allows no adoption. A key that a Key of another
	// namespace owns is never adopted, whatever this says.
	// +optional
	// +kubebuilder:default=Tagged
	Adoption AdoptionPolicy `json:"adoption,omitempty"`

	// aliasScope says which aliases Keys may declare: Any (the default) allows
	// every alias; NamespacePrefixed allows a Key only aliases that begin with
	// alias/NAMESPACE/, NAMESPACE being its own namespace.
	// +optional
	// +kubebuilder:default=Any
	AliasScope AliasScope `json:"aliasScope,omitempty"`
}

// SoftwareBackend configures the built-in software KMS. Account and region are
// the identity of a keyring: two KMSBackends with the same account and region
// are two doors to the same keys, and need the same root key.
// +kubebuilder:validation:XValidation:rule="has(self.accountID) == has(oldSelf.accountID) && (!has(self.accountID) || self.accountID == oldSelf.accountID)",message="accountID is immutable: it is part of the ARN of every key; create another KMSBackend instead",fieldPath=".accountID"
// +kubebuilder:validation:XValidation:rule="self.region == oldSelf.region",message="region is immutable: it is part of the ARN of every key; create another KMSBackend instead",fieldPath=".region"
// +kubebuilder:validation:XValidation:rule="(has(self.rootKey) && has(self.rootKey.secretRef) ? self.rootKey.secretRef.name : 'chatelaine-root-key') == (has(oldSelf.rootKey) && has(oldSelf.rootKey.secretRef) ? oldSelf.rootKey.secretRef.name : 'chatelaine-root-key')",message="rootKey.secretRef is immutable: records sealed by one root key cannot be read with another; to replace the root key, set rootKey.rotation.requestedAt",fieldPath=".rootKey.secretRef"
type SoftwareBackend struct {
	// accountID is the 12-digit AWS account ID that ARNs of this backend's keys
	// carry. Omitted: derived from the cluster's UID (that of the namespace
	// kube-system), so that it is stable and differs between clusters. Immutable.
	// +optional
	// +kubebuilder:validation:MinLength=12
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]+$')",message="accountID must be 12 digits, as in AWS"
	AccountID string `json:"accountID,omitempty"`

	// region is the region name that ARNs of this backend's keys carry: 1 to 32
	// lower-case letters, digits and hyphens. Default: local. Immutable.
	// +optional
	// +kubebuilder:default=local
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="region must consist of lower-case letters, digits and hyphens, and begin and end with a letter or digit, like local or eu-west-1"
	Region string `json:"region,omitempty"`

	// rootKey says where the root key is, under which every key record is sealed.
	// Omitted: the Secret chatelaine-root-key in the operator's namespace. Back
	// that Secret up: without it the keys are lost.
	// +optional
	RootKey *RootKey `json:"rootKey,omitempty"`
}

// RootKey says where the root key is and when it was asked to be replaced.
type RootKey struct {
	// secretRef names the Secret, in the operator's namespace, that holds the root
	// key. It is created with a new random root key when it is absent and no key
	// record exists yet; it is never overwritten, and never replaced while there
	// are records. Omitted: chatelaine-root-key. Immutable.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`

	// rotation asks for a new root key. Omitted, or removed again: no rotation is
	// asked for.
	// +optional
	Rotation *RootKeyRotation `json:"rotation,omitempty"`
}

// RootKeyRotation asks for a new root key.
type RootKeyRotation struct {
	// requestedAt asks for one rotation of the root key: when this time has come
	// and is later than the last rotation, a new root key is added to the Secret
	// and every record is sealed again under it, while keys stay usable. Earlier
	// root keys stay in the Secret, for older backups of records; remove them by
	// hand once no such backup matters. RFC 3339, in seconds.
	// +required
	RequestedAt metav1.Time `json:"requestedAt,omitempty,omitzero"`
}

// SecretReference names a Secret in the operator's namespace.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="name must be a Secret's name: lower-case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`
}

// AllowedNamespaces chooses namespaces.
// +kubebuilder:validation:XValidation:rule="(self.from == 'Selector') == has(self.selector)",message="selector must be set when from is Selector, and only then",fieldPath=".selector"
// +kubebuilder:validation:XValidation:rule="!has(self.selector) || !has(self.selector.matchExpressions) || self.selector.matchExpressions.all(e, e.operator in ['In', 'NotIn'] ? has(e.values) && size(e.values) > 0 : e.operator in ['Exists', 'DoesNotExist'] && !has(e.values))",message="each of selector.matchExpressions needs operator In or NotIn and values, or operator Exists or DoesNotExist without values",fieldPath=".selector"
type AllowedNamespaces struct {
	// from is All (every namespace) or Selector (those whose labels match
	// selector).
	// +required
	From AllowedNamespacesFrom `json:"from,omitempty"`

	// selector chooses namespaces by their labels. Required when from is Selector,
	// forbidden otherwise. An empty selector matches every namespace.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// KMSBackendStatus is what the operator has seen of the backend.
type KMSBackendStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the backend: Ready, Available, KeyringIntact (software backend),
	// Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// accountID is the AWS account ID in the ARNs of this backend's keys.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=12
	AccountID string `json:"accountID,omitempty"`

	// region in the ARNs of this backend's keys.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Region string `json:"region,omitempty"`

	// callerARN is the identity by which the operator acts on this backend.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	CallerARN string `json:"callerARN,omitempty"`

	// rootKey says which root key is in force (software backend).
	// +optional
	RootKey *RootKeyStatus `json:"rootKey,omitempty"`
}

// RootKeyStatus says which root key is in force.
type RootKeyStatus struct {
	// id of the root key under which records are sealed now: the name of its entry
	// in the Secret is key-ID.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ID string `json:"id,omitempty"`

	// lastRotationTime is when the root key was last replaced. Omitted: never.
	// +optional
	LastRotationTime *metav1.Time `json:"lastRotationTime,omitempty"`
}

// KMSBackend is a place where keys live, and who may keep keys there: like a
// StorageClass, it is declared once by a platform team and named by Keys in
// many namespaces. Deleting a KMSBackend deletes no key: its Keys report
// BackendReady=False until it is there again.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=kmsbackends,scope=Cluster,shortName=kmsb,categories=chatelaine
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Account",type=string,JSONPath=`.status.accountID`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.status.region`
// +kubebuilder:printcolumn:name="Default",type=string,JSONPath=`.metadata.annotations.kms\.chatelaine\.dev/is-default-backend`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Caller",type=string,priority=1,JSONPath=`.status.callerARN`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type KMSBackend struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is where keys live and who may keep keys there.
	// +required
	Spec KMSBackendSpec `json:"spec,omitzero"`

	// status is what the operator has seen. It is written by the operator only;
	// until it first is, its observedGeneration is -1.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status KMSBackendStatus `json:"status,omitzero"`
}

// KMSBackendList is a list of KMSBackends.
//
// +kubebuilder:object:root=true
type KMSBackendList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KMSBackend `json:"items"`
}

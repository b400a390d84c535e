// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KeyStatus is what the operator has seen of the key.
type KeyStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the Key: Ready, BackendReady, Created, Synced, PolicyApplied,
	// Drifted, Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// backend is the name of the KMSBackend on which the key lives.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Backend string `json:"backend,omitempty"`

	// backendKind is the kind of that KMSBackend when the key was found there: the
	// field of its spec, software or aws. On one of another kind that has taken
	// its name, the key is not looked for. Omitted: the key was not found yet, or
	// not since status has this field.
	// +optional
	// +kubebuilder:validation:Enum=software;aws
	BackendKind string `json:"backendKind,omitempty"`

	// keyID is the key's ID at the backend.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	KeyID string `json:"keyID,omitempty"`

	// arn is the key's Amazon Resource Name, by which it can be named from
	// anywhere.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	ARN string `json:"arn,omitempty"`

	// keyState is the key's state in AWS KMS's terms: Enabled, Disabled,
	// PendingImport, PendingDeletion, Updating or Unavailable.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyState string `json:"keyState,omitempty"`

	// aliases are the aliases that this Key gave the key. One listed here and gone
	// from spec is removed from the key.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=256
	Aliases []string `json:"aliases,omitempty"`

	// tagKeys are the keys of the tags that this Key gave the key. One listed here
	// and gone from spec is removed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=128
	TagKeys []string `json:"tagKeys,omitempty"`

	// publicKey is the public key in PEM (SubjectPublicKeyInfo), for asymmetric
	// keys.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	PublicKey string `json:"publicKey,omitempty"`

	// configMapName is the ConfigMap into which the key is published.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMapName string `json:"configMapName,omitempty"`

	// policy is the key policy that the operator last put. Omitted: it has put
	// none yet. The key was adopted with a policy of its own, which no KeyPolicy
	// has replaced; or what KeyPolicies declare cannot be put (PolicyApplied).
	// +optional
	Policy *KeyPolicyInForce `json:"policy,omitempty"`

	// grants are those that this Key made and that are on the key.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Grants []KeyGrantStatus `json:"grants,omitempty"`

	// rotation says when the key material was and will be replaced. Omitted: it
	// never was and will not be.
	// +optional
	Rotation *KeyRotationStatus `json:"rotation,omitempty"`

	// importedMaterial says what was imported, for origin EXTERNAL.
	// +optional
	ImportedMaterial *ImportedKeyMaterialStatus `json:"importedMaterial,omitempty"`

	// primaryRegion is the Region of the primary key, of a multi-Region key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	PrimaryRegion string `json:"primaryRegion,omitempty"`

	// replicas are the other Regions in which this Key keeps the key.
	// +optional
	// +listType=map
	// +listMapKey=region
	// +kubebuilder:validation:MaxItems=20
	Replicas []KeyReplicaStatus `json:"replicas,omitempty"`

	// grantsUnknown is true while the key may have grants of this Key that are
	// neither in spec nor in status, since the backend could not be asked for them
	// or they could not be revoked.
	// +optional
	GrantsUnknown *bool `json:"grantsUnknown,omitempty"`

	// deletionBegunTime is when the operator began to carry deletion.policy
	// Schedule out. From then on the key's deletion may be scheduled, also where
	// no answer came.
	// +optional
	DeletionBegunTime *metav1.Time `json:"deletionBegunTime,omitempty"`

	// syncedGeneration is the generation of spec that the key's configuration last
	// agreed with. What differs from that generation since is drift. Omitted: none
	// so far.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SyncedGeneration int64 `json:"syncedGeneration,omitempty"`

	// drift is in what the key was found to differ from what is declared after it
	// had been made so. There is at most one entry for each field: the difference
	// that there is, without resolvedAt; or the last one that there was.
	// +optional
	// +listType=map
	// +listMapKey=field
	// +kubebuilder:validation:MaxItems=128
	Drift []KeyDrift `json:"drift,omitempty"`

	// lastVerifiedTime is when the key was last read from the backend as a whole;
	// what others change there shows after such a look, or sooner. It is not about
	// the replicas of a multi-Region key, which are read as often. It is written
	// with other changes of status, and by itself once an hour at most. Omitted:
	// the backend tells of each change at once (the software KMS), so that status
	// is always as new as the key.
	// +optional
	LastVerifiedTime *metav1.Time `json:"lastVerifiedTime,omitempty"`

	// lastHandledReconcileAt is the last value of the annotation
	// kms.chatelaine.dev/reconcile-at for which the key was looked at.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	LastHandledReconcileAt string `json:"lastHandledReconcileAt,omitempty"`
}

// KeyDrift is a difference between the key and what is declared that the
// operator did not bring about.
type KeyDrift struct {
	// field in which the key differs: a field of spec, such as enabled, tags or
	// aliases; or policy, the key policy. It is replicas if the key was gone in
	// another Region, and of a replica it is like replicas[eu-west-1].enabled.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Field string `json:"field,omitempty"`

	// detectedAt is when the operator noticed it.
	// +required
	DetectedAt *metav1.Time `json:"detectedAt,omitempty"`

	// from is what is declared, of lists and maps what differs only, cut at 512
	// characters. Omitted: nothing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	From string `json:"from,omitempty"`

	// to is what was found, likewise. Omitted: nothing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	To string `json:"to,omitempty"`

	// resolvedAt is when the key was found to be as declared again, or was made so
	// by the operator. Omitted: it still differs.
	// +optional
	ResolvedAt *metav1.Time `json:"resolvedAt,omitempty"`
}

// KeyPolicyInForce is the key policy that the operator put on the key.
type KeyPolicyInForce struct {
	// hash of the key policy: the first 32 hexadecimal digits of its SHA-256.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`

	// sources are the KeyPolicies whose rules are in the key policy. None: nobody
	// but the operator may do anything with the key.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1000
	Sources []KeyPolicySource `json:"sources,omitempty"`
}

// KeyPolicySource is a KeyPolicy whose rules are in force on a key.
type KeyPolicySource struct {
	// name of the KeyPolicy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// hash of its statements in the key policy, made like that of the whole.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`
}

// KeyRotationStatus says when the key material was and will be replaced.
type KeyRotationStatus struct {
	// lastTime is when the key was last rotated, automatically or on demand.
	// Omitted: never.
	// +optional
	LastTime *metav1.Time `json:"lastTime,omitempty"`

	// nextTime is when the key will next be rotated automatically. Omitted:
	// automatic rotation is off.
	// +optional
	NextTime *metav1.Time `json:"nextTime,omitempty"`

	// onDemandCount is the number of rotations on demand so far.
	// +optional
	// +kubebuilder:validation:Minimum=1
	OnDemandCount int32 `json:"onDemandCount,omitempty"`

	// requestedAt is the last spec.rotation.requestedAt that was carried out.
	// Omitted: none was.
	// +optional
	RequestedAt *metav1.Time `json:"requestedAt,omitempty"`
}

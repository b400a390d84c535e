// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// KeyReplica declares a multi-Region key in another Region than its
// KMSBackend's. It is reached through the KMSBackend of that Region: one of the
// same account and kind (software or aws) that this namespace may use.
type KeyReplica struct {
	// region in which the key is to be: 1 to 32 lower-case letters, digits and
	// hyphens, and not the KMSBackend's own.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="region must consist of lower-case letters, digits and hyphens, and begin and end with a letter or digit, like eu-west-1"
	Region string `json:"region,omitempty"`

	// enabled says whether the key may be used in this Region. Omitted or removed:
	// as spec.enabled says.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// description of the key in this Region, up to 8192 characters; empty for
	// none. Omitted or removed: that of spec.description.
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	Description *string `json:"description,omitempty"`

	// tags of the key in this Region, in addition to those of spec.tags and in
	// their place where they have the same key, up to 45. The same rules hold.
	// Omitted or removed: those of spec.tags only.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=45
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 128)",message="tag keys must have 1 to 128 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]*$'))",message="tag keys may have letters, digits, spaces and _ . : / = + - @"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.lowerAscii().startsWith('aws:'))",message="tag keys that begin with aws:, in whatever case, are reserved for AWS"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('kms.chatelaine.dev/'))",message="tag keys that begin with kms.chatelaine.dev/ are reserved for the operator"
	Tags map[string]TagValue `json:"tags,omitempty"`
}

// KeyReplicaStatus is what the operator has seen of the key in another Region
// than its KMSBackend's.
type KeyReplicaStatus struct {
	// region in which the key is.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Region string `json:"region,omitempty"`

	// backend is the name of the KMSBackend of that Region.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Backend string `json:"backend,omitempty"`

	// arn is the key's Amazon Resource Name in that Region. Omitted: the key is
	// not there, or the one that is there is not this Key's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	ARN string `json:"arn,omitempty"`

	// keyState is the key's state there, in AWS KMS's terms.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyState string `json:"keyState,omitempty"`

	// aliases are those that this Key gave the key there.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=256
	Aliases []string `json:"aliases,omitempty"`

	// tagKeys are the keys of the tags that this Key gave the key there.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MaxLength=128
	TagKeys []string `json:"tagKeys,omitempty"`

	// policy is the key policy that the operator last put there.
	// +optional
	Policy *KeyPolicyInForce `json:"policy,omitempty"`

	// grants are those that this Key made there.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Grants []KeyGrantStatus `json:"grants,omitempty"`

	// importedMaterial says what was imported there, for origin EXTERNAL.
	// +optional
	ImportedMaterial *ImportedKeyMaterialStatus `json:"importedMaterial,omitempty"`

	// syncedGeneration is the generation of spec that the key's configuration
	// there last agreed with. It outlives a key that is gone there. Omitted: none
	// so far.
	// +optional
	// +kubebuilder:validation:Minimum=1
	SyncedGeneration int64 `json:"syncedGeneration,omitempty"`

	// grantsUnknown is as status.grantsUnknown is, of the key there.
	// +optional
	GrantsUnknown *bool `json:"grantsUnknown,omitempty"`
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KeyOrigin says where key material comes from, by AWS KMS's names.
// +kubebuilder:validation:Enum=AWS_KMS;EXTERNAL;AWS_CLOUDHSM;EXTERNAL_KEY_STORE
type KeyOrigin string

// The values of spec.origin.
const (
	// OriginAWSKMS is for key material that the backend makes.
	OriginAWSKMS KeyOrigin = "AWS_KMS"
	// OriginExternal is for key material that is imported.
	OriginExternal KeyOrigin = "EXTERNAL"
	// OriginCloudHSM is for key material in an AWS CloudHSM cluster.
	OriginCloudHSM KeyOrigin = "AWS_CLOUDHSM"
	// OriginExternalKeyStore is for key material in an external key manager.
	OriginExternalKeyStore KeyOrigin = "EXTERNAL_KEY_STORE"
)

// ImportedKeyMaterial says which key material is imported, and for how long.
type ImportedKeyMaterial struct {
	// secretRef names the Secret with the key material. The operator reads it only
	// if a Role and a RoleBinding in this namespace let its ServiceAccount get
	// that one Secret (docs/keys.md has them). Neither is needed any longer once
	// the material is imported.
	// +required
	SecretRef *KeyMaterialSecretReference `json:"secretRef,omitempty"`

	// expirationTime is when the key material expires: the backend then deletes
	// it, and the key cannot be used until the same material is imported again. At
	// most 365 days from now. Omitted or removed: never. Changing it imports the
	// material again; it has to be changed before it passes, or afterwards to have
	// the material back. A time in the past has the material deleted at once, if
	// the Secret is there as it was imported. RFC 3339, in seconds.
	// +optional
	ExpirationTime *metav1.Time `json:"expirationTime,omitempty"`
}

// KeyMaterialSecretReference names an entry of a Secret in the Key's
// namespace.
type KeyMaterialSecretReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="name must be a Secret's name: lower-case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`

	// key of the Secret's entry with the key material, as it is and in no other
	// encoding: 32 random bytes for SYMMETRIC_DEFAULT, the key itself for HMAC key
	// specs, and for all others the private key as PKCS #8 in DER. Default:
	// material.
	// +optional
	// +kubebuilder:default=material
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be that of a Secret's entry: letters, digits, hyphens, dots and underscores"
	Key string `json:"key,omitempty"`
}

// ImportedKeyMaterialStatus says what was imported.
type ImportedKeyMaterialStatus struct {
	// expirationTime is when the key material that the key has expires. Omitted:
	// it never does, or the key has none.
	// +optional
	ExpirationTime *metav1.Time `json:"expirationTime,omitempty"`

	// secretVersion is the UID and the resourceVersion of the Secret whose
	// material was last imported. Omitted: this Key imported none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	SecretVersion string `json:"secretVersion,omitempty"`

	// warnedTime is when the Event MaterialExpires told that expirationTime is
	// near. Omitted: it is not.
	// +optional
	WarnedTime *metav1.Time `json:"warnedTime,omitempty"`
}

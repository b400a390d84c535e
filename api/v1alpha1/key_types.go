// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KeyFinalizer holds a Key back from vanishing until its deletion policy was
// carried out.
const KeyFinalizer = "kms.chatelaine.dev/key"

// Annotations of a Key.
const (
	// ReconcileAnnotation set to Observe keeps the operator from changing anything
	// on the key: it reports only. No other value is allowed, and nothing is
	// changed while there is one.
	ReconcileAnnotation = "kms.chatelaine.dev/reconcile"
	// ReconcileObserve is the value of ReconcileAnnotation.
	ReconcileObserve = "Observe"
	// ReconcileAtAnnotation has the key looked at anew, at once, whenever its value
	// changes: a time, RFC 3339.
	ReconcileAtAnnotation = "kms.chatelaine.dev/reconcile-at"
)

// KeyUsage is what a key is for, in AWS KMS's terms.
// +kubebuilder:validation:Enum=ENCRYPT_DECRYPT;SIGN_VERIFY;GENERATE_VERIFY_MAC;KEY_AGREEMENT;ENCAPSULATE_DECAPSULATE
type KeyUsage string

// KeySpec declares one key.
// +kubebuilder:validation:XValidation:rule="self.keySpec == oldSelf.keySpec",message="keySpec is immutable: create another Key and move the alias to it",fieldPath=".keySpec"
// +kubebuilder:validation:XValidation:rule="(has(self.keyUsage) ? self.keyUsage : 'ENCRYPT_DECRYPT') == (has(oldSelf.keyUsage) ? oldSelf.keyUsage : 'ENCRYPT_DECRYPT')",message="keyUsage is immutable: create another Key and move the alias to it",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="has(self.keyUsage) || self.keySpec == 'SYMMETRIC_DEFAULT'",message="keyUsage is required for every keySpec but SYMMETRIC_DEFAULT",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || self.keySpec != 'SYMMETRIC_DEFAULT' || self.keyUsage == 'ENCRYPT_DECRYPT'",message="keySpec SYMMETRIC_DEFAULT allows keyUsage ENCRYPT_DECRYPT only",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || !self.keySpec.startsWith('RSA_') || self.keyUsage in ['ENCRYPT_DECRYPT', 'SIGN_VERIFY']",message="RSA key specs allow keyUsage ENCRYPT_DECRYPT or SIGN_VERIFY",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || !self.keySpec.startsWith('ECC_NIST_P') || self.keyUsage in ['SIGN_VERIFY', 'KEY_AGREEMENT']",message="ECC_NIST_P256, ECC_NIST_P384 and ECC_NIST_P521 allow keyUsage SIGN_VERIFY or KEY_AGREEMENT",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || !(self.keySpec in ['ECC_SECG_P256K1', 'ECC_NIST_EDWARDS25519']) || self.keyUsage == 'SIGN_VERIFY'",message="ECC_SECG_P256K1 and ECC_NIST_EDWARDS25519 allow keyUsage SIGN_VERIFY only",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || !self.keySpec.startsWith('HMAC_') || self.keyUsage == 'GENERATE_VERIFY_MAC'",message="HMAC key specs allow keyUsage GENERATE_VERIFY_MAC only",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || !self.keySpec.startsWith('ML_DSA_') || self.keyUsage == 'SIGN_VERIFY'",message="ML_DSA key specs allow keyUsage SIGN_VERIFY only",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.keyUsage) || !self.keySpec.startsWith('ML_KEM_') || self.keyUsage == 'ENCAPSULATE_DECAPSULATE'",message="ML_KEM key specs allow keyUsage ENCAPSULATE_DECAPSULATE only",fieldPath=".keyUsage"
// +kubebuilder:validation:XValidation:rule="!has(self.rotation) || self.keySpec == 'SYMMETRIC_DEFAULT'",message="only keys with keySpec SYMMETRIC_DEFAULT can rotate: remove rotation; to replace another key, create a new Key and move the alias to it",fieldPath=".rotation"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || (has(self.keyUsage) ? self.keyUsage : 'ENCRYPT_DECRYPT') == 'ENCRYPT_DECRYPT' || self.grants.all(g, g.operations.all(o, !(o in ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo'])))",message="grants of Encrypt, Decrypt, ReEncryptFrom and ReEncryptTo are for keyUsage ENCRYPT_DECRYPT",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || self.keySpec == 'SYMMETRIC_DEFAULT' || self.grants.all(g, g.operations.all(o, !(o in ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'])))",message="grants to generate data keys are for keySpec SYMMETRIC_DEFAULT",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || (has(self.keyUsage) && self.keyUsage == 'SIGN_VERIFY') || self.grants.all(g, g.operations.all(o, !(o in ['Sign', 'Verify'])))",message="grants of Sign and Verify are for keyUsage SIGN_VERIFY",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || (has(self.keyUsage) && self.keyUsage == 'GENERATE_VERIFY_MAC') || self.grants.all(g, g.operations.all(o, !(o in ['GenerateMac', 'VerifyMac'])))",message="grants of GenerateMac and VerifyMac are for keyUsage GENERATE_VERIFY_MAC",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || (has(self.keyUsage) && self.keyUsage == 'KEY_AGREEMENT') || self.grants.all(g, g.operations.all(o, !(o in ['DeriveSharedSecret'])))",message="grants of DeriveSharedSecret are for keyUsage KEY_AGREEMENT",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || (has(self.keyUsage) && self.keyUsage == 'ENCAPSULATE_DECAPSULATE') || self.grants.all(g, g.operations.all(o, !(o in ['Encapsulate', 'Decapsulate'])))",message="grants of Encapsulate and Decapsulate are for keyUsage ENCAPSULATE_DECAPSULATE",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || !(self.keySpec == 'SYMMETRIC_DEFAULT' || self.keySpec.startsWith('HMAC_')) || self.grants.all(g, g.operations.all(o, !(o in ['GetPublicKey'])))",message="grants of GetPublicKey are for asymmetric keys: this keySpec has no public key",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="!has(self.grants) || self.keySpec == 'SYMMETRIC_DEFAULT' || self.grants.all(g, !has(g.constraints))",message="constraints of grants are for keySpec SYMMETRIC_DEFAULT: no other key takes an encryption context",fieldPath=".grants"
// +kubebuilder:validation:XValidation:rule="(has(self.origin) ? self.origin : 'AWS_KMS') == (has(oldSelf.origin) ? oldSelf.origin : 'AWS_KMS')",message="origin is immutable: create another Key and move the alias to it",fieldPath=".origin"
// +kubebuilder:validation:XValidation:rule="!has(self.importedMaterial) || (has(self.origin) && self.origin == 'EXTERNAL')",message="importedMaterial needs origin: EXTERNAL; remove it to have the key material made",fieldPath=".importedMaterial"
// +kubebuilder:validation:XValidation:rule="!has(self.rotation) || !has(self.origin) || self.origin != 'EXTERNAL'",message="imported key material is not rotated: remove rotation; to replace the key, create a new Key and move the alias to it",fieldPath=".rotation"
// +kubebuilder:validation:XValidation:rule="!has(self.rotation) || !has(self.origin) || !(self.origin in ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'])",message="keys in custom key stores are not rotated: remove rotation; to replace the key, create a new Key and move the alias to it",fieldPath=".rotation"
// +kubebuilder:validation:XValidation:rule="(has(self.multiRegion) && self.multiRegion) == (has(oldSelf.multiRegion) && oldSelf.multiRegion)",message="multiRegion is immutable: create another Key and move the alias to it",fieldPath=".multiRegion"
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || (has(self.multiRegion) && self.multiRegion)",message="replicas need multiRegion: true, which a Key has from its creation on",fieldPath=".replicas"
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || !has(self.tags) || self.replicas.all(r, !has(r.tags) || size(self.tags) + r.tags.filter(k, !(k in self.tags)).size() <= 45)",message="a replica has spec.tags and its own tags: at most 45 together",fieldPath=".replicas"
// +kubebuilder:validation:XValidation:rule="!has(self.primaryRegion) || (has(self.multiRegion) && self.multiRegion)",message="primaryRegion needs multiRegion: true, which a Key has from its creation on",fieldPath=".primaryRegion"
// +kubebuilder:validation:XValidation:rule="has(self.customKeyStoreID) == (has(self.origin) && self.origin in ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'])",message="customKeyStoreID and origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE need each other: set both, or neither",fieldPath=".customKeyStoreID"
// +kubebuilder:validation:XValidation:rule="has(self.xksKeyID) == (has(self.origin) && self.origin == 'EXTERNAL_KEY_STORE')",message="xksKeyID and origin EXTERNAL_KEY_STORE need each other: set both, or neither",fieldPath=".xksKeyID"
// +kubebuilder:validation:XValidation:rule="has(self.customKeyStoreID) == has(oldSelf.customKeyStoreID) && (!has(self.customKeyStoreID) || self.customKeyStoreID == oldSelf.customKeyStoreID)",message="customKeyStoreID is immutable: create another Key and move the alias to it",fieldPath=".customKeyStoreID"
// +kubebuilder:validation:XValidation:rule="has(self.xksKeyID) == has(oldSelf.xksKeyID) && (!has(self.xksKeyID) || self.xksKeyID == oldSelf.xksKeyID)",message="xksKeyID is immutable: create another Key and move the alias to it",fieldPath=".xksKeyID"
// +kubebuilder:validation:XValidation:rule="!has(self.customKeyStoreID) || self.keySpec == 'SYMMETRIC_DEFAULT'",message="custom key stores hold keys with keySpec SYMMETRIC_DEFAULT only",fieldPath=".customKeyStoreID"
// +kubebuilder:validation:XValidation:rule="!has(self.customKeyStoreID) || !has(self.multiRegion) || !self.multiRegion",message="keys in custom key stores cannot be multi-Region keys: remove multiRegion or customKeyStoreID",fieldPath=".customKeyStoreID"
type KeySpec struct {
	// backendRef names the KMSBackend on which the key lives. Omitted: the
	// KMSBackend annotated kms.chatelaine.dev/is-default-backend: "true" at the
	// time the key is made; status.backend records it, and the Key stays there.
	// Immutable.
	// +optional
	BackendRef *BackendReference `json:"backendRef,omitempty"`

	// description of the key, up to 8192 characters. Omitted or removed: the key
	// has no description.
	// +optional
	// +kubebuilder:validation:MaxLength=8192
	Description string `json:"description,omitempty"`

	// keySpec is the type of key material, by its AWS KMS name: SYMMETRIC_DEFAULT
	// (the default: AES-256-GCM), RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256,
	// ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, ECC_NIST_EDWARDS25519,
	// HMAC_224, HMAC_256, HMAC_384, HMAC_512, ML_DSA_44, ML_DSA_65, ML_DSA_87,
	// ML_KEM_512, ML_KEM_768 or ML_KEM_1024. Immutable.
	// +optional
	// +kubebuilder:default=SYMMETRIC_DEFAULT
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self != 'SM2'",message="keySpec SM2 is not offered: AWS KMS has it in its China Regions only; use ECC_NIST_P256, or another keySpec"
	// +kubebuilder:validation:XValidation:rule="self in ['SM2', 'SYMMETRIC_DEFAULT', 'RSA_2048', 'RSA_3072', 'RSA_4096', 'ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1', 'ECC_NIST_EDWARDS25519', 'HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512', 'ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87', 'ML_KEM_512', 'ML_KEM_768', 'ML_KEM_1024']",message="keySpec must be one of SYMMETRIC_DEFAULT, RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, ECC_NIST_EDWARDS25519, HMAC_224, HMAC_256, HMAC_384, HMAC_512, ML_DSA_44, ML_DSA_65, ML_DSA_87, ML_KEM_512, ML_KEM_768, ML_KEM_1024"
	KeySpec string `json:"keySpec,omitempty"`

	// keyUsage is what the key is for. Required for every keySpec but
	// SYMMETRIC_DEFAULT, whose usage is ENCRYPT_DECRYPT. RSA: ENCRYPT_DECRYPT or
	// SIGN_VERIFY. ECC_NIST_P256, P384 and P521: SIGN_VERIFY or KEY_AGREEMENT.
	// ECC_SECG_P256K1, ECC_NIST_EDWARDS25519 and ML_DSA: SIGN_VERIFY. HMAC:
	// GENERATE_VERIFY_MAC. ML_KEM: ENCAPSULATE_DECAPSULATE. Immutable.
	// +optional
	KeyUsage KeyUsage `json:"keyUsage,omitempty"`

	// origin is where the key material comes from: AWS_KMS (the default), the
	// backend makes it; EXTERNAL, it is imported, from the Secret that
	// importedMaterial names or by AWS KMS's ImportKeyMaterial, and until then the
	// key cannot be used (key state PendingImport); or, on AWS only, AWS_CLOUDHSM
	// or EXTERNAL_KEY_STORE, the custom key store that customKeyStoreID names has
	// it. Immutable.
	// +optional
	Origin KeyOrigin `json:"origin,omitempty"`

	// importedMaterial imports key material from a Secret, for origin EXTERNAL. A
	// key takes the same material only, for ever: other material in the Secret is
	// refused (reason MaterialRefused). Removed: the key keeps its material.
	// +optional
	ImportedMaterial *ImportedKeyMaterial `json:"importedMaterial,omitempty"`

	// customKeyStoreID is the ID of the custom key store of AWS KMS for the key,
	// like cks-1234567890abcdef0, with origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE
	// and keySpec SYMMETRIC_DEFAULT. The store must be connected; while it is not,
	// the key cannot be used (reason KeyUnavailable). Immutable.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	CustomKeyStoreID string `json:"customKeyStoreID,omitempty"`

	// xksKeyID is the ID of the key in the external key manager, for origin
	// EXTERNAL_KEY_STORE: 1 to 128 letters, digits and - _ . : characters. It can
	// back one key of AWS KMS only. Immutable.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9_.:-]+$')",message="xksKeyID must consist of letters, digits and - _ . : characters"
	XksKeyID string `json:"xksKeyID,omitempty"`

	// multiRegion makes the key a multi-Region key, with a key ID that begins with
	// mrk-: replicas put it into other Regions, where the same ciphertext can be
	// decrypted. Default: false. Immutable.
	// +optional
	MultiRegion *bool `json:"multiRegion,omitempty"`

	// primaryRegion is the Region of the primary key: the KMSBackend's own, or
	// that of a replica. Rotation is the primary's business, and replicas are made
	// from it. Changing it makes the replica there the primary, and the primary a
	// replica (AWS KMS UpdatePrimaryRegion). Omitted or removed: the primary stays
	// where it is; it is made in the KMSBackend's Region.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="primaryRegion must consist of lower-case letters, digits and hyphens, and begin and end with a letter or digit, like eu-west-1"
	PrimaryRegion string `json:"primaryRegion,omitempty"`

	// replicas are the other Regions in which the key is to be, up to 10, with the
	// aliases, grants, imported key material and KeyPolicies of this Key. A Region
	// removed here is treated as deletion.policy says: with Retain (the default)
	// the key stays there as it is, and nothing is changed about it any more; with
	// Schedule its deletion is scheduled there. Either is undone by declaring the
	// Region again. Replicas that others made are left alone.
	// +optional
	// +listType=map
	// +listMapKey=region
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Replicas []KeyReplica `json:"replicas,omitempty"`

	// enabled says whether the key may be used. Default: true. A disabled key
	// keeps its material and can be enabled again at any time; until then nothing
	// can be encrypted, decrypted, signed or verified with it.
	// +optional
	// +kubebuilder:default=true
	Enabled *bool `json:"enabled,omitempty"`

	// aliases by which the key can be named instead of its ID, each like
	// alias/orders, up to 50. An alias belongs to one key of its account and
	// region: one that another key holds is reported (reason AliasConflict) and
	// left there. An alias removed here is removed from the key; aliases that
	// others gave the key are left alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.all(a, a.matches('^alias/[a-zA-Z0-9/_-]+$'))",message="each alias must be alias/ followed by letters, digits, / _ or -"
	// +kubebuilder:validation:XValidation:rule="self.all(a, !a.startsWith('alias/aws/'))",message="aliases that begin with alias/aws/ are reserved for AWS: choose another name"
	Aliases []string `json:"aliases,omitempty"`

	// tags of the key, up to 45: keys of 1 to 128 and values of up to 256
	// characters out of letters, digits, spaces and _ . : / = + - @. Keys that
	// begin with aws: or kms.chatelaine.dev/ are reserved. A tag removed here is
	// removed from the key; tags that others gave the key are left alone.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=45
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 128)",message="tag keys must have 1 to 128 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]*$'))",message="tag keys may have letters, digits, spaces and _ . : / = + - @"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.lowerAscii().startsWith('aws:'))",message="tag keys that begin with aws:, in whatever case, are reserved for AWS"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('kms.chatelaine.dev/'))",message="tag keys that begin with kms.chatelaine.dev/ are reserved for the operator"
	Tags map[string]TagValue `json:"tags,omitempty"`

	// rotation of the key material: automatic by period, on demand, or both. Only
	// for keySpec SYMMETRIC_DEFAULT. Omitted or removed: automatic rotation is
	// off. Rotation changes neither the key's ID nor its ARN, and older material
	// stays for decryption.
	// +optional
	Rotation *KeyRotation `json:"rotation,omitempty"`

	// grants let principals use the key besides what KeyPolicies allow, up to 100.
	// One that is changed is made anew before the old one is revoked; one that is
	// removed is revoked. Grants that others made are left alone. On a disabled
	// key none is made until it is enabled. Grants stay on a key that is retained.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	Grants []KeyGrant `json:"grants,omitempty"`

	// adopt takes over a key that exists already instead of creating one. The
	// KMSBackend's adoption policy says which keys a namespace may adopt. The
	// adopted key is then made as this Key declares it. Immutable once the Key has
	// its key (status.keyID).
	// +optional
	Adopt *KeyAdoption `json:"adopt,omitempty"`

	// publish writes what an application needs to find the key (its ARN, ID, first
	// alias and public key) into a ConfigMap. Omitted or removed: a ConfigMap
	// published earlier is deleted.
	// +optional
	Publish *KeyPublication `json:"publish,omitempty"`

	// deletion says what happens to the key when this object is deleted. Omitted:
	// the key is retained.
	// +optional
	// +kubebuilder:default={}
	Deletion KeyDeletion `json:"deletion,omitempty,omitzero"`
}

// TagValue is the value of a tag.
// +kubebuilder:validation:MinLength=0
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule="self.matches('^[\\\\p{L}\\\\p{Z}\\\\p{N}_.:/=+@-]*$')",message="tag values may have letters, digits, spaces and _ . : / = + - @"
type TagValue string

// BackendReference names a KMSBackend.
type BackendReference struct {
	// name of the KMSBackend.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// KeyPublication says where the key's coordinates are published.
type KeyPublication struct {
	// configMapName names a ConfigMap in the Key's namespace, which the operator
	// creates and keeps true. Its entries suit envFrom: KMS_KEY_ID, KMS_KEY_ARN,
	// KMS_KEY_ALIAS (the first alias declared, if any), KMS_KEY_REGION,
	// KMS_KEY_ACCOUNT and, for asymmetric keys, KMS_PUBLIC_KEY (PEM). A ConfigMap
	// that the operator did not create is left untouched and reported (reason
	// ConfigMapConflict).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="configMapName must be a ConfigMap's name: lower-case letters, digits, hyphens and dots"
	ConfigMapName string `json:"configMapName,omitempty"`
}

// Key declares one encryption, signing or MAC key. The operator creates it at
// a KMSBackend exactly once, keeps its configuration as declared, rotates it,
// and on deletion of this object retains it or schedules its deletion.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=keys,scope=Namespaced,shortName=kmskey,categories=chatelaine
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.keyState`
// +kubebuilder:printcolumn:name="Spec",type=string,JSONPath=`.spec.keySpec`
// +kubebuilder:printcolumn:name="Backend",type=string,JSONPath=`.status.backend`
// +kubebuilder:printcolumn:name="Next Rotation",type=string,JSONPath=`.status.rotation.nextTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Key ID",type=string,priority=1,JSONPath=`.status.keyID`
// +kubebuilder:printcolumn:name="Usage",type=string,priority=1,JSONPath=`.spec.keyUsage`
// +kubebuilder:printcolumn:name="Aliases",type=string,priority=1,JSONPath=`.status.aliases`
// +kubebuilder:printcolumn:name="Drifted",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Drifted")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="has(oldSelf.spec.backendRef) ? has(self.spec.backendRef) && self.spec.backendRef.name == oldSelf.spec.backendRef.name : !has(self.spec.backendRef) || (has(self.status) && has(self.status.backend) && self.status.backend == self.spec.backendRef.name)",message="backendRef is immutable: the key lives where it was made; it may only be set to the backend in status.backend",fieldPath=".spec.backendRef"
// +kubebuilder:validation:XValidation:rule="!has(self.status) || !has(self.status.keyID) || (has(self.spec.adopt) == has(oldSelf.spec.adopt) && (!has(self.spec.adopt) || self.spec.adopt == oldSelf.spec.adopt))",message="adopt is immutable once the Key has its key (status.keyID): create another Key to adopt another key",fieldPath=".spec.adopt"
type Key struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec declares the key.
	// +required
	Spec KeySpec `json:"spec"`

	// status is what the operator has seen. It is written by the operator only;
	// until it first is, its observedGeneration is -1.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status KeyStatus `json:"status,omitzero"`
}

// KeyList is a list of Keys.
//
// +kubebuilder:object:root=true
type KeyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Key `json:"items"`
}

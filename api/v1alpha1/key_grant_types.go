// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// GrantOperation is an operation that a grant allows, in AWS KMS's terms.
// +kubebuilder:validation:Enum=Decrypt;Encrypt;GenerateDataKey;GenerateDataKeyWithoutPlaintext;GenerateDataKeyPair;GenerateDataKeyPairWithoutPlaintext;ReEncryptFrom;ReEncryptTo;Sign;Verify;GenerateMac;VerifyMac;DeriveSharedSecret;Encapsulate;Decapsulate;GetPublicKey;DescribeKey;CreateGrant;RetireGrant
type GrantOperation string

// KeyGrant lets one principal do some operations with the key.
type KeyGrant struct {
	// name of the grant within the Key: up to 63 lower-case letters, digits and
	// hyphens. At KMS the grant is named chatelaine:NAMESPACE:HASH:name, where
	// HASH stands for the cluster, the namespace and the Key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="name must be made of lower-case letters, digits and hyphens, with no hyphen first or last"
	Name string `json:"name,omitempty"`

	// grantee is who may do the operations.
	// +required
	Grantee *GrantPrincipal `json:"grantee,omitempty"`

	// retiringPrincipal may end the grant (AWS KMS RetireGrant). The operator puts
	// back a grant that ended while it was declared here. Omitted: nobody, but the
	// grantee if operations has RetireGrant.
	// +optional
	RetiringPrincipal *GrantPrincipal `json:"retiringPrincipal,omitempty"`

	// operations that the grant allows: DescribeKey, RetireGrant, CreateGrant (not
	// alone) and what the key's usage is for. ENCRYPT_DECRYPT: Encrypt, Decrypt,
	// ReEncryptFrom, ReEncryptTo. SYMMETRIC_DEFAULT also: GenerateDataKey,
	// GenerateDataKeyWithoutPlaintext, GenerateDataKeyPair,
	// GenerateDataKeyPairWithoutPlaintext. SIGN_VERIFY: Sign, Verify.
	// GENERATE_VERIFY_MAC: GenerateMac, VerifyMac. KEY_AGREEMENT:
	// DeriveSharedSecret. ENCAPSULATE_DECAPSULATE: Encapsulate, Decapsulate. Every
	// asymmetric key: GetPublicKey.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=19
	// +kubebuilder:validation:XValidation:rule="self.size() != 1 || self[0] != 'CreateGrant'",message="a grant must not allow CreateGrant alone: add the operations that may be granted further"
	Operations []GrantOperation `json:"operations,omitempty"`

	// constraints narrow the operations that take an encryption context. Only for
	// keySpec SYMMETRIC_DEFAULT. Omitted: any encryption context, and none, will
	// do.
	// +optional
	Constraints *GrantConstraints `json:"constraints,omitempty"`
}

// GrantPrincipal names who a grant is for.
// +kubebuilder:validation:ExactlyOneOf=serviceAccount;aws;account
type GrantPrincipal struct {
	// serviceAccount is the identity of pods. On the software backend it is the
	// ServiceAccount itself; on AWS it is the IAM role in its annotation
	// eks.amazonaws.com/role-arn. While the ServiceAccount does not exist, or
	// lacks the annotation on AWS, there is no grant, and Synced names it.
	// +optional
	ServiceAccount *ServiceAccountReference `json:"serviceAccount,omitempty"`

	// aws is the ARN of an IAM role, user or federated user or, on AWS, of an
	// assumed role's session.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^arn:aws(-[a-z]+)*:(iam::[0-9]{12}:(user|role)|sts::[0-9]{12}:(assumed-role/[a-zA-Z0-9_+=,.@-]+|federated-user))/[a-zA-Z0-9_+=,.@/-]+$')",message="aws must be the ARN of a role, user, federated user or session, without wildcards; an account goes into account"
	AWS string `json:"aws,omitempty"`

	// account is an AWS account by its 12 digits. On AWS it leaves the choice to
	// that account's IAM policies; on the software backend, which has none, it is
	// the account's root user.
	// +optional
	// +kubebuilder:validation:MinLength=12
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{12}$')",message="account must have 12 digits"
	Account string `json:"account,omitempty"`
}

// GrantConstraints narrow a grant to requests with an encryption context. Names
// are compared without regard to case, values with it, as AWS does for grants.
// +kubebuilder:validation:ExactlyOneOf=encryptionContextEquals;encryptionContextSubset
type GrantConstraints struct {
	// encryptionContextEquals is the encryption context that a request must have,
	// and nothing besides: 1 to 8 pairs, names of 1 to 384 and values of up to
	// 384 characters.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 384)",message="names must have 1 to 384 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, self.exists_one(other, other.lowerAscii() == k.lowerAscii()))",message="names must differ by more than case"
	EncryptionContextEquals map[string]EncryptionContextValue `json:"encryptionContextEquals,omitempty"`

	// encryptionContextSubset are pairs that a request's encryption context must
	// have, among others: 1 to 8, like those of encryptionContextEquals.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 384)",message="names must have 1 to 384 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, self.exists_one(other, other.lowerAscii() == k.lowerAscii()))",message="names must differ by more than case"
	EncryptionContextSubset map[string]EncryptionContextValue `json:"encryptionContextSubset,omitempty"`
}

// EncryptionContextValue is a value of an encryption context.
// +kubebuilder:validation:MinLength=0
// +kubebuilder:validation:MaxLength=384
type EncryptionContextValue string

// KeyGrantStatus is a grant that the operator put on the key.
type KeyGrantStatus struct {
	// name of the grant, as in spec.grants.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// grantID is the grant's ID at KMS.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	GrantID string `json:"grantID,omitempty"`

	// hash of what the grant allows to whom: the first 32 hexadecimal digits of a
	// SHA-256.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Hash string `json:"hash,omitempty"`
}

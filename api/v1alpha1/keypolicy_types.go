// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RoleARNAnnotation on a ServiceAccount names the IAM role that its pods
// assume on AWS (IAM roles for service accounts).
const RoleARNAnnotation = "eks.amazonaws.com/role-arn"

// PolicyEffect says what a rule does to the requests it applies to.
// +kubebuilder:validation:Enum=Allow;Deny
type PolicyEffect string

// The values of a rule's effect.
const (
	// EffectAllow lets the principals do what the rule lists.
	EffectAllow PolicyEffect = "Allow"
	// EffectDeny forbids it, whatever any other rule or grant allows.
	EffectDeny PolicyEffect = "Deny"
)

// Permission is a set of KMS actions by what a person wants to do; which
// actions they are depends on the key's usage.
// +kubebuilder:validation:Enum=Administer;Use;Encrypt;Decrypt;Sign;Verify;GenerateMac;VerifyMac;DeriveSharedSecret;Encapsulate;Decapsulate;Read;Grant
type Permission string

// The permissions.
const (
	// PermissionAdminister is to enable, disable, describe, tag, rotate and delete the key, to import its material and
	// to revoke its grants. It is not to use the key, nor to let others use it: the key policy is for KeyPolicies.
	PermissionAdminister Permission = "Administer"
	// PermissionUse is everything that the key's usage is for.
	PermissionUse Permission = "Use"
	// PermissionEncrypt is to encrypt, to make data keys and to encrypt again under this key.
	PermissionEncrypt Permission = "Encrypt"
	// PermissionDecrypt is to decrypt, and to encrypt again under another key.
	PermissionDecrypt Permission = "Decrypt"
	// PermissionSign is to sign.
	PermissionSign Permission = "Sign"
	// PermissionVerify is to verify signatures.
	PermissionVerify Permission = "Verify"
	// PermissionGenerateMac is to make message authentication codes.
	PermissionGenerateMac Permission = "GenerateMac"
	// PermissionVerifyMac is to verify message authentication codes.
	PermissionVerifyMac Permission = "VerifyMac"
	// PermissionDeriveSharedSecret is to agree on a secret (ECDH).
	PermissionDeriveSharedSecret Permission = "DeriveSharedSecret"
	// PermissionEncapsulate is to make a shared secret for the key's holder (ML-KEM).
	PermissionEncapsulate Permission = "Encapsulate"
	// PermissionDecapsulate is to recover a shared secret (ML-KEM).
	PermissionDecapsulate Permission = "Decapsulate"
	// PermissionRead is to look at the key's metadata, policy, grants, tags and public key.
	PermissionRead Permission = "Read"
	// PermissionGrant is to make, list and revoke grants. Whoever has it can let anybody use the key.
	PermissionGrant Permission = "Grant"
)

// KeyPolicySpec declares who may use keys.
type KeyPolicySpec struct {
	// targets are the Keys that the policy is for, up to 32 entries; all in the
	// policy's own namespace. A Key that several entries select is one target. A
	// target that does not exist, or a selector that matches nothing, is no error:
	// the policy takes effect when the Key appears.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Targets []KeyPolicyTarget `json:"targets,omitempty"`

	// rules say who may do what, up to 50; the order makes no difference. They
	// become statements of each target's key policy, under a base statement that
	// keeps the operator able to administer the key; several KeyPolicies on one
	// Key are joined. Nobody may do what no rule allows; a Deny wins over every
	// Allow and over grants.
	// +required
	// +listType=map
	// +listMapKey=sid
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	Rules []KeyPolicyRule `json:"rules,omitempty"`
}

// KeyPolicyTarget selects Keys of the policy's namespace.
// +kubebuilder:validation:ExactlyOneOf=name;selector
type KeyPolicyTarget struct {
	// name of a Key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// selector selects Keys by their labels. An empty one, {}, selects every Key
	// of the namespace.
	// +optional
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
}

// KeyPolicyRule lets principals do something, or forbids it to them.
// +kubebuilder:validation:XValidation:rule="has(self.permissions) || has(self.actions)",message="a rule needs permissions or actions, or both"
type KeyPolicyRule struct {
	// sid names the rule within the policy: 1 to 64 letters and digits. In the key
	// policy the statement is named by the KeyPolicy and the sid, such as "readers
	// AllowDecrypt".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9]+$')",message="sid may have letters and digits only, as in IAM"
	Sid string `json:"sid,omitempty"`

	// effect is Allow (the default) or Deny.
	// +optional
	// +kubebuilder:default=Allow
	Effect PolicyEffect `json:"effect,omitempty"`

	// principals whom the rule concerns, up to 50.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	Principals []KeyPolicyPrincipal `json:"principals,omitempty"`

	// permissions are sets of actions: Administer, Use, Encrypt, Decrypt, Sign,
	// Verify, GenerateMac, VerifyMac, DeriveSharedSecret, Encapsulate,
	// Decapsulate, Read or Grant. Each stands for the actions that suit the key's
	// usage: Use on a signing key is to sign, to verify and to read its public key.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=13
	Permissions []Permission `json:"permissions,omitempty"`

	// actions are KMS actions by their IAM name, such as kms:Decrypt or
	// kms:GenerateDataKey*, up to 50, besides those of permissions. * and ? are
	// wildcards.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.all(a, a.matches('^kms:[a-zA-Z*?]+$'))",message="each action must be kms: followed by an action's name, which may have the wildcards * and ?"
	Actions []string `json:"actions,omitempty"`

	// conditions must all hold for the rule to apply, up to 16. Omitted: it always
	// does.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(c, self.exists_one(d, d.operator == c.operator && d.key.lowerAscii() == c.key.lowerAscii()))",message="an operator may be used once for each key: put all values into one condition"
	Conditions []KeyPolicyCondition `json:"conditions,omitempty"`
}

// KeyPolicyPrincipal names who calls.
// +kubebuilder:validation:ExactlyOneOf=serviceAccount;aws;account;service
type KeyPolicyPrincipal struct {
	// serviceAccount is the identity of pods. On the software backend it is the
	// ServiceAccount itself; on AWS it is the IAM role in its annotation
	// eks.amazonaws.com/role-arn. While the ServiceAccount does not exist, or
	// lacks the annotation on AWS, the rule does without it and status names it.
	// +optional
	ServiceAccount *ServiceAccountReference `json:"serviceAccount,omitempty"`

	// aws is the ARN of an IAM role, user, session or federated user, or * for
	// everybody, which needs a condition that says who.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self == '*' || self.startsWith('arn:')",message="aws must be an ARN, or *; an account goes into account"
	AWS string `json:"aws,omitempty"`

	// account is an AWS account by its 12 digits. On AWS it leaves the choice to
	// that account's IAM policies; on the software backend, which has none, it is
	// the account's root user.
	// +optional
	// +kubebuilder:validation:MinLength=12
	// +kubebuilder:validation:MaxLength=12
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{12}$')",message="account must have 12 digits"
	Account string `json:"account,omitempty"`

	// service is an AWS service that calls for itself, such as
	// logs.eu-west-1.amazonaws.com. Services that act for a user are conditions
	// (kms:ViaService), not principals.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9-]+([.][a-z0-9-]+)*[.]amazonaws[.]com([.]cn)?$')",message="service must be a service principal, such as logs.eu-west-1.amazonaws.com"
	Service string `json:"service,omitempty"`
}

// ServiceAccountReference names a ServiceAccount.
type ServiceAccountReference struct {
	// name of the ServiceAccount.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="name must be a ServiceAccount's name: lower-case letters, digits, hyphens and dots"
	Name string `json:"name,omitempty"`

	// namespace of the ServiceAccount. Omitted: that of the object which names it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="namespace must be a namespace's name: lower-case letters, digits and hyphens"
	Namespace string `json:"namespace,omitempty"`
}

// KeyPolicyCondition is a condition of IAM's policy language.
type KeyPolicyCondition struct {
	// operator of IAM, such as StringEquals, ArnLike, Bool, IpAddress or
	// ForAnyValue:StringEquals; also with IfExists.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Operator string `json:"operator,omitempty"`

	// key of the condition, such as kms:EncryptionContext:tenant, kms:ViaService
	// or aws:SourceIp.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Key string `json:"key,omitempty"`

	// values of which one must match (for a negated operator: none may), 1 to 50.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=0
	// +kubebuilder:validation:items:MaxLength=2048
	Values []string `json:"values,omitempty"`
}

// KeyPolicy declares who may use Keys of its namespace, and how. Several
// KeyPolicies may select one Key; what they declare is joined.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=keypolicies,scope=Namespaced,shortName=kmspolicy,categories=chatelaine
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Keys",type=integer,JSONPath=`.status.matched`
// +kubebuilder:printcolumn:name="Applied",type=integer,JSONPath=`.status.applied`
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type KeyPolicy struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec declares who may use which Keys.
	// +required
	Spec KeyPolicySpec `json:"spec"`

	// status is what the operator has seen. It is written by the operator only;
	// until it first is, its observedGeneration is -1.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status KeyPolicyStatus `json:"status,omitzero"`
}

// KeyPolicyList is a list of KeyPolicies.
//
// +kubebuilder:object:root=true
type KeyPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []KeyPolicy `json:"items"`
}

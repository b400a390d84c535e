// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AWSBackend keeps keys in AWS KMS, in one account and region. Two KMSBackends
// with the same account and region are two doors to the same keys, each with
// credentials of its own; together they have the account's request quotas.
// +kubebuilder:validation:XValidation:rule="has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",message="region is immutable: it is part of the ARN of every key; create another KMSBackend instead",fieldPath=".region"
type AWSBackend struct {
	// region is the AWS region in which keys live, like eu-central-1. Omitted:
	// that of the operator's environment (AWS_REGION; on EKS the cluster's own),
	// as status.region shows. Immutable; and a KMSBackend that omits it stops
	// being available, rather than move, when the operator's environment names
	// another.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",message="region must consist of lower-case letters, digits and hyphens, and begin and end with a letter or digit, like eu-central-1"
	Region string `json:"region,omitempty"`

	// endpoint is the URL at which KMS, STS and the Resource Groups Tagging API
	// are served, with http or https, for something else than AWS that speaks its
	// API. Omitted: AWS's own endpoints (or what the operator's environment says:
	// AWS_ENDPOINT_URL). A change, or its removal, takes effect at once: the old
	// endpoint is used until the new one answers. It must lead to the same
	// account.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && !self.matches('[@?#]')",message="endpoint must be a URL with http or https and a host, and without user, query and fragment, like https://kms.example.com:8443"
	Endpoint string `json:"endpoint,omitempty"`

	// assumeRole is the IAM role in whose name the operator acts: the way into
	// another account than that of the credentials. Omitted: the credentials' own
	// role or user. It may be added, changed and removed as long as the account
	// stays the one in status.accountID; the new role must be allowed to
	// administer the keys that the old one made.
	// +optional
	AssumeRole *AssumeRole `json:"assumeRole,omitempty"`

	// credentialsSecretRef names a Secret in the operator's namespace with an
	// access key: accessKeyID, secretAccessKey and, for temporary credentials,
	// sessionToken. It is taken up at once when it is changed. Omitted, or removed
	// again: what AWS's SDK finds, which are an IAM role of the operator's
	// ServiceAccount (IRSA or EKS Pod Identity), variables of its environment, or
	// the role of its node.
	// +optional
	CredentialsSecretRef *SecretReference `json:"credentialsSecretRef,omitempty"`
}

// AssumeRole says which IAM role to assume, and how.
type AssumeRole struct {
	// arn of the IAM role, like arn:aws:iam::111122223333:role/chatelaine. Its
	// account is immutable.
	// +required
	// +kubebuilder:validation:MinLength=20
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([!-~]+/)?[A-Za-z0-9_+=,.@-]{1,64}$')",message="arn must be that of an IAM role, like arn:aws:iam::111122223333:role/chatelaine"
	// +kubebuilder:validation:XValidation:rule="self.split(':').size() < 5 || self.split(':')[4] == oldSelf.split(':')[4]",message="the account in arn is immutable: keys do not move between accounts; create another KMSBackend instead"
	ARN string `json:"arn,omitempty"`

	// externalID is what the role's trust policy demands as sts:ExternalId: 2 to
	// 1224 letters, digits and _+=,.@:/-. It is no secret. Omitted, or removed
	// again: none is sent.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=1224
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_+=,.@:/-]*$')",message="externalID must consist of letters, digits and _+=,.@:/-"
	ExternalID string `json:"externalID,omitempty"`

	// sessionName is how the operator's sessions are called in CloudTrail: 2 to 64
	// letters, digits and _+=,.@-. Omitted, or removed again: chatelaine.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_+=,.@-]*$')",message="sessionName must consist of letters, digits and _+=,.@-"
	SessionName string `json:"sessionName,omitempty"`
}

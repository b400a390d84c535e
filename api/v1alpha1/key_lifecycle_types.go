// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DeletionPolicy says what happens to the key when its Key object is deleted.
// +kubebuilder:validation:Enum=Retain;Schedule
type DeletionPolicy string

// The values of spec.deletion.policy.
const (
	// DeletionRetain keeps the key, for those whom it is allowed to at that moment.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionSchedule schedules the key's deletion, which applying the Key again cancels.
	DeletionSchedule DeletionPolicy = "Schedule"
)

// KeyRotation declares when key material is replaced.
// +kubebuilder:validation:XValidation:rule="!has(self.periodInDays) || (has(self.enabled) && self.enabled)",message="periodInDays needs enabled: true; remove periodInDays to turn automatic rotation off",fieldPath=".periodInDays"
type KeyRotation struct {
	// enabled turns automatic rotation on. Default: false.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// periodInDays is the number of days between automatic rotations, 90 to 2560.
	// Omitted or removed: 365. Days are counted from the last automatic rotation
	// or, before the first, from the day rotation was turned on. A date that
	// passes while the key is disabled or the operator is down is made up for at
	// once afterwards.
	// +optional
	// +kubebuilder:validation:Minimum=90
	// +kubebuilder:validation:Maximum=2560
	PeriodInDays int32 `json:"periodInDays,omitempty"`

	// requestedAt asks for one rotation on demand: when this time has come and is
	// later than the last rotation on demand and than the key's creation, the key
	// is rotated once. The automatic schedule is not moved by it. AWS allows 25
	// rotations on demand in a key's life. RFC 3339, in seconds.
	// +optional
	RequestedAt *metav1.Time `json:"requestedAt,omitempty"`
}

// KeyAdoption names the key to take over.
// +kubebuilder:validation:XValidation:rule="has(self.keyID) != has(self.alias)",message="exactly one of keyID and alias must be set"
type KeyAdoption struct {
	// keyID is the ID or the ARN of the key.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('alias/') && !self.contains(':alias/')",message="keyID must be a key's ID or ARN; put an alias into alias"
	KeyID string `json:"keyID,omitempty"`

	// alias is an alias of the key, like alias/orders. The key that it names when
	// the Key is first reconciled is adopted; where the alias points later makes
	// no difference.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^alias/[a-zA-Z0-9/_-]+$')",message="alias must be alias/ followed by letters, digits, / _ or -"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('alias/aws/')",message="aliases that begin with alias/aws/ are those of AWS's own keys, which cannot be adopted"
	Alias string `json:"alias,omitempty"`
}

// KeyDeletion says what happens to the key when its Key object is deleted.
type KeyDeletion struct {
	// policy is Retain (the default) or Schedule. Retain keeps the key, for those
	// who may use it at that moment: creating the Key again finds it. Schedule
	// schedules the key's deletion, after which everything encrypted under it is
	// lost for ever; creating the Key again within the waiting window cancels that
	// and brings the same key back.
	// +optional
	// +kubebuilder:default=Retain
	Policy DeletionPolicy `json:"policy,omitempty"`

	// pendingWindowInDays is the waiting window of policy Schedule in days, 7 to
	// 30. Omitted: 30.
	// +optional
	// +kubebuilder:validation:Minimum=7
	// +kubebuilder:validation:Maximum=30
	PendingWindowInDays int32 `json:"pendingWindowInDays,omitempty"`

	// protected refuses the deletion of this object (by the
	// ValidatingAdmissionPolicy that the operator ships) until it is set to false
	// or removed. Default: false.
	// +optional
	Protected *bool `json:"protected,omitempty"`
}

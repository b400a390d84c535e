// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KeyPolicyTargetState says whether a policy is in force on a target.
// +kubebuilder:validation:Enum=Applied;Pending;Conflict
type KeyPolicyTargetState string

// The states of a target.
const (
	// TargetApplied means that the policy, as it is declared now, is in force on the key.
	TargetApplied KeyPolicyTargetState = "Applied"
	// TargetPending means that it will be, without anybody's help.
	TargetPending KeyPolicyTargetState = "Pending"
	// TargetConflict means that it will not be until somebody changes something; the message says what.
	TargetConflict KeyPolicyTargetState = "Conflict"
)

// KeyPolicyStatus says where the policy is in force.
type KeyPolicyStatus struct {
	// observedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions of the KeyPolicy: Ready, Valid, PrincipalsResolved, Applied,
	// Reconciling and Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// targets are the Keys that the policy selects, by name; at most the first
	// 256 of them, those that are not Applied first. matched counts all.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Targets []KeyPolicyTargetStatus `json:"targets,omitempty"`

	// matched is the number of Keys that the policy selects.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Matched *int32 `json:"matched,omitempty"`

	// applied is the number of Keys on which the policy is in force.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Applied *int32 `json:"applied,omitempty"`
}

// KeyPolicyTargetStatus says whether the policy is in force on one Key.
type KeyPolicyTargetStatus struct {
	// name of the Key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// state is Applied, Pending or Conflict.
	// +required
	State KeyPolicyTargetState `json:"state,omitempty"`

	// policyHash is the hash of the key policy in force on the Key, as in its
	// status.policy.hash.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	PolicyHash string `json:"policyHash,omitempty"`

	// message says why the policy is not in force.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

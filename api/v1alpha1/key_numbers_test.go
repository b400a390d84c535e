// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestRotationPeriodIsAWSs(t *testing.T) {
	period := func(enabled *bool, days int32) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: enabled, PeriodInDays: days}
		}
	}
	rotation := func(rotation v1alpha1.KeyRotation) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Rotation = &rotation }
	}
	needsEnabled := refused("spec.rotation.periodInDays", "periodInDays needs enabled: true")
	keyCases{
		"89 days":                   {period(new(true), 89), refused("spec.rotation.periodInDays", "greater than or equal to 90")},
		"90 days":                   {period(new(true), 90), accepted},
		"2560 days":                 {period(new(true), 2560), accepted},
		"2561 days":                 {period(new(true), 2561), refused("spec.rotation.periodInDays", "less than or equal to 2560")},
		"period, enabled omitted":   {period(nil, 365), needsEnabled},
		"period, enabled false":     {period(new(false), 365), needsEnabled},
		"enabled without period":    {rotation(v1alpha1.KeyRotation{Enabled: new(true)}), accepted},
		"disabled without period":   {rotation(v1alpha1.KeyRotation{Enabled: new(false)}), accepted},
		"requestedAt alone":         {rotation(v1alpha1.KeyRotation{RequestedAt: new(noon)}), accepted},
		"requestedAt and automatic": {rotation(v1alpha1.KeyRotation{RequestedAt: new(noon), Enabled: new(true)}), accepted},
	}.run(t)
}

func TestPendingWindowIsAWSs(t *testing.T) {
	window := func(policy v1alpha1.DeletionPolicy, days int32) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.Deletion = v1alpha1.KeyDeletion{Policy: policy, PendingWindowInDays: days}
		}
	}
	policy := func(policy v1alpha1.DeletionPolicy) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Deletion.Policy = policy }
	}
	const field = "spec.deletion.pendingWindowInDays"
	keyCases{
		"6 days":                 {window("Schedule", 6), refused(field, "greater than or equal to 7")},
		"7 days":                 {window("Schedule", 7), accepted},
		"30 days":                {window("Schedule", 30), accepted},
		"31 days":                {window("Schedule", 31), refused(field, "less than or equal to 30")},
		"window of a later time": {window("Retain", 7), accepted},
		"Schedule, no window":    {policy("Schedule"), accepted},
		"Retain":                 {policy("Retain"), accepted},
		"unknown policy":         {policy("Destroy"), refused("spec.deletion.policy", `supported values: "Retain", "Schedule"`)},
	}.run(t)
}

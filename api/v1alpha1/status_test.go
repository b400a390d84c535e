// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestKeyStatusHasRoomForWhatItHolds(t *testing.T) {
	const tooLong, tooMany = "may not be more than", "must have at most 100 items"
	namespace := env.Namespace(t)
	for field, test := range map[string]struct {
		max  int
		set  func(status *v1alpha1.KeyStatus, size int)
		said string
	}{
		"backend":       {253, func(status *v1alpha1.KeyStatus, size int) { status.Backend = repeat("a", size) }, tooLong},
		"keyID":         {256, func(status *v1alpha1.KeyStatus, size int) { status.KeyID = repeat("a", size) }, tooLong},
		"arn":           {2048, func(status *v1alpha1.KeyStatus, size int) { status.ARN = repeat("a", size) }, tooLong},
		"keyState":      {64, func(status *v1alpha1.KeyStatus, size int) { status.KeyState = repeat("a", size) }, tooLong},
		"publicKey":     {8192, func(status *v1alpha1.KeyStatus, size int) { status.PublicKey = repeat("a", size) }, tooLong},
		"configMapName": {253, func(status *v1alpha1.KeyStatus, size int) { status.ConfigMapName = repeat("a", size) }, tooLong},
		"conditions":    {32, func(status *v1alpha1.KeyStatus, size int) { status.Conditions = conditions(size) }, "must have at most 32 items"},
		"aliases":       {100, func(status *v1alpha1.KeyStatus, size int) { status.Aliases = numbered("alias/a", size) }, tooMany},
		"aliases[0]":    {256, func(status *v1alpha1.KeyStatus, size int) { status.Aliases = []string{repeat("a", size)} }, tooLong},
		"tagKeys":       {100, func(status *v1alpha1.KeyStatus, size int) { status.TagKeys = numbered("k", size) }, tooMany},
		"grants":        {200, func(status *v1alpha1.KeyStatus, size int) { status.Grants = grantStatuses(size) }, "must have at most 200 items"},
		"tagKeys[0]":    {128, func(status *v1alpha1.KeyStatus, size int) { status.TagKeys = []string{repeat("a", size)} }, tooLong},
		"drift": {128, func(status *v1alpha1.KeyStatus, size int) { status.Drift = drifts(numbered("field", size)...) },
			"must have at most 128 items"},
		"drift[0].field": {64, func(status *v1alpha1.KeyStatus, size int) { status.Drift = drifts(repeat("a", size)) }, tooLong},
		"drift[0].from": {512, func(status *v1alpha1.KeyStatus, size int) {
			status.Drift = drifts("description")
			status.Drift[0].From = repeat("鍵", size)
		}, tooLong},
		"drift[0].to": {512, func(status *v1alpha1.KeyStatus, size int) {
			status.Drift = drifts("description")
			status.Drift[0].To = repeat("鍵", size)
		}, tooLong},
		"replicas": {20, func(status *v1alpha1.KeyStatus, size int) {
			status.Replicas = nil
			for _, region := range numbered("region-", size) {
				status.Replicas = append(status.Replicas, v1alpha1.KeyReplicaStatus{Region: region})
			}
		}, "must have at most 20 items"},
		"primaryRegion": {32, func(status *v1alpha1.KeyStatus, size int) { status.PrimaryRegion = repeat("a", size) }, tooLong},
		"lastHandledReconcileAt": {64, func(status *v1alpha1.KeyStatus, size int) {
			status.LastHandledReconcileAt = repeat("1", size)
		}, tooLong},
	} {
		t.Run(field, func(t *testing.T) {
			key := newKey(namespace)
			if err := env.Client.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			test.set(&key.Status, test.max)
			accepted.check(t, env.Client.Status().Update(t.Context(), key))
			test.set(&key.Status, test.max+1)
			refused("status."+field, test.said).check(t, env.Client.Status().Update(t.Context(), key))
		})
	}
}

func TestKMSBackendStatusHasRoomForWhatItHolds(t *testing.T) {
	for field, test := range map[string]struct {
		max int
		set func(status *v1alpha1.KMSBackendStatus, value string)
	}{
		"accountID": {12, func(status *v1alpha1.KMSBackendStatus, value string) { status.AccountID = value }},
		"region":    {32, func(status *v1alpha1.KMSBackendStatus, value string) { status.Region = value }},
		"callerARN": {2048, func(status *v1alpha1.KMSBackendStatus, value string) { status.CallerARN = value }},
		"rootKey.id": {64, func(status *v1alpha1.KMSBackendStatus, value string) {
			status.RootKey = &v1alpha1.RootKeyStatus{ID: value}
		}},
	} {
		t.Run(field, func(t *testing.T) {
			backend := newBackend()
			if err := env.Client.Create(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			test.set(&backend.Status, repeat("1", test.max))
			accepted.check(t, env.Client.Status().Update(t.Context(), backend))
			test.set(&backend.Status, repeat("1", test.max+1))
			refused("status."+field, "may not be more than").check(t, env.Client.Status().Update(t.Context(), backend))
		})
	}
}

func TestKMSBackendStatusHasRoomForItsConditions(t *testing.T) {
	backend := newBackend()
	if err := env.Client.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	backend.Status.Conditions = conditions(32)
	accepted.check(t, env.Client.Status().Update(t.Context(), backend))
	backend.Status.Conditions = conditions(33)
	refused("status.conditions", "must have at most 32 items").check(t, env.Client.Status().Update(t.Context(), backend))
}

// drifts are what differs in each of the fields.
func drifts(fields ...string) []v1alpha1.KeyDrift {
	all := make([]v1alpha1.KeyDrift, 0, len(fields))
	for _, field := range fields {
		all = append(all, v1alpha1.KeyDrift{Field: field, DetectedAt: new(noon)})
	}
	return all
}

func TestDriftSaysInWhatAndSinceWhen(t *testing.T) {
	for field, spoil := range map[string]func(*v1alpha1.KeyDrift){
		"field":      func(entry *v1alpha1.KeyDrift) { entry.Field = "" },
		"detectedAt": func(entry *v1alpha1.KeyDrift) { entry.DetectedAt = nil },
	} {
		t.Run(field, func(t *testing.T) {
			key := newKey(env.Namespace(t))
			if err := env.Client.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			key.Status.Drift = drifts("tags")
			key.Status.Drift[0].ResolvedAt = new(noon)
			accepted.check(t, env.Client.Status().Update(t.Context(), key))
			spoil(&key.Status.Drift[0])
			refused("status.drift[0]."+field, "Required value").check(t, env.Client.Status().Update(t.Context(), key))
		})
	}
}

// conditions are n conditions of different types.
func conditions(n int) []metav1.Condition {
	conditions := make([]metav1.Condition, n)
	for i, name := range numbered("Condition", n) {
		conditions[i] = metav1.Condition{
			Type: name, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady, LastTransitionTime: noon,
		}
	}
	return conditions
}

func grantStatuses(n int) []v1alpha1.KeyGrantStatus {
	grants := make([]v1alpha1.KeyGrantStatus, n)
	for i, name := range numbered("grant-", n) {
		grants[i] = v1alpha1.KeyGrantStatus{Name: name, GrantID: repeat("0", 128), Hash: repeat("0", 64)}
	}
	return grants
}

func TestStatusListsAreSetsAndConditionsOnePerType(t *testing.T) {
	ready := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady, LastTransitionTime: noon,
	}
	namespace := env.Namespace(t)
	for field, set := range map[string]func(*v1alpha1.KeyStatus){
		"aliases[1]":    func(status *v1alpha1.KeyStatus) { status.Aliases = []string{"alias/a", "alias/a"} },
		"tagKeys[1]":    func(status *v1alpha1.KeyStatus) { status.TagKeys = []string{"team", "team"} },
		"drift[1]":      func(status *v1alpha1.KeyStatus) { status.Drift = drifts("tags", "tags") },
		"conditions[1]": func(status *v1alpha1.KeyStatus) { status.Conditions = []metav1.Condition{ready, ready} },
	} {
		t.Run(field, func(t *testing.T) {
			key := newKey(namespace)
			if err := env.Client.Create(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			set(&key.Status)
			refused("status."+field, "").check(t, env.Client.Status().Update(t.Context(), key))
		})
	}
}

func TestStatusAndSpecAreWrittenApart(t *testing.T) {
	key := newKey(env.Namespace(t))
	key.Status.KeyID = "invented"
	if err := env.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if key.Status.KeyID != "" || key.Status.ObservedGeneration != -1 {
		t.Errorf("the Key was created with status %+v, want only that nobody has seen it", key.Status)
	}
	key.Status.KeyID, key.Spec.Description = "1234", "from the status"
	if err := env.Client.Status().Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if key.Status.KeyID != "1234" || strings.Contains(key.Spec.Description, "from the status") {
		t.Errorf("status.keyID is %q and spec.description %q", key.Status.KeyID, key.Spec.Description)
	}
}

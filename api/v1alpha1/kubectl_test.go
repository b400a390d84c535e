// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestKubectlExplainReadsLikeDocumentation(t *testing.T) {
	for path, wants := range map[string][]string{
		"key.spec.rotation.periodInDays":  {"<integer>", "days between automatic rotations, 90 to 2560", "Omitted or removed: 365"},
		"key.spec.keySpec":                {"SYMMETRIC_DEFAULT (the default: AES-256-GCM)", "ML_KEM_1024", "Immutable."},
		"key.status.drift":                {"detectedAt", "what is declared", "Omitted: it still differs"},
		"key.spec.deletion":               {"pendingWindowInDays", "7 to 30", "protected"},
		"keypolicy.spec":                  {"rules", "-required-", "a Deny wins over every Allow", "targets"},
		"keypolicy.spec.rules":            {"enum: Allow, Deny", "Decapsulate, Read or Grant", "kms:GenerateDataKey*", "conditions must all hold"},
		"keypolicy.spec.rules.principals": {"eks.amazonaws.com/role-arn", "* for everybody", "its 12 digits"},
		"keypolicy.status.targets":        {"enum: Applied, Pending, Conflict", "message says why the policy is not in force"},
		"kmsbackend.spec":                 {"enum: Tagged, Any, None", "software makes this backend the built-in software KMS"},
	} {
		t.Run(path, func(t *testing.T) {
			explained := kubectl(t, "explain", path)
			for _, want := range append(wants, "GROUP:      kms.chatelaine.dev") {
				if !strings.Contains(unwrapped(explained), unwrapped(want)) {
					t.Errorf("kubectl explain %s does not say %q:\n%s", path, want, explained)
				}
			}
		})
	}
}

func TestKubectlGetAnswersTheFirstQuestions(t *testing.T) {
	key, backend, policy := readyKey(t), readyBackend(t), readyPolicy(t)
	for name, test := range map[string]struct {
		args    []string
		columns []string
		values  []string
	}{
		"keys": {
			args:    []string{"keys", "-n", key.Namespace},
			columns: []string{"NAME", "READY", "STATE", "SPEC", "BACKEND", "NEXT ROTATION", "AGE"},
			values:  []string{"orders", "True", "Enabled", "SYMMETRIC_DEFAULT", "software", "2026-05-01T12:00:00Z"},
		},
		"keys, wide": {
			args: []string{"keys", "-n", key.Namespace, "-o", "wide"},
			columns: []string{
				"NAME", "READY", "STATE", "SPEC", "BACKEND", "NEXT ROTATION", "AGE",
				"KEY ID", "USAGE", "ALIASES", "DRIFTED", "REASON", "MESSAGE",
			},
			values: []string{"1234-abcd", "ENCRYPT_DECRYPT", `["alias/orders"]   False     Ready`, "as declared"},
		},
		"keypolicies": {
			args:    []string{"keypolicies", "-n", policy.Namespace},
			columns: []string{"NAME", "READY", "KEYS", "APPLIED", "VALID", "AGE"},
			values:  []string{policy.Name, "False", "3      2", "Warnings"},
		},
		"keypolicies, wide": {
			args:    []string{"keypolicies", "-n", policy.Namespace, "-o", "wide"},
			columns: []string{"NAME", "READY", "KEYS", "APPLIED", "VALID", "AGE", "REASON", "MESSAGE"},
			values:  []string{"Progressing", "in force on 2 of 3 keys"},
		},
		"kmsbackends": {
			args:    []string{"kmsbackends", backend.Name},
			columns: []string{"NAME", "READY", "REASON", "ACCOUNT", "REGION", "DEFAULT", "AGE"},
			values:  []string{backend.Name, "True", "Ready", "111122223333", "local", "true"},
		},
		"kmsbackends, wide": {
			args: []string{"kmsbackends", backend.Name, "-o", "wide"},
			columns: []string{
				"NAME", "READY", "REASON", "ACCOUNT", "REGION", "DEFAULT", "AGE", "CALLER", "MESSAGE",
			},
			values: []string{"arn:aws:iam::111122223333:root", "as declared"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			table := kubectl(t, append([]string{"get"}, test.args...)...)
			header, rows, _ := strings.Cut(table, "\n")
			if got, want := strings.Join(strings.Fields(header), " "), strings.Join(test.columns, " "); got != want {
				t.Errorf("columns are %s, want %s", got, want)
			}
			for _, want := range test.values {
				if !strings.Contains(rows, want) {
					t.Errorf("no %q in\n%s", want, table)
				}
			}
		})
	}
}

func TestShortNamesAndCategory(t *testing.T) {
	key, backend, policy := readyKey(t), readyBackend(t), readyPolicy(t)
	keyName, backendName := "key.kms.chatelaine.dev/"+key.Name, "kmsbackend.kms.chatelaine.dev/"+backend.Name
	policyName := "keypolicy.kms.chatelaine.dev/" + policy.Name
	for name, test := range map[string]struct {
		args  []string
		wants []string
	}{
		"kmskey":     {[]string{"kmskey", "-n", key.Namespace}, []string{keyName}},
		"kmsb":       {[]string{"kmsb"}, []string{backendName}},
		"kmspolicy":  {[]string{"kmspolicy", "-n", policy.Namespace}, []string{policyName}},
		"chatelaine": {[]string{"chatelaine", "-A"}, []string{keyName, backendName, policyName}},
	} {
		t.Run(name, func(t *testing.T) {
			listed := kubectl(t, append([]string{"get", "-o", "name"}, test.args...)...)
			for _, want := range test.wants {
				if !strings.Contains(listed, want+"\n") {
					t.Errorf("no %s among\n%s", want, listed)
				}
			}
		})
	}
}

func TestKubectlNamesTheUnknownKindOfBackend(t *testing.T) {
	for name, spec := range map[string]string{
		"instead of software": "{vault: {region: eu-west-1}}",
		"beside software":     "{software: {}, vault: {region: eu-west-1}}",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "backend.yaml")
			manifest := "{apiVersion: kms.chatelaine.dev/v1alpha1, kind: KMSBackend, metadata: {name: vault}, spec: " + spec + "}"
			if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := env.Kubectl(t.Context(), "apply", "-f", file)
			if err == nil || !strings.Contains(err.Error(), `unknown field "spec.vault"`) {
				t.Errorf("got %v, want spec.vault named", err)
			}
			if listed := kubectl(t, "get", "kmsbackends", "-o", "name"); strings.Contains(listed, "/vault\n") {
				t.Error("the KMSBackend was created all the same")
			}
		})
	}
}

func readyKey(t *testing.T) *v1alpha1.Key {
	t.Helper()
	key := newKey(env.Namespace(t))
	key.Name = "orders"
	key.Spec.KeyUsage = "ENCRYPT_DECRYPT"
	if err := env.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	key.Status = v1alpha1.KeyStatus{
		Conditions: append(ready(), metav1.Condition{
			Type: v1alpha1.ConditionDrifted, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNoDrift, LastTransitionTime: noon,
		}), Backend: "software", KeyID: "1234-abcd", KeyState: "Enabled",
		Aliases: []string{"alias/orders"}, Rotation: &v1alpha1.KeyRotationStatus{NextTime: new(noon)},
	}
	if err := env.Client.Status().Update(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	return key
}

func readyBackend(t *testing.T) *v1alpha1.KMSBackend {
	t.Helper()
	backend := newBackend()
	backend.Annotations = map[string]string{v1alpha1.DefaultBackendAnnotation: "true"}
	if err := env.Client.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	backend.Status = v1alpha1.KMSBackendStatus{
		Conditions: ready(), AccountID: "111122223333", Region: "local", CallerARN: "arn:aws:iam::111122223333:root",
	}
	if err := env.Client.Status().Update(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	return backend
}

// readyPolicy is in force on two of its three Keys.
func readyPolicy(t *testing.T) *v1alpha1.KeyPolicy {
	t.Helper()
	policy := newKeyPolicy(env.Namespace(t))
	policy.Name = "readers"
	if err := env.Client.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	policy.Status = v1alpha1.KeyPolicyStatus{
		Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonProgressing,
				Message: "in force on 2 of 3 keys", LastTransitionTime: noon},
			{Type: v1alpha1.ConditionValid, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonWarnings, LastTransitionTime: noon},
		},
		Matched: new(int32(3)), Applied: new(int32(2)),
	}
	if err := env.Client.Status().Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	return policy
}

func ready() []metav1.Condition {
	return []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady,
		Message: "as declared", LastTransitionTime: noon,
	}}
}

// kubectl is what kubectl prints.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	output, err := env.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return output.Stdout
}

// unwrapped is text without the places where its lines were broken.
func unwrapped(text string) string { return strings.Join(strings.Fields(text), " ") }

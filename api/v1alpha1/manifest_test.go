// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// manifests are bodies of objects as people write them, who can say what the Go types cannot.
type manifests map[string]struct {
	body string
	want verdict
}

var tooShort = "should be at least 1 chars long"

func (m manifests) run(t *testing.T, kind, namespace string) {
	for name, test := range m {
		t.Run(name, func(t *testing.T) {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(test.body), &object.Object); err != nil {
				t.Fatal(err)
			}
			object.SetAPIVersion("kms.chatelaine.dev/v1alpha1")
			object.SetKind(kind)
			object.SetNamespace(namespace)
			object.SetGenerateName("manifest-")
			test.want.check(t, env.Client.Create(t.Context(), object))
		})
	}
}

func TestKeyManifestsOutsideTheGoTypes(t *testing.T) {
	manifests{
		"empty spec":         {"spec: {}", accepted},
		"no spec":            {"{}", refused("spec", "Required value")},
		"no aliases":         {"spec: {aliases: []}", refused("spec.aliases", "should have at least 1 items")},
		"no tags":            {"spec: {tags: {}}", refused("spec.tags", "should have at least 1 properties")},
		"empty keySpec":      {"spec: {keySpec: '', keyUsage: SIGN_VERIFY}", refused("spec.keySpec", tooShort)},
		"empty keyUsage":     {"spec: {keyUsage: ''}", refused("spec.keyUsage", "Unsupported value")},
		"empty backend":      {"spec: {backendRef: {name: ''}}", refused("spec.backendRef.name", tooShort)},
		"empty keyID":        {"spec: {adopt: {keyID: ''}}", refused("spec.adopt.keyID", tooShort)},
		"short keyID":        {"spec: {adopt: {keyID: a}}", accepted},
		"empty alias":        {"spec: {adopt: {alias: ''}}", refused("spec.adopt.alias", tooShort)},
		"empty ConfigMap":    {"spec: {publish: {configMapName: ''}}", refused("spec.publish.configMapName", tooShort)},
		"empty policy":       {"spec: {deletion: {policy: ''}}", refused("spec.deletion.policy", "Unsupported value")},
		"empty deletion":     {"spec: {deletion: {}}", accepted},
		"empty description":  {"spec: {description: ''}", accepted},
		"requestedAt a date": {"spec: {rotation: {requestedAt: '2026-05-01T12:00:00Z'}}", accepted},
		"requestedAt a word": {"spec: {rotation: {requestedAt: tomorrow}}", refused("spec.rotation.requestedAt", "must be of type date-time")},
		"period a fraction":  {"spec: {rotation: {enabled: true, periodInDays: 90.5}}", refused("spec.rotation.periodInDays", "must be of type int32")},
		"enabled a word":     {"spec: {enabled: 'yes'}", refused("spec.enabled", "must be of type boolean")},
	}.run(t, "Key", env.Namespace(t))
}

func TestKMSBackendManifestsOutsideTheGoTypes(t *testing.T) {
	const secretName = "spec.software.rootKey.secretRef.name"
	manifests{
		"no spec":       {"{}", refused("spec", "Required value")},
		"empty spec":    {"spec: {}", refused("spec", "exactly one kind of backend must be set")},
		"empty account": {"spec: {software: {accountID: ''}}", refused("spec.software.accountID", "should be at least 12 chars long")},
		"empty region":  {"spec: {software: {region: ''}}", refused("spec.software.region", tooShort)},
		"empty Secret":  {"spec: {software: {rootKey: {secretRef: {name: ''}}}}", refused(secretName, tooShort)},
		"empty aws":     {"spec: {aws: {}}", accepted},
		"AWS's region":  {"spec: {aws: {region: ''}}", refused("spec.aws.region", tooShort)},
		"no endpoint":   {"spec: {aws: {endpoint: ''}}", refused("spec.aws.endpoint", tooShort)},
		"empty role":    {"spec: {aws: {assumeRole: {}}}", refused("spec.aws.assumeRole.arn", "Required value")},
		"requestedAt a word": {
			"spec: {software: {rootKey: {rotation: {requestedAt: soon}}}}",
			refused("spec.software.rootKey.rotation.requestedAt", "must be of type date-time"),
		},
	}.run(t, "KMSBackend", "")
}

func TestStatusHoldsNoEmptyValues(t *testing.T) {
	namespace := env.Namespace(t)
	key := func() client.Object { return newKey(namespace) }
	backend := func() client.Object { return newBackend() }
	policy := func() client.Object { return newKeyPolicy(namespace) }
	for field, test := range map[string]struct {
		base  func() client.Object
		patch string
		said  string
	}{
		"key.backend":                  {key, "{backend: ''}", tooShort},
		"key.keyID":                    {key, "{keyID: ''}", tooShort},
		"key.arn":                      {key, "{arn: ''}", tooShort},
		"key.keyState":                 {key, "{keyState: ''}", tooShort},
		"key.publicKey":                {key, "{publicKey: ''}", tooShort},
		"key.configMapName":            {key, "{configMapName: ''}", tooShort},
		"key.rotation.onDemandCount":   {key, "{rotation: {onDemandCount: 0}}", "greater than or equal to 1"},
		"key.policy.hash":              {key, "{policy: {hash: ''}}", tooShort},
		"backend.accountID":            {backend, "{accountID: ''}", tooShort},
		"backend.region":               {backend, "{region: ''}", tooShort},
		"backend.callerARN":            {backend, "{callerARN: ''}", tooShort},
		"backend.rootKey.id":           {backend, "{rootKey: {id: ''}}", tooShort},
		"policy.matched":               {policy, "{matched: -1}", "greater than or equal to 0"},
		"policy.applied":               {policy, "{applied: -1}", "greater than or equal to 0"},
		"policy.targets[0].name":       {policy, "{targets: [{name: '', state: Applied}]}", tooShort},
		"policy.targets[0].state":      {policy, "{targets: [{name: a, state: Ready}]}", `supported values: "Applied", "Pending", "Conflict"`},
		"policy.targets[0].message":    {policy, "{targets: [{name: a, state: Applied, message: ''}]}", tooShort},
		"policy.targets[0].policyHash": {policy, "{targets: [{name: a, state: Applied, policyHash: ''}]}", tooShort},
	} {
		t.Run(field, func(t *testing.T) {
			object := test.base()
			if err := env.Client.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			patch, err := yaml.YAMLToJSON([]byte("status: " + test.patch))
			if err != nil {
				t.Fatal(err)
			}
			_, path, _ := strings.Cut(field, ".")
			answer := env.Client.Status().Patch(t.Context(), object, client.RawPatch(types.MergePatchType, patch))
			refused("status."+path, test.said).check(t, answer)
		})
	}
}

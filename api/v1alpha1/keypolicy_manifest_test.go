// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// policyManifest is a KeyPolicy's body as people write it, whose only rule has these fields besides its sid.
func policyManifest(rule string) string {
	return "spec: {targets: [{name: orders}], rules: [{sid: Use, " + rule + "}]}"
}

func TestKeyPolicyManifestsOutsideTheGoTypes(t *testing.T) {
	const (
		api   = "principals: [{serviceAccount: {name: api}}], "
		field = "spec.rules[0]"
		fewer = "should have at least 1 items"
		use   = ", permissions: [Use]"
		when  = api + "permissions: [Use], conditions: "
	)
	principal := func(body string) string { return policyManifest("principals: [{" + body + "}]" + use) }
	manifests{
		"everything":          {policyManifest(when + "[{operator: Bool, key: 'kms:GrantIsForAWSResource', values: ['true']}], effect: Deny"), accepted},
		"no spec":             {"{}", refused("spec", "Required value")},
		"no targets":          {"spec: {targets: [], rules: [{sid: A, " + api + "permissions: [Use]}]}", refused("spec.targets", fewer)},
		"no rules":            {"spec: {targets: [{name: orders}], rules: []}", refused("spec.rules", fewer)},
		"no principals":       {policyManifest("principals: [], permissions: [Use]"), refused(field+".principals", fewer)},
		"no permissions":      {policyManifest(api + "permissions: []"), refused(field+".permissions", fewer)},
		"no actions":          {policyManifest(api + "actions: []"), refused(field+".actions", fewer)},
		"no conditions":       {policyManifest(when + "[]"), refused(field+".conditions", fewer)},
		"no values":           {policyManifest(when + "[{operator: Bool, key: 'a:b', values: []}]"), refused(field+".conditions[0].values", fewer)},
		"a boolean value":     {policyManifest(when + "[{operator: Bool, key: 'a:b', values: [true]}]"), refused(field+".conditions[0].values[0]", "must be of type string")},
		"empty sid":           {strings.Replace(policyManifest(api+"permissions: [Use]"), "Use", "''", 1), refused(field+".sid", "")},
		"empty effect":        {policyManifest(api + "permissions: [Use], effect: ''"), refused(field+".effect", "Unsupported value")},
		"empty permission":    {policyManifest(api + "permissions: ['']"), refused(field+".permissions[0]", "Unsupported value")},
		"empty operator":      {policyManifest(when + "[{operator: '', key: 'a:b', values: [c]}]"), refused(field+".conditions[0].operator", tooShort)},
		"empty key":           {policyManifest(when + "[{operator: Bool, key: '', values: [c]}]"), refused(field+".conditions[0].key", tooShort)},
		"empty target":        {"spec: {targets: [{name: ''}], rules: [{sid: A, " + api + "permissions: [Use]}]}", refused("spec.targets[0].name", tooShort)},
		"empty account":       {principal("account: ''"), refused(principalField+".account", "")},
		"account as a number": {principal("account: 111122223333"), refused(principalField+".account", "must be of type string")},
		"empty aws":           {principal("aws: ''"), refused(principalField+".aws", "")},
		"empty service":       {principal("service: ''"), refused(principalField+".service", "")},
		"empty name":          {principal("serviceAccount: {name: ''}"), refused(principalField+".serviceAccount.name", "")},
		"empty namespace":     {principal("serviceAccount: {name: a, namespace: ''}"), refused(principalField+".serviceAccount.namespace", "")},
		"no name":             {principal("serviceAccount: {}"), refused(principalField+".serviceAccount.name", "Required value")},
	}.run(t, "KeyPolicy", env.Namespace(t))
}

func TestAKeyPolicyCannotReachIntoAnotherNamespace(t *testing.T) {
	namespace := env.Namespace(t)
	const rules = "rules: [{sid: Use, principals: [{serviceAccount: {name: api}}], permissions: [Use]}]"
	for field, body := range map[string]string{
		"spec.targets[0].namespace":         "spec: {targets: [{name: orders, namespace: other}], " + rules + "}",
		"spec.targets[0].namespaceSelector": "spec: {targets: [{selector: {}, namespaceSelector: {}}], " + rules + "}",
		"spec.namespace":                    "spec: {targets: [{name: orders}], namespace: other, " + rules + "}",
	} {
		t.Run(field, func(t *testing.T) {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(body), &object.Object); err != nil {
				t.Fatal(err)
			}
			object.SetAPIVersion("kms.chatelaine.dev/v1alpha1")
			object.SetKind("KeyPolicy")
			object.SetNamespace(namespace)
			object.SetName("reaching")
			err := env.Client.Create(t.Context(), object)
			if err == nil || !strings.Contains(err.Error(), `unknown field "`+field+`"`) {
				t.Errorf("got %v, want %s named as unknown", err, field)
			}
			if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err == nil {
				t.Error("the KeyPolicy was created all the same")
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{})) }

// rule and policyOf are parts of manifests: the rest of them is right.
const rule = "{sid: Read, principals: [{serviceAccount: {name: api}}], permissions: [Read]}"

func policyOf(targets, rules string) string {
	return "apiVersion: kms.chatelaine.dev/v1alpha1\nkind: KeyPolicy\nmetadata: {name: readers}\nspec: {targets: " + targets + ", rules: " + rules + "}\n"
}

func ruleWith(principals, rest string) string {
	return policyOf("[{name: orders}]", "[{sid: Read, principals: "+principals+", "+rest+"}]")
}

func key(spec string) string {
	return "apiVersion: kms.chatelaine.dev/v1alpha1\nkind: Key\nmetadata: {name: orders}\nspec: " + spec + "\n"
}

func backend(spec string) string {
	return "apiVersion: kms.chatelaine.dev/v1alpha1\nkind: KMSBackend\nmetadata: {name: software}\nspec: " + spec + "\n"
}

const api = "[{serviceAccount: {name: api}}]"

// judged are manifests for the API server and for this package to judge.
var judged = map[string]string{
	"a good KeyPolicy":                 policyOf("[{name: orders}]", "["+rule+"]"),
	"a good KeyPolicy with selectors":  policyOf("[{selector: {matchLabels: {app: orders}}}, {selector: {}}]", "["+rule+"]"),
	"neither name nor selector":        policyOf("[{}]", "["+rule+"]"),
	"name and selector":                policyOf("[{name: orders, selector: {}}]", "["+rule+"]"),
	"no targets":                       policyOf("[]", "["+rule+"]"),
	"33 targets":                       policyOf("["+strings.Repeat("{name: a},", 33)+"]", "["+rule+"]"),
	"null targets":                     policyOf("", "["+rule+"]"),
	"no rules":                         policyOf("[{name: orders}]", "[]"),
	"targets is a text":                policyOf("orders", "["+rule+"]"),
	"a target in another namespace":    policyOf("[{name: orders, namespace: other}]", "["+rule+"]"),
	"one sid twice":                    policyOf("[{name: orders}]", "["+rule+", "+rule+"]"),
	"a sid with a hyphen":              policyOf("[{name: orders}]", "[{sid: a-b, principals: "+api+", permissions: [Read]}]"),
	"no sid":                           policyOf("[{name: orders}]", "[{principals: "+api+", permissions: [Read]}]"),
	"a sid that is a number":           policyOf("[{name: orders}]", "[{sid: 1, principals: "+api+", permissions: [Read]}]"),
	"an unknown field":                 policyOf("[{name: orders}]", "[{sid: a, principal: x, principals: "+api+", permissions: [Read]}]"),
	"two unknown fields":               policyOf("[{nam: orders}]", "[{sid: a, principals: "+api+", permission: [Read]}]"),
	"neither permissions nor actions":  ruleWith(api, "effect: Deny"),
	"no principals":                    ruleWith("[]", "permissions: [Read]"),
	"two kinds in one principal":       ruleWith("[{serviceAccount: {name: api}, account: '111122223333'}]", "permissions: [Read]"),
	"no kind in a principal":           ruleWith("[{}]", "permissions: [Read]"),
	"an aws principal that is no ARN":  ruleWith("[{aws: '111122223333'}]", "permissions: [Read]"),
	"an account of 11 digits":          ruleWith("[{account: '11112222333'}]", "permissions: [Read]"),
	"an account that is a number":      ruleWith("[{account: 111122223333}]", "permissions: [Read]"),
	"a service that is none":           ruleWith("[{service: s3.example.org}]", "permissions: [Read]"),
	"a ServiceAccount with no name":    ruleWith("[{serviceAccount: {namespace: shop}}]", "permissions: [Read]"),
	"a ServiceAccount in bad letters":  ruleWith("[{serviceAccount: {name: API}}]", "permissions: [Read]"),
	"an unknown permission":            ruleWith(api, "permissions: [Everything]"),
	"a permission twice":               ruleWith(api, "permissions: [Read, Read]"),
	"an unknown effect":                ruleWith(api, "permissions: [Read], effect: allow"),
	"an action of another service":     ruleWith(api, "actions: ['s3:GetObject']"),
	"an empty action":                  ruleWith(api, "actions: ['']"),
	"no conditions but the word":       ruleWith(api, "permissions: [Read], conditions: []"),
	"a condition without values":       ruleWith(api, "permissions: [Read], conditions: [{operator: Bool, key: 'aws:SecureTransport'}]"),
	"a condition with a boolean":       ruleWith(api, "permissions: [Read], conditions: [{operator: Bool, key: 'aws:SecureTransport', values: [true]}]"),
	"one condition twice":              ruleWith(api, "permissions: [Read], conditions: [{operator: Bool, key: 'aws:x', values: ['true']}, {operator: Bool, key: 'AWS:X', values: ['false']}]"),
	"several mistakes at once":         policyOf("[{}]", "[{sid: a-b, principals: [{}], actions: [x]}]"),
	"no spec":                          "apiVersion: kms.chatelaine.dev/v1alpha1\nkind: KeyPolicy\nmetadata: {name: readers}\n",
	"no name":                          strings.Replace(policyOf("[{name: a}]", "["+rule+"]"), "{name: readers}", "{}", 1),
	"a name in bad letters":            strings.Replace(policyOf("[{name: a}]", "["+rule+"]"), "readers", "Readers", 1),
	"a generated name":                 strings.Replace(policyOf("[{name: a}]", "["+rule+"]"), "name: readers", "generateName: readers-", 1),
	"an unknown field in metadata":     strings.Replace(policyOf("[{name: a}]", "["+rule+"]"), "name: readers", "name: readers, colour: red", 1),
	"labels that are none":             strings.Replace(policyOf("[{name: a}]", "["+rule+"]"), "name: readers", "name: readers, labels: {'a b': c}", 1),
	"labels that are a list":           strings.Replace(policyOf("[{name: a}]", "["+rule+"]"), "name: readers", "name: readers, labels: [a]", 1),
	"a status of somebody's":           policyOf("[{name: a}]", "["+rule+"]") + "status: {observedGeneration: 3}\n",
	"a status that there cannot be":    policyOf("[{name: a}]", "["+rule+"]") + "status: {colour: red}\n",
	"a good Key":                       key("{}"),
	"a Key without usage":              key("{keySpec: RSA_2048}"),
	"a Key with the wrong usage":       key("{keySpec: HMAC_256, keyUsage: SIGN_VERIFY}"),
	"a Key of an unknown spec":         key("{keySpec: AES}"),
	"a Key with a rotation too short":  key("{rotation: {enabled: true, periodInDays: 7}}"),
	"a Key whose rotation is off":      key("{rotation: {periodInDays: 90}}"),
	"a Key with a reserved tag":        key("{tags: {'aws:x': y}}"),
	"a Key with a time that is none":   key("{rotation: {requestedAt: tomorrow}}"),
	"a good KMSBackend":                backend("{software: {}}"),
	"a KMSBackend of no kind":          backend("{}"),
	"a KMSBackend with a short number": backend("{software: {accountID: '12'}}"),
	"a KMSBackend in a namespace":      strings.Replace(backend("{software: {}}"), "name: software", "name: software, namespace: shop", 1),
	"a root key's name in bad letters": backend("{software: {rootKey: {secretRef: {name: Root}}}}"),
}

func TestManifestsAreRefusedAsByTheAPIServer(t *testing.T) {
	namespace := env.Namespace(t)
	good := 0
	for name, manifest := range judged {
		t.Run(name, func(t *testing.T) {
			code, want := judgedByServer(t, namespace, manifest)
			got := judgedHere(t, namespace, manifest)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the API server answers %d (-server +here):\n%s", code, diff)
			}
			if accepted := code == http.StatusCreated; accepted != (len(got) == 0) {
				t.Errorf("the API server answers %d, here %d problems are found: %v", code, len(got), got)
			} else if accepted {
				good++
			}
		})
	}
	if good < 5 || good > len(judged)/2 {
		t.Errorf("%d of %d manifests are good: the others were to be mistakes, and most are", good, len(judged))
	}
}

// judgedHere is what is wrong with a manifest, a line each, sorted.
func judgedHere(t *testing.T, namespace, manifest string) []string {
	t.Helper()
	w := &World{Settings: Settings{Namespace: namespace}}
	if err := w.Read(t.Context(), File{Name: "file", Data: []byte(manifest)}); err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, found := range w.findings {
		lines = append(lines, strings.TrimPrefix(found.Field+": "+found.Message, ": "))
	}
	slices.Sort(lines)
	return lines
}

// judgedByServer creates the object of a manifest, without keeping it, and returns the server's answer and its reasons.
func judgedByServer(t *testing.T, namespace, manifest string) (code int, reasons []string) {
	t.Helper()
	path := "/kmsbackends"
	switch {
	case strings.Contains(manifest, "kind: KeyPolicy\n"):
		path = "/namespaces/" + namespace + "/keypolicies"
	case strings.Contains(manifest, "kind: Key\n"), strings.Contains(manifest, `"kind":"Key"`):
		path = "/namespaces/" + namespace + "/keys"
	}
	client, err := rest.HTTPClientFor(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSuffix(env.Config.Host, "/") + "/apis/kms.chatelaine.dev/v1alpha1" + path + "?dryRun=All&fieldValidation=Strict"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/yaml")
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, reasonsIn(t, body)
}

func reasonsIn(t *testing.T, body []byte) []string {
	t.Helper()
	reasons := []string{}
	answer, status := &metav1.TypeMeta{}, &metav1.Status{}
	if err := json.Unmarshal(body, answer); err != nil {
		t.Fatal(err)
	}
	if answer.Kind != "Status" {
		return reasons // it is the object
	}
	if err := json.Unmarshal(body, status); err != nil {
		t.Fatal(err)
	}
	if _, strict, found := strings.Cut(status.Message, "strict decoding error: "); found {
		for problem := range strings.SplitSeq(strict, ", ") {
			field := strings.Trim(strings.TrimPrefix(problem, "unknown field "), `"`)
			reasons = append(reasons, field+": unknown field")
		}
		slices.Sort(reasons)
		return reasons
	}
	if status.Details == nil || len(status.Details.Causes) == 0 {
		_, reason, _ := strings.Cut(status.Message, "cannot be handled as a KeyPolicy: ")
		return append(reasons, reason)
	}
	for _, cause := range status.Details.Causes {
		if cause.Field != "<nil>" { // not about a field: that rules were not evaluated
			reasons = append(reasons, fmt.Sprintf("%s: %s", cause.Field, cause.Message))
		}
	}
	slices.Sort(reasons)
	return reasons
}

func TestAFieldThatOccursTwiceIsRefused(t *testing.T) {
	for name, manifest := range map[string]string{
		"in YAML": policyOf("[{name: a}]", "["+rule+"]") + "spec: {}\n",
		"in JSON": `{"apiVersion":"kms.chatelaine.dev/v1alpha1","kind":"Key","metadata":{"name":"a"},"spec":{},"spec":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := judgedHere(t, "shop", manifest)
			if len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), "spec") {
				t.Errorf("found %q, want that spec is there twice", got)
			}
			if code, _ := judgedByServer(t, env.Namespace(t), manifest); code != http.StatusBadRequest {
				t.Errorf("the API server answers %d", code)
			}
		})
	}
}

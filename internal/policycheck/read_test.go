// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

// read is a World with what is in the files, by name.
func read(t *testing.T, settings Settings, files ...File) *World {
	t.Helper()
	if settings.Namespace == "" {
		settings.Namespace = "shop"
	}
	w := &World{Settings: settings}
	for _, file := range files {
		if err := w.Read(t.Context(), file); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func file(name string, documents ...string) File {
	return File{Name: name, Data: []byte(strings.Join(documents, "---\n"))}
}

func lines[T interface{ String() string }](items []T) []string {
	var all []string
	for _, item := range items {
		all = append(all, item.String())
	}
	return all
}

func TestManifestsOfEveryKindAreTakenUpAndOthersAreNot(t *testing.T) {
	account := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: api, annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::111122223333:role/api'}}\n"
	w := read(t, Settings{}, file("all.yaml",
		"# only a comment\n", key("{}"), policyOf("[{name: orders}]", "["+rule+"]"), backend("{software: {}}"), account,
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n", "apiVersion: v1\nkind: Service\nmetadata: {name: api}\n",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n", "\n",
	))
	if len(w.findings) > 0 {
		t.Errorf("found %v", w.findings)
	}
	if len(w.keys) != 1 || len(w.policies) != 1 || len(w.backends) != 1 {
		t.Errorf("%d Keys, %d KeyPolicies, %d KMSBackends, want one of each", len(w.keys), len(w.policies), len(w.backends))
	}
	want := compile.ServiceAccount{RoleARN: "arn:aws:iam::111122223333:role/api"}
	if got := w.accounts[types.NamespacedName{Namespace: "shop", Name: "api"}]; got != want {
		t.Errorf("the ServiceAccount is %+v", got)
	}
	if diff := cmp.Diff([]string{"all.yaml: ignored: Deployment, Service"}, w.Ignored()); diff != "" {
		t.Error(diff)
	}
	if got := w.keys[0].Object.Namespace; got != "shop" {
		t.Errorf("the Key without a namespace is in %q", got)
	}
	if got := w.policies[0].Object.Spec.Rules[0].Effect; got != "Allow" {
		t.Errorf("the rule without an effect has %q", got)
	}
}

func TestAListIsReadItemByItem(t *testing.T) {
	list := `{"apiVersion":"v1","kind":"List","items":[
		{"apiVersion":"kms.chatelaine.dev/v1alpha1","kind":"Key","metadata":{"name":"orders","namespace":"a"},"spec":{}},
		{"apiVersion":"kms.chatelaine.dev/v1alpha1","kind":"Key","metadata":{"name":"orders","namespace":"b"},"spec":{"keySpec":"SM2","keyUsage":"SIGN_VERIFY"}},
		{"apiVersion":"v1","kind":"Secret"}, {}, 3]}`
	w := read(t, Settings{}, file("list.json", list))
	if diff := cmp.Diff([]string{"a/orders"}, w.KeyNames()); diff != "" {
		t.Error(diff)
	}
	if len(w.findings) != 3 {
		t.Errorf("found %v, want the Key in b, and what is no manifest twice", lines(w.findings))
	}
	if got := w.findings[0].Place; got != (Place{Source: "list.json", Kind: kindKey, Namespace: "b", Name: "orders"}) {
		t.Errorf("the first finding is about %+v", got)
	}
}

func TestWhatCannotBeReadIsToldOfByItsFile(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no YAML":          {"a: [", "f: Error: is no manifest: "},
		"a text":           {"hello\n", "f: Error: is no manifest: "},
		"another YAML":     {"a: 1\n", "f: Error: is no manifest: it needs apiVersion and kind"},
		"no apiVersion":    {"kind: Key\n", "f: Error: is no manifest: it needs apiVersion and kind"},
		"an unknown kind":  {"apiVersion: kms.chatelaine.dev/v1alpha1\nkind: KeyPolicies\nmetadata: {name: a}\n", "f: KeyPolicies a: Error: there is no kind KeyPolicies in kms.chatelaine.dev/v1alpha1"},
		"another version":  {"apiVersion: kms.chatelaine.dev/v1\nkind: Key\nmetadata: {name: a}\n", "f: Key a: Error: there is no kind Key in kms.chatelaine.dev/v1"},
		"metadata is text": {"apiVersion: kms.chatelaine.dev/v1alpha1\nkind: Key\nmetadata: a\nspec: {}\n", "f: Key: Error: "},
		"spec twice":       {key("{}") + "spec: {}\n", `f: Key shop/orders: Error: `},
		"JSON, cut":        {`{"Statement": [`, ""},
		"bytes":            {"\x00\x01\x02", "f: Error: is no manifest: "},
	} {
		t.Run(name, func(t *testing.T) {
			w := read(t, Settings{}, file("f", c.text))
			if w.Unreadable() == nil || !strings.HasPrefix(w.Unreadable().Error(), c.want) {
				t.Errorf("found %q, want %q", w.Unreadable(), c.want)
			}
			if len(w.keys)+len(w.policies) > 0 {
				t.Error("it was taken up all the same")
			}
		})
	}
}

func TestInAFolderNotEveryFileIsAManifest(t *testing.T) {
	kustomization := File{Name: "kustomization.yaml", Data: []byte("resources:\n- a.yaml\n"), Among: true}
	w := read(t, Settings{}, kustomization)
	if err := w.Unreadable(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"kustomization.yaml: ignored: what is no manifest"}, w.Ignored()); diff != "" {
		t.Error(diff)
	}
	if !w.IsEmpty() {
		t.Error("something was taken up")
	}
}

func TestOneObjectInTwoFilesIsAMistake(t *testing.T) {
	w := read(t, Settings{}, file("a.yaml", key("{}")), file("b.yaml", key("{}")))
	if diff := cmp.Diff([]string{"b.yaml: Key shop/orders: Error: is in a.yaml as well: remove one of them"}, lines(w.findings)); diff != "" {
		t.Error(diff)
	}
}

func TestAPolicyDocumentIsKnownByItsContent(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}}`
	for name, text := range map[string]string{
		"plain":                    document,
		"with space around":        "\n\t " + document + "\n",
		"as the AWS CLI prints it": `{"Policy": "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}}", "PolicyName": "default"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := read(t, Settings{}, file("policy.json", text))
			if len(w.documents) != 1 || w.documents[0].Policy == nil || len(w.findings) > 0 {
				t.Fatalf("read %+v, found %v", w.documents, w.findings)
			}
			if got := w.documents[0].Policy.Statements[0].Action; len(got) != 1 || got[0] != "kms:*" {
				t.Errorf("its action is %v", got)
			}
		})
	}
	w := read(t, Settings{}, file("policy.json", strings.Replace(document, "Allow", "allow", 1)))
	want := `policy.json: reading key policy: Statement[0]: Effect: must be "Allow" or "Deny"`
	if got := w.Unreadable(); got == nil || got.Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func encoded(t *testing.T, object *v1alpha1.KeyPolicy) []byte {
	t.Helper()
	object = object.DeepCopy()
	object.TypeMeta = metav1.TypeMeta{APIVersion: "kms.chatelaine.dev/v1alpha1", Kind: kindKeyPolicy}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzRead reads what anybody may hand in. What is taken up must be what an API server takes, so it is taken up again when it
// is written down and read once more.
func FuzzRead(f *testing.F) {
	for _, manifest := range judged {
		f.Add([]byte(manifest))
	}
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[]}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"kms.chatelaine.dev/v1alpha1","kind":"Key"},null,[]]}`))
	f.Add([]byte(`{"Policy":"{}"}`))
	f.Add([]byte(key("{}") + "---\n" + policyOf("[{selector: {matchExpressions: [{key: a, operator: Of}]}}]", "["+rule+"]")))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := read(t, Settings{}, File{Name: "file", Data: data})
		report := w.Lint()
		if report.Errors+report.Warnings != len(report.Findings) {
			t.Errorf("%d errors and %d warnings in %d findings", report.Errors, report.Warnings, len(report.Findings))
		}
		for _, found := range report.Findings {
			if found.Message == "" || strings.ContainsAny(found.String(), "\n\r") {
				t.Errorf("the finding %q is not a line", found.String())
			}
		}
		for _, object := range w.policies {
			again := read(t, Settings{}, File{Name: "again", Data: encoded(t, object.Object)})
			if err := again.Unreadable(); err != nil || len(again.policies) != 1 {
				t.Fatalf("read again: %v", err)
			}
			if diff := cmp.Diff(object.Object.Spec, again.policies[0].Object.Spec); diff != "" {
				t.Errorf("read again it is another (-first +again):\n%s", diff)
			}
		}
	})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

func rename(manifest, name string) string {
	for _, was := range []string{"name: orders, labels: {}", "name: orders", "name: readers"} {
		if strings.Contains(manifest, "metadata: {"+was+"}") {
			return strings.Replace(manifest, "metadata: {"+was+"}", "metadata: {name: "+name+", labels: {app: "+name+"}}", 1)
		}
	}
	panic("no name in " + manifest)
}

func serviceAccount(name, role string) string {
	manifest := "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: " + name + "\n"
	if role != "" {
		manifest += "  annotations: {eks.amazonaws.com/role-arn: '" + role + "'}\n"
	}
	return manifest
}

// report is what lint says: findings, then what was checked.
func report(w *World) (findings, checked []string) {
	r := w.Lint()
	return lines(r.Findings), lines(r.Checked)
}

func TestAFindingIsToldOfTheKeysItIsTrueOf(t *testing.T) {
	signing := "{keySpec: ECC_NIST_P256, keyUsage: SIGN_VERIFY}"
	both := policyOf("[{selector: {}}]", "[{sid: Decrypt, principals: "+api+", permissions: [Decrypt]}, {sid: Mac, principals: "+api+", permissions: [GenerateMac]}]")
	findings, checked := report(read(t, Settings{}, file("f", rename(key("{}"), "orders"), rename(key(signing), "releases"), both)))
	want := []string{
		"f: KeyPolicy shop/readers: Warning: spec.rules[Mac].permissions: GenerateMac is nothing that a key with keyUsage ENCRYPT_DECRYPT can do: the rule does nothing with it on this key (on Key orders)",
		"f: KeyPolicy shop/readers: Warning: spec.rules[Decrypt].permissions: Decrypt is nothing that a key with keyUsage SIGN_VERIFY can do: the rule does nothing with it on this key (on Key releases)",
		"f: KeyPolicy shop/readers: Warning: spec.rules[Mac].permissions: GenerateMac is nothing that a key with keyUsage SIGN_VERIFY can do: the rule does nothing with it on this key (on Key releases)",
	}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"f: KeyPolicy shop/readers: ok on Key orders, releases"}, checked); diff != "" {
		t.Error(diff)
	}
}

func TestAFindingThatIsTrueOfEveryKeyIsToldOnce(t *testing.T) {
	open := ruleWith("[{aws: '*'}]", "permissions: [Decrypt]")
	open = strings.Replace(open, "{name: orders}]", "{selector: {}}]", 1)
	findings, _ := report(read(t, Settings{}, file("f", rename(key("{}"), "a"), rename(key("{}"), "b"), open)))
	if len(findings) != 1 || !strings.HasPrefix(findings[0], "f: KeyPolicy shop/readers: Error: spec.rules[Read].principals: ") ||
		strings.Contains(findings[0], "(on Key") {
		t.Errorf("found %q, want that everybody is let in, once", findings)
	}
}

func TestAKeyPolicyWithoutKeysIsCheckedAsForAnyKey(t *testing.T) {
	findings, checked := report(read(t, Settings{}, file("f", ruleWith(api, "actions: ['kms:Decript']"))))
	if len(findings) != 1 || !strings.Contains(findings[0], `spec.rules[Read].actions: "kms:Decript"`) {
		t.Errorf("found %q, want that there is no such action", findings)
	}
	if diff := cmp.Diff([]string{"f: KeyPolicy shop/readers: ok for any key; it selects no Key that there is"}, checked); diff != "" {
		t.Error(diff)
	}
}

func TestAKeyPolicyTooLargeWithTheOthersIsTheKeysMistake(t *testing.T) {
	var parts []string
	for _, name := range []string{"a", "b", "c"} {
		role := "arn:aws:iam::111122223333:role/" + strings.Repeat(strings.Repeat("x", 50)+"/", 8) + "r"
		principals := make([]string, 30)
		for i := range principals {
			principals[i] = "{aws: '" + role + strconv.Itoa(i) + "'}"
		}
		parts = append(parts, rename(ruleWith("["+strings.Join(principals, ", ")+"]", "permissions: [Decrypt]"), name))
	}
	findings, _ := report(read(t, Settings{}, file("f", append(parts, key("{}"))...)))
	if len(findings) != 1 || !strings.HasPrefix(findings[0], "f: Key shop/orders: Error: the KeyPolicies that select this Key make a key policy of ") ||
		!strings.Contains(findings[0], "a 13") {
		t.Errorf("found %.3000q", findings)
	}
	findings, _ = report(read(t, Settings{}, file("f", parts[0], key("{}"))))
	if len(findings) != 0 {
		t.Errorf("one alone is not too large: %.3000q", findings)
	}
}

func TestServiceAccountsAreLookedForWhereThereAreManifestsOfThem(t *testing.T) {
	objects := key("{}") + "---\n" + ruleWith(api, "permissions: [Decrypt]")
	const missing = "f: KeyPolicy shop/readers: Warning: ServiceAccount shop/api is not among the manifests: add it, or correct the name; rules do without it"
	const bare = "f: KeyPolicy shop/readers: Warning: ServiceAccount shop/api has no annotation eks.amazonaws.com/role-arn: annotate it with the ARN of the IAM role of its pods; rules do without it"
	for name, c := range map[string]struct {
		aws     bool
		account string
		want    []string
		assumed bool
	}{
		"none":                     {assumed: true},
		"another one's":            {account: serviceAccount("web", ""), want: []string{missing}},
		"its own":                  {account: serviceAccount("api", "")},
		"none, on AWS":             {aws: true, want: []string{missing}},
		"without a role, on AWS":   {aws: true, account: serviceAccount("api", ""), want: []string{bare}},
		"with its role, on AWS":    {aws: true, account: serviceAccount("api", "arn:aws:iam::111122223333:role/api")},
		"with a bad role, on AWS":  {aws: true, account: serviceAccount("api", "api"), want: []string{"f: KeyPolicy shop/readers: Warning: ServiceAccount shop/api has an annotation eks.amazonaws.com/role-arn that is not the ARN of an IAM role in the key's partition: correct it; rules do without it"}},
		"another's role, software": {account: serviceAccount("api", "arn:aws:iam::111122223333:role/other")},
	} {
		t.Run(name, func(t *testing.T) {
			w := read(t, Settings{AWS: c.aws}, file("f", objects, c.account))
			r := w.Lint()
			if diff := cmp.Diff(c.want, lines(r.Findings)); diff != "" {
				t.Error(diff)
			}
			if got := strings.Contains(strings.Join(r.Notes, "\n"), "taken to exist"); got != c.assumed {
				t.Errorf("notes are %q", r.Notes)
			}
		})
	}
}

func TestWithTheClusterOnlyTheFilesAreReportedOn(t *testing.T) {
	w := read(t, Settings{}, file("f", ruleWith(api, "permissions: [Sign]")))
	w.Context = true
	w.Lookup = func(string, string) (compile.ServiceAccount, bool) { return compile.ServiceAccount{}, true }
	cluster := read(t, Settings{}, file("c", key("{}"), rename(ruleWith("[{aws: '*'}]", "permissions: [Decrypt]"), "open"), ruleWith("[{aws: '*'}]", "permissions: [Decrypt]")))
	for _, object := range cluster.keys {
		w.AddKey(object.Object)
	}
	for _, object := range cluster.policies {
		w.AddKeyPolicy(object.Object)
	}
	findings, checked := report(w)
	want := []string{"f: KeyPolicy shop/readers: Error: spec.rules[Read].permissions: Sign is nothing that a key with keyUsage ENCRYPT_DECRYPT can do: remove it, or name another key"}
	if diff := cmp.Diff(want, findings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"f: KeyPolicy shop/readers: ok on Key orders"}, checked); diff != "" {
		t.Error(diff)
	}
}

func TestADocumentIsLintedForTheAccountThatIsSaid(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":{"Sid":"Own","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["kms:*"],"Resource":"*"}}`
	findings, checked := report(read(t, Settings{AccountID: "111122223333"}, file("p.json", document)))
	if len(findings) > 0 {
		t.Errorf("found %q in the default key policy", findings)
	}
	if diff := cmp.Diff([]string{"p.json: policy document: ok"}, checked); diff != "" {
		t.Error(diff)
	}
	findings, _ = report(read(t, Settings{AccountID: "111122223333"}, file("p.json", strings.Replace(document, "kms:*", "kms:Decript", 1))))
	if !strings.Contains(strings.Join(findings, "\n"), `p.json: policy document: Error: Statement[0] (Sid "Own"): Action: `) {
		t.Errorf("found %q, want the unknown action", findings)
	}
}

func TestWhereAKeyLivesIsWhatItsKMSBackendSays(t *testing.T) {
	const annotated = "metadata: {name: software, annotations: {kms.chatelaine.dev/is-default-backend: 'true'}}"
	withAccount := backend("{software: {accountID: '111122223333', region: eu-west-1}}")
	isDefault := strings.Replace(withAccount, "metadata: {name: software}", annotated, 1)
	const keyID = ":key/00000000-0000-0000-0000-000000000000"
	for name, c := range map[string]struct {
		settings              Settings
		files                 []string
		account, operator, at string
	}{
		"nothing said": {
			files: []string{key("{}")}, account: "000000000000",
			operator: "arn:aws:iam::000000000000:role/chatelaine-system/chatelaine-manager", at: "arn:aws:kms:local:000000000000" + keyID,
		},
		"the account said": {
			settings: Settings{AccountID: "444455556666"}, files: []string{key("{}")}, account: "444455556666",
			operator: "arn:aws:iam::444455556666:role/chatelaine-system/chatelaine-manager", at: "arn:aws:kms:local:444455556666" + keyID,
		},
		"the operator said": {
			settings: Settings{OperatorARN: "arn:aws-cn:iam::444455556666:role/op"}, files: []string{key("{}")}, account: "444455556666",
			operator: "arn:aws-cn:iam::444455556666:role/op", at: "arn:aws-cn:kms:local:444455556666" + keyID,
		},
		"the default KMSBackend": {
			settings: Settings{AccountID: "444455556666"}, files: []string{key("{}"), isDefault}, account: "111122223333",
			operator: "arn:aws:iam::111122223333:role/chatelaine-system/chatelaine-manager", at: "arn:aws:kms:eu-west-1:111122223333" + keyID,
		},
		"a KMSBackend that is not the default": {
			files: []string{key("{}"), withAccount}, account: "000000000000",
			operator: "arn:aws:iam::000000000000:role/chatelaine-system/chatelaine-manager", at: "arn:aws:kms:local:000000000000" + keyID,
		},
		"the Key's KMSBackend": {
			files: []string{key("{backendRef: {name: software}}"), withAccount}, account: "111122223333",
			operator: "arn:aws:iam::111122223333:role/chatelaine-system/chatelaine-manager", at: "arn:aws:kms:eu-west-1:111122223333" + keyID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := read(t, c.settings, file("f", c.files...))
			at := w.home(w.keys[0].Object)
			got := []string{at.AccountID, at.OperatorARN, at.keyARN}
			if diff := cmp.Diff([]string{c.account, c.operator, c.at}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhereAKeyLivesIsWhatStatusSaysIfThereIsOne(t *testing.T) {
	w := read(t, Settings{}, file("f", key("{}")))
	object := w.keys[0].Object
	object.Status = v1alpha1.KeyStatus{Backend: "cloud", ARN: "arn:aws:kms:eu-west-1:111122223333:key/1234"}
	at := w.home(object)
	if at.AccountID != "111122223333" || at.region != "eu-west-1" || at.keyARN != object.Status.ARN {
		t.Errorf("it lives at %+v", at)
	}
	cloud := &v1alpha1.KMSBackend{}
	cloud.Name = "cloud"
	cloud.Status = v1alpha1.KMSBackendStatus{AccountID: "111122223333", CallerARN: "arn:aws:sts::111122223333:assumed-role/op/session"}
	w.AddKMSBackend(cloud)
	at = w.home(object)
	if at.OperatorARN != "arn:aws:iam::111122223333:role/op" || at.NamesServiceAccounts {
		t.Errorf("on a KMSBackend that is not the software's the operator is %s, and ServiceAccounts are named by themselves: %t", at.OperatorARN, at.NamesServiceAccounts)
	}
}

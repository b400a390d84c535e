// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policycheck"
)

const (
	ordersKey = `apiVersion: kms.chatelaine.dev/v1alpha1
kind: Key
metadata: {name: orders, namespace: shop}
spec: {}
`
	readersPolicy = `apiVersion: kms.chatelaine.dev/v1alpha1
kind: KeyPolicy
metadata: {name: readers, namespace: shop}
spec:
  targets: [{name: orders}]
  rules:
  - sid: AllowDecrypt
    principals: [{serviceAccount: {name: api}}]
    permissions: [Decrypt]
    conditions: [{operator: StringEquals, key: "kms:EncryptionContext:tenant", values: [acme]}]
`
	openPolicy = `apiVersion: kms.chatelaine.dev/v1alpha1
kind: KeyPolicy
metadata: {name: open, namespace: shop}
spec:
  targets: [{selector: {}}]
  rules:
  - {sid: Sign, principals: [{serviceAccount: {name: api}}], permissions: [Sign]}
  - {sid: All, principals: [{serviceAccount: {name: api}}], actions: ["kms:Decript"]}
`
	assumptions = "note: every ServiceAccount is taken to exist: no manifest of one was given\n" +
		"note: keys whose KMSBackend is not known are taken to live on the software backend, in account 000000000000, " +
		"with the operator arn:aws:iam::000000000000:role/chatelaine-system/chatelaine-manager\n"
)

// inFolder is a folder with files, into which the test goes, so that it can name them as people do.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
}

// runPolicy runs chatelaine policy with arguments separated by spaces, and with nothing configured that it could look at.
func runPolicy(t *testing.T, args string) (stdout, stderr string, code int, err error) {
	t.Helper()
	nothingConfigured(t)
	stdout, stderr, err = run(t, append([]string{"policy"}, strings.Fields(args)...)...)
	return stdout, stderr, ExitCode(err), err
}

func TestPolicyLintPrintsALineForEachFinding(t *testing.T) {
	inFolder(t, map[string]string{
		"orders.yaml":        ordersKey + "---\n" + readersPolicy,
		"deep/open.yml":      openPolicy,
		"deep/deploy.yaml":   "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\n",
		"deep/notes.txt":     "no manifest",
		"bad.yaml":           strings.Replace(readersPolicy, "permissions", "permission", 1),
		"plain.json":         `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}}`,
		"kustomization.yaml": "resources: [orders.yaml]\n",
	})
	for _, c := range []struct {
		args, stdout, stderr string
		code                 int
	}{
		{"lint orders.yaml", "orders.yaml: KeyPolicy shop/readers: ok on Key orders\n1 policy, 0 errors, 0 warnings\n", assumptions, 0},
		{
			"lint orders.yaml deep",
			`deep/open.yml: KeyPolicy shop/open: Error: spec.rules[All].actions: "kms:Decript" is no action of AWS KMS; its actions are named like kms:Decrypt
deep/open.yml: KeyPolicy shop/open: Warning: spec.rules[Sign].permissions: Sign is nothing that a key with keyUsage ENCRYPT_DECRYPT can do: the rule does nothing with it on this key
orders.yaml: KeyPolicy shop/readers: ok on Key orders
2 policies, 1 error, 1 warning
`,
			"deep/deploy.yaml: ignored: Deployment\n" + assumptions, 1,
		},
		{
			"lint bad.yaml",
			"bad.yaml: KeyPolicy shop/readers: Error: spec.rules[0].permission: unknown field\n1 policy, 1 error, 0 warnings\n", "", 1,
		},
		{"lint plain.json --account-id 111122223333", "plain.json: policy document: ok\n1 policy, 0 errors, 0 warnings\n", "", 0},
	} {
		t.Run(c.args, func(t *testing.T) {
			stdout, stderr, code, err := runPolicy(t, c.args)
			if diff := cmp.Diff(c.stdout, stdout); diff != "" {
				t.Errorf("standard output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.stderr, stderr); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
			if code != c.code || err != nil && err.Error() != "" {
				t.Errorf("exit code %d, error %v; want %d, and nothing said twice", code, err, c.code)
			}
		})
	}
}

func TestPolicyLintLooksIntoFoldersOfFoldersWhenAsked(t *testing.T) {
	inFolder(t, map[string]string{"a/orders.yaml": ordersKey + "---\n" + readersPolicy, "a/b/c/open.yaml": openPolicy})
	stdout, _, code, _ := runPolicy(t, "lint a")
	if code != 0 || strings.Contains(stdout, "open.yaml") {
		t.Errorf("without -R: exit code %d:\n%s", code, stdout)
	}
	stdout, _, code, _ = runPolicy(t, "lint -R a")
	if code != exitNo || !strings.Contains(stdout, "a/b/c/open.yaml: KeyPolicy shop/open: Error: ") {
		t.Errorf("with -R: exit code %d:\n%s", code, stdout)
	}
}

func TestPolicyLintReadsStandardInput(t *testing.T) {
	inFolder(t, map[string]string{"in": readersPolicy})
	input, err := os.Open("in")
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stdin
	os.Stdin = input
	t.Cleanup(func() { os.Stdin = was; _ = input.Close() })
	stdout, _, code, _ := runPolicy(t, "lint -")
	want := "-: KeyPolicy shop/readers: ok for any key; it selects no Key that there is\n1 policy, 0 errors, 0 warnings\n"
	if stdout != want || code != 0 {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestPolicyLintPrintsJSONForMachines(t *testing.T) {
	inFolder(t, map[string]string{"orders.yaml": ordersKey + "---\n" + openPolicy})
	stdout, _, code, _ := runPolicy(t, "lint orders.yaml -o json")
	var report policycheck.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v in:\n%s", err, stdout)
	}
	if code != exitNo || report.Policies != 1 || report.Errors != 1 || report.Warnings != 1 || len(report.Findings) != 2 || len(report.Checked) != 1 {
		t.Errorf("exit code %d, %+v", code, report)
	}
	want := policycheck.Place{Source: "orders.yaml", Kind: "KeyPolicy", Namespace: "shop", Name: "open"}
	if first := report.Findings[0]; first.Place != want || first.Field != "spec.rules[All].actions" || first.Severity != "Error" {
		t.Errorf("the first finding is %+v", first)
	}
}

func TestPolicySimulatePrintsWhatDecidedAndWhy(t *testing.T) {
	inFolder(t, map[string]string{"orders.yaml": ordersKey + "---\n" + readersPolicy})
	const question = "simulate -f orders.yaml --principal serviceaccount:shop/api --action Decrypt --key shop/orders"
	stdout, stderr, code, err := runPolicy(t, question+" --context kms:EncryptionContext:tenant=acme")
	want := `allowed: rule AllowDecrypt of KeyPolicy readers allows it

principal: arn:aws:iam::000000000000:role/shop/api (ServiceAccount shop/api)
action:    kms:Decrypt
key:       Key shop/orders

The statements about this principal:
  the base statement (Allow) does not apply: it is about administering the key
  rule AllowDecrypt of KeyPolicy readers (Allow) allows it
`
	if diff := cmp.Diff(want, stdout); diff != "" || code != 0 || err != nil {
		t.Errorf("exit code %d, error %v (-want +got):\n%s", code, err, diff)
	}
	if diff := cmp.Diff(assumptions, stderr); diff != "" {
		t.Errorf("standard error (-want +got):\n%s", diff)
	}

	stdout, _, code, err = runPolicy(t, question)
	want = `denied: no statement allows it

principal: arn:aws:iam::000000000000:role/shop/api (ServiceAccount shop/api)
action:    kms:Decrypt
key:       Key shop/orders

The statements about this principal:
  the base statement (Allow) does not apply: it is about administering the key
  rule AllowDecrypt of KeyPolicy readers (Allow) does not apply: its condition StringEquals kms:EncryptionContext:tenant acme is not met, and the request has no such key (--context kms:EncryptionContext:tenant=VALUE)
`
	if diff := cmp.Diff(want, stdout); diff != "" || code != exitNo || err.Error() != "" {
		t.Errorf("exit code %d, error %v (-want +got):\n%s", code, err, diff)
	}
}

func TestPolicySimulateSaysThatNobodySpeaksOfThePrincipal(t *testing.T) {
	inFolder(t, map[string]string{"orders.yaml": ordersKey + "---\n" + readersPolicy})
	stdout, _, code, _ := runPolicy(t, "simulate -f orders.yaml --principal arn:aws:iam::444455556666:role/x --action Decrypt --key orders -n shop")
	if code != exitNo || !strings.HasSuffix(stdout, "\n\nNo statement is about this principal.\n") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestPolicySimulatePrintsJSONAndThePolicy(t *testing.T) {
	inFolder(t, map[string]string{"orders.yaml": ordersKey + "---\n" + readersPolicy})
	const question = "simulate -f orders.yaml --principal serviceaccount:shop/api --action Decrypt --key shop/orders --show-policy"
	stdout, _, code, _ := runPolicy(t, question+" -o json")
	var answer struct {
		Decision, Verdict string
		PolicyHash        string
		Statements        []struct{ KeyPolicy, Rule, Failed string }
		Policy            struct{ Statement []struct{ Sid string } }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v in:\n%s", err, stdout)
	}
	if code != exitNo || answer.Decision != "denied" || answer.Verdict != "ImplicitDeny" || len(answer.PolicyHash) != 32 ||
		len(answer.Statements) != 2 || answer.Statements[1].Rule != "AllowDecrypt" || answer.Statements[1].Failed != "Condition" ||
		len(answer.Policy.Statement) != 2 || answer.Policy.Statement[1].Sid != "readers AllowDecrypt" {
		t.Errorf("exit code %d, %+v", code, answer)
	}
	stdout, _, _, _ = runPolicy(t, question)
	_, document, _ := strings.Cut(stdout, "\n\n{")
	if !json.Valid([]byte("{"+document)) || !strings.Contains(document, `      "Sid": "readers AllowDecrypt"`) {
		t.Errorf("the key policy is printed as:\n%s", document)
	}
}

func TestPolicyCommandsThatCannotLookEndWithTwo(t *testing.T) {
	inFolder(t, map[string]string{
		"orders.yaml": ordersKey, "empty.yaml": "", "other.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "none/a.txt": "",
		"bad.yaml": "kind: [",
	})
	const question = " --principal 111122223333 --action Decrypt --key shop/orders"
	for args, want := range map[string]string{
		"lnt":                              `unknown command "lnt" for "chatelaine policy"`,
		"--colour":                         "unknown flag: --colour",
		"lint --colour":                    "unknown flag: --colour",
		"lint gone.yaml":                   "reading manifests: stat gone.yaml: no such file or directory",
		"lint none":                        "reading manifests: none has no files that end in .yaml, .yml or .json",
		"lint empty.yaml":                  errNothing.Error(),
		"lint other.yaml":                  errNothing.Error(),
		"lint":                             "finding the API server: none is configured",
		"lint orders.yaml --cluster":       "finding the API server: none is configured",
		"lint orders.yaml --kubeconfig x":  "manifests are looked at without a cluster: to look at both add --cluster",
		"lint orders.yaml -o yaml":         `--output must be text or json, not "yaml"`,
		"lint orders.yaml --account-id 12": `--account-id must have 12 digits`,
		"lint orders.yaml --operator-arn arn:aws:sts::111122223333:assumed-role/a/b": "--operator-arn must be the ARN of an IAM role or user",
		"lint orders.yaml --operator-arn op":                                         "--operator-arn must be the ARN of an IAM role or user",
		"simulate please":                                                            `unknown command "please" for "chatelaine policy simulate"`,
		"simulate --action Decrypt":                                                  "--principal is required",
		"simulate --principal 111122223333":                                          "--action is required",
		"simulate -f orders.yaml --context x" + question:                             `--context: "x" has no value`,
		"simulate -f orders.yaml --context x=y" + question:                           `--context: "x" is no condition key`,
		"simulate -f bad.yaml" + question:                                            "bad.yaml: Error: is no manifest: ",
		"simulate -f orders.yaml --principal x --action Decrypt --key shop/orders":   `"x" is no principal`,
		"simulate" + question:                                                        "finding the API server: none is configured",
	} {
		t.Run(args, func(t *testing.T) {
			stdout, _, code, err := runPolicy(t, args)
			if err == nil || !strings.HasPrefix(err.Error(), want) || code != exitUnknown {
				t.Errorf("exit code %d, error %v, want %q", code, err, want)
			}
			if stdout != "" {
				t.Errorf("printed %q", stdout)
			}
		})
	}
}

func TestPolicyAloneIsHelp(t *testing.T) {
	stdout, _, code, err := runPolicy(t, "")
	if code != 0 || err != nil || !strings.Contains(stdout, "\n  lint ") || !strings.Contains(stdout, "\n  simulate ") {
		t.Errorf("exit code %d, error %v:\n%s", code, err, stdout)
	}
}

func TestOtherErrorsEndWithOne(t *testing.T) {
	if got := ExitCode(os.ErrNotExist); got != 1 {
		t.Errorf("exit code %d", got)
	}
	if got := ExitCode(nil); got != 0 {
		t.Errorf("exit code %d without an error", got)
	}
}

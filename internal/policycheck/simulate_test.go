// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// shop are the manifests that most questions are about.
const shop = `apiVersion: kms.chatelaine.dev/v1alpha1
kind: KMSBackend
metadata: {name: software, annotations: {kms.chatelaine.dev/is-default-backend: "true"}}
spec: {software: {accountID: "111122223333", region: eu-west-1}}
---
apiVersion: kms.chatelaine.dev/v1alpha1
kind: Key
metadata: {name: orders, namespace: shop, labels: {app: orders}}
spec: {tags: {team: shop}}
---
apiVersion: kms.chatelaine.dev/v1alpha1
kind: KeyPolicy
metadata: {name: readers.v2, namespace: shop}
spec:
  targets: [{name: orders}]
  rules:
  - sid: Decrypt
    principals: [{serviceAccount: {name: api}}, {service: logs.eu-west-1.amazonaws.com}]
    permissions: [Decrypt]
    conditions:
    - {operator: StringEquals, key: "kms:EncryptionContext:tenant", values: [acme, umbrella]}
  - sid: Partner
    principals: [{account: "444455556666"}, {aws: "arn:aws:iam::444455556666:user/path/bob"}]
    permissions: [Encrypt]
  - sid: Team
    principals: [{aws: "*"}]
    permissions: [Read]
    conditions:
    - {operator: StringEquals, key: "aws:PrincipalArn", values: ["arn:aws:iam::111122223333:role/shop/web"]}
    - {operator: StringEquals, key: "aws:ResourceTag/team", values: [shop]}
---
apiVersion: kms.chatelaine.dev/v1alpha1
kind: KeyPolicy
metadata: {name: fence, namespace: shop}
spec:
  targets: [{selector: {matchLabels: {app: orders}}}]
  rules:
  - sid: NotFromOutside
    effect: Deny
    principals: [{serviceAccount: {name: api}}]
    permissions: [Decrypt]
    conditions:
    - {operator: NotIpAddress, key: "aws:SourceIp", values: [10.0.0.0/8]}
    - {operator: Bool, key: "aws:SecureTransport", values: ["true"]}
`

// ask asks of what is in shop, but for the changes.
func ask(t *testing.T, w *World, principal, action string, context ...string) *Answer {
	t.Helper()
	given, err := ParseContext(context)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Simulate(&Question{Principal: principal, Action: action, Key: "shop/orders", Context: given, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestSimulateDecidesAndSaysWhichStatementDid(t *testing.T) {
	const (
		inside = "aws:SourceIp=10.1.2.3"
		tenant = "kms:EncryptionContext:tenant="
		apiPod = "serviceaccount:shop/api"

		rootAlone = "the base statement allows it to the account 111122223333, which on the software backend is its root user alone, " +
			"since there are no IAM policies; name the principal itself"
	)
	for name, c := range map[string]struct {
		principal, action string
		context           []string
		decision, verdict string
		reason            string
	}{
		"met":                         {apiPod, "kms:Decrypt", []string{inside, tenant + "acme"}, Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"as Kubernetes writes it":     {"system:serviceaccount:shop:api", "decrypt", []string{inside, tenant + "umbrella"}, Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"by its ARN":                  {"arn:aws:iam::111122223333:role/shop/api", "Decrypt", []string{inside, tenant + "acme"}, Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"the case of a key":           {apiPod, "Decrypt", []string{"AWS:sourceip=10.1.2.3", "kms:encryptioncontext:Tenant=acme"}, Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"another value":               {apiPod, "kms:Decrypt", []string{inside, tenant + "other"}, Denied, "ImplicitDeny", "no statement allows it"},
		"no value":                    {apiPod, "kms:Decrypt", []string{inside}, Denied, "ImplicitDeny", "no statement allows it"},
		"fenced off":                  {apiPod, "kms:Decrypt", []string{"aws:SourceIp=192.0.2.1", tenant + "acme"}, Denied, "ExplicitDeny", "rule NotFromOutside of KeyPolicy fence denies it, whatever allows it"},
		"without an address":          {apiPod, "kms:Decrypt", []string{tenant + "acme"}, Denied, "ExplicitDeny", "rule NotFromOutside of KeyPolicy fence denies it, whatever allows it"},
		"over plain HTTP":             {apiPod, "kms:Decrypt", []string{tenant + "acme", "aws:SecureTransport=false"}, Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"another action":              {apiPod, "kms:Encrypt", nil, Denied, "ImplicitDeny", "no statement allows it"},
		"another ServiceAccount":      {"serviceaccount:shop/web", "kms:Decrypt", []string{tenant + "acme"}, Denied, "ImplicitDeny", "no statement allows it"},
		"its namesake":                {"serviceaccount:other/api", "kms:Decrypt", []string{inside, tenant + "acme"}, Denied, "ImplicitDeny", "no statement allows it"},
		"by what the endpoint knows":  {"serviceaccount:shop/web", "kms:DescribeKey", nil, Allowed, "AllowedDirectly", "rule Team of KeyPolicy readers.v2 allows it"},
		"by the tags of another key":  {"serviceaccount:shop/web", "kms:DescribeKey", []string{"aws:ResourceTag/team=other"}, Denied, "AllowedToAccount", rootAlone},
		"a service":                   {"logs.eu-west-1.amazonaws.com", "kms:Decrypt", []string{tenant + "acme"}, Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"another service":             {"s3.amazonaws.com", "kms:Decrypt", []string{tenant + "acme"}, Denied, "ImplicitDeny", "no statement allows it"},
		"the root user":               {"111122223333", "kms:Decrypt", nil, Allowed, "ImplicitDeny", "the root user of the key's account may do what no statement denies"},
		"the root user, by base":      {"111122223333", "kms:DisableKey", nil, Allowed, "AllowedDirectly", "the base statement allows it"},
		"another account's root user": {"444455556666", "kms:Encrypt", nil, Allowed, "AllowedDirectly", "rule Partner of KeyPolicy readers.v2 allows it"},
		"a user who is named":         {"arn:aws:iam::444455556666:user/path/bob", "kms:Encrypt", nil, Allowed, "AllowedDirectly", "rule Partner of KeyPolicy readers.v2 allows it"},
		"a user whose account is named": {
			"arn:aws:iam::444455556666:user/eve", "kms:Encrypt", nil, Denied, "AllowedToAccount",
			"rule Partner of KeyPolicy readers.v2 allows it to the account 444455556666, which on the software backend is its root user alone, " +
				"since there are no IAM policies; name the principal itself",
		},
		"somebody in the key's account": {
			"serviceaccount:shop/api", "kms:DisableKey", nil, Denied, "AllowedToAccount",
			rootAlone,
		},
		"the operator": {"arn:aws:iam::111122223333:role/chatelaine-system/chatelaine-manager", "PutKeyPolicy", nil, Allowed, "AllowedDirectly", "the base statement allows it"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(t, read(t, Settings{}, file("f", shop)), c.principal, c.action, c.context...)
			want := []string{c.decision, c.verdict, c.reason}
			if diff := cmp.Diff(want, []string{answer.Decision, answer.Verdict, answer.Reason}); diff != "" {
				t.Error(diff)
			}
			if named := answer.Statement != nil; named != (c.verdict != "ImplicitDeny") {
				t.Errorf("the statement that decided is %+v", answer.Statement)
			}
		})
	}
}

func TestSimulateOnAWSLeavesIAMPoliciesTheirSay(t *testing.T) {
	manifests := shop[strings.Index(shop, "---\n")+len("---\n"):] + "---\n" + serviceAccount("api", "arn:aws:iam::111122223333:role/eks/api")
	w := read(t, Settings{AWS: true, AccountID: "111122223333"}, file("f", manifests))
	for name, c := range map[string]struct{ principal, action, decision, verdict, reason string }{
		"the role of a ServiceAccount": {"serviceaccount:shop/api", "Decrypt", Allowed, "AllowedDirectly", "rule Decrypt of KeyPolicy readers.v2 allows it"},
		"a session of it":              {"arn:aws:sts::111122223333:assumed-role/api/pod", "Decrypt", Denied, "ImplicitDeny", "no statement allows it"},
		"the account":                  {"serviceaccount:shop/api", "DisableKey", Denied, "AllowedToAccount", "the base statement leaves it to the IAM policies of account 111122223333, which are not looked at here"},
		"the root user":                {"111122223333", "Decrypt", Denied, "ImplicitDeny", "no statement allows it"},
		"another account": {"arn:aws:iam::444455556666:user/path/bob", "Encrypt", Denied, "AllowedDirectly",
			"rule Partner of KeyPolicy readers.v2 allows it, but the principal is of another account, whose IAM policies have to allow it as well; they are not looked at here"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(t, w, c.principal, c.action, "aws:SourceIp=10.1.2.3", "kms:EncryptionContext:tenant=acme")
			want := []string{c.decision, c.verdict, c.reason}
			if diff := cmp.Diff(want, []string{answer.Decision, answer.Verdict, answer.Reason}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSimulateSaysOfEachStatementWhyItDoesNotApply(t *testing.T) {
	answer := ask(t, read(t, Settings{}, file("f", shop)), "serviceaccount:shop/api", "Decrypt", "kms:EncryptionContext:tenant=other", "aws:SourceIp=10.0.0.1")
	var got []string
	for i := range answer.Statements {
		got = append(got, answer.Statements[i].String()+" "+answer.Statements[i].Explanation)
	}
	want := []string{
		"the base statement does not apply: it is about administering the key",
		"rule NotFromOutside of KeyPolicy fence does not apply: its condition NotIpAddress aws:SourceIp 10.0.0.0/8 is not met: the request has 10.0.0.1",
		"rule Decrypt of KeyPolicy readers.v2 does not apply: its condition StringEquals kms:EncryptionContext:tenant acme, umbrella is not met: the request has other",
		"rule Team of KeyPolicy readers.v2 does not apply: it is about kms:DescribeKey, kms:GetKeyLastUsage, kms:GetKeyPolicy, kms:GetKeyRotationStatus, kms:ListGrants, kms:ListKeyPolicies, kms:ListKeyRotations, kms:ListResourceTags",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	answer = ask(t, read(t, Settings{}, file("f", shop)), "serviceaccount:shop/api", "Decrypt", "aws:SourceIp=10.0.0.1")
	if got := answer.Statements[2].Explanation; !strings.HasSuffix(got, "the request has no such key (--context kms:EncryptionContext:tenant=VALUE)") {
		t.Errorf("of the missing key it says %q", got)
	}
}

func TestSimulateNotesWhatTheAnswerRestsOn(t *testing.T) {
	w := read(t, Settings{}, file("f", shop, rename(ruleWith("[{serviceAccount: {name: gone}}]", "permissions: [Decrypt]"), "others"),
		rename(ruleWith("[{aws: '*'}]", "permissions: [Decrypt]"), "open"), serviceAccount("api", "")))
	notes := strings.Join(ask(t, w, "serviceaccount:shop/web", "Sign").Notes, "\n")
	for _, want := range []string{
		"KeyPolicy open has errors and is left out", "KeyPolicy others: ServiceAccount shop/gone ",
		"a key with keySpec SYMMETRIC_DEFAULT and keyUsage ENCRYPT_DECRYPT can never perform kms:Sign", "grants are not looked at",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing in the notes:\n%s", want, notes)
		}
	}
	denied := ask(t, w, "serviceaccount:shop/api", "Decrypt", "kms:EncryptionContext:tenant=acme")
	if denied.Verdict != "ExplicitDeny" || strings.Contains(strings.Join(denied.Notes, "\n"), "grants") {
		t.Errorf("no grant helps against a Deny: %+v", denied)
	}
}

func TestSimulateSaysWhetherThePolicyIsInForce(t *testing.T) {
	w := read(t, Settings{}, file("f", shop))
	object := w.keys[0].Object
	if answer := ask(t, w, "111122223333", "Decrypt"); answer.InForce != nil {
		t.Errorf("a manifest is in force: %+v", answer.InForce)
	}
	object.Status.ObservedGeneration = 1
	object.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionPolicyApplied, Status: metav1.ConditionFalse, Reason: "AccessDenied", Message: "not allowed"}}
	hash := ask(t, w, "111122223333", "Decrypt").Hash
	for name, c := range map[string]struct {
		has  *v1alpha1.KeyPolicyInForce
		want InForce
	}{
		"none put": {nil, InForce{Message: "not in force: the operator has not put a key policy on the key; PolicyApplied is False, AccessDenied: not allowed"}},
		"this one": {&v1alpha1.KeyPolicyInForce{Hash: hash}, InForce{Same: true, Hash: hash, Message: "in force: it is the key policy that the key has"}},
		"another":  {&v1alpha1.KeyPolicyInForce{Hash: "abc"}, InForce{Hash: "abc", Message: "not in force: the key policy that the operator put last has the hash abc; PolicyApplied is False, AccessDenied: not allowed"}},
	} {
		t.Run(name, func(t *testing.T) {
			object.Status.Policy = c.has
			if diff := cmp.Diff(&c.want, ask(t, w, "111122223333", "Decrypt").InForce); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSimulateAsksADocument(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Elsewhere","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/ci"},"Action":"kms:Encrypt","Resource":"arn:aws:kms:eu-west-1:111122223333:key/other"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/ci"},"NotAction":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`
	w := read(t, Settings{}, file("p.json", document))
	question := &Question{Principal: "arn:aws:iam::111122223333:role/ci", Action: "Decrypt", Key: "arn:aws:kms:eu-west-1:111122223333:key/1234", Now: now}
	answer, err := w.Simulate(question)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Decision != Allowed || answer.Reason != "Statement[1] allows it" || answer.Hash != "" {
		t.Errorf("it answers %+v", answer)
	}
	question.Action = "Encrypt"
	if answer, err = w.Simulate(question); err != nil || answer.Decision != Denied {
		t.Fatalf("%+v, %v", answer, err)
	}
	want := []string{
		`Statement[0] (Sid "Elsewhere") does not apply: it is about arn:aws:kms:eu-west-1:111122223333:key/other`,
		"Statement[1] does not apply: it is about all but kms:Encrypt",
	}
	for i := range want {
		if got := answer.Statements[i].String() + " " + answer.Statements[i].Explanation; got != want[i] {
			t.Errorf("it says %q, want %q", got, want[i])
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// iamStatement is a statement of an IAM policy as far as the tests read it.
type iamStatement struct {
	Sid       string
	Principal map[string]string
	Action    oneOrMore
	Resource  oneOrMore
	Condition map[string]map[string]string
}

// oneOrMore is a string or a list of strings.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	if strings.HasPrefix(string(text), "[") {
		return json.Unmarshal(text, (*[]string)(o))
	}
	*o = make(oneOrMore, 1)
	return json.Unmarshal(text, &(*o)[0])
}

func iamPolicy(t *testing.T, name string) []iamStatement {
	t.Helper()
	text, err := os.ReadFile(path(t, "config", "aws", name))
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Statement []iamStatement }
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return document.Statement
}

const (
	// needsNoPermission is what AWS lets everybody call.
	needsNoPermission = "sts:GetCallerIdentity"
	// neededForMultiRegion is what AWS KMS does by itself in the name of who makes an account's first multi-Region key, and for it
	// only: make the role by which it keeps relatives in step. (AWS KMS Developer Guide, "Authorizing AWS KMS to synchronize
	// multi-Region keys".)
	neededForMultiRegion = "iam:CreateServiceLinkedRole"
)

func TestIAMPolicyAllowsWhatTheOperatorCallsAndNothingElse(t *testing.T) {
	var allowed []string
	for _, statement := range iamPolicy(t, "iam-policy.json") {
		allowed = append(allowed, statement.Action...)
	}
	slices.Sort(allowed)
	called := slices.DeleteFunc(calledActions(t), func(action string) bool { return action == needsNoPermission })
	called = slices.Sorted(slices.Values(append(called, neededForMultiRegion)))
	if diff := cmp.Diff(called, slices.Compact(allowed)); diff != "" {
		t.Errorf("actions of config/aws/iam-policy.json (-called +allowed):\n%s", diff)
	}
}

func TestIAMPolicyLetsTheOperatorChangeItsOwnKeysOnly(t *testing.T) {
	const made, owned = "aws:RequestTag/kms.chatelaine.dev/cluster", "aws:ResourceTag/kms.chatelaine.dev/cluster"
	conditions := map[string]string{
		"FindKeys": "", "LookAtKeys": "", "NameKeys": "", "MakeKeysAndOwnThem": made, "AdministerOwnKeys": owned, "MakeMultiRegionKeys": "",
	}
	for _, statement := range iamPolicy(t, "iam-policy.json") {
		want, known := conditions[statement.Sid]
		if _, has := statement.Condition["StringLike"][want]; !known || has != (want != "") {
			t.Errorf("statement %s is under the conditions %v, want %q", statement.Sid, statement.Condition, want)
		}
		for _, action := range statement.Action {
			_, name, _ := strings.Cut(action, ":")
			reads := strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Describe")
			if want == "" && !reads && statement.Sid != "NameKeys" && action != neededForMultiRegion {
				t.Errorf("statement %s lets the operator do %s with every key", statement.Sid, action)
			}
		}
	}
}

func TestIAMPolicyLetsTheOperatorMakeNoOtherRoleThanTheOneForMultiRegionKeys(t *testing.T) {
	const service = "mrk.kms.amazonaws.com"
	for _, statement := range iamPolicy(t, "iam-policy.json") {
		if !slices.Contains(statement.Action, neededForMultiRegion) {
			continue
		}
		role := "arn:aws:iam::*:role/aws-service-role/" + service + "/AWSServiceRoleForKeyManagementServiceMultiRegionKeys"
		if len(statement.Action) != 1 || !slices.Equal(statement.Resource, []string{role}) || statement.Condition["StringEquals"]["iam:AWSServiceName"] != service {
			t.Errorf("it may make other roles: %+v", statement)
		}
	}
}

// TestIAMPolicyLetsTheOperatorMakeReplicas minds what AWS wants beside kms:ReplicateKey on the primary: to make a key, with its tags, in
// the replica's Region, where no key is yet whose tags could be asked for; and what it wants on both keys when the primary changes.
func TestIAMPolicyLetsTheOperatorMakeReplicas(t *testing.T) {
	needs := map[string][]string{
		"MakeKeysAndOwnThem": {"kms:CreateKey", "kms:TagResource"}, "AdministerOwnKeys": {"kms:ReplicateKey", "kms:UpdatePrimaryRegion"},
	}
	for _, statement := range iamPolicy(t, "iam-policy.json") {
		for _, action := range needs[statement.Sid] {
			if !slices.Contains(statement.Action, action) {
				t.Errorf("statement %s lacks %s", statement.Sid, action)
			}
		}
		everywhere := slices.Contains(statement.Resource, "*") || slices.Contains(statement.Resource, "arn:aws:kms:*:*:key/*")
		if needs[statement.Sid] != nil && !everywhere {
			t.Errorf("statement %s is about %s only, and a replica is elsewhere", statement.Sid, statement.Resource)
		}
		delete(needs, statement.Sid)
	}
	if len(needs) > 0 {
		t.Errorf("there are no statements for %v", needs)
	}
}

// calledActions are the actions in the table of what package aws calls, sorted.
func calledActions(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path(t, "internal", "backend", "aws", "operations.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	ast.Inspect(file, func(node ast.Node) bool {
		entry, ok := node.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		name, isName := entry.Key.(*ast.BasicLit)
		operation, isOperation := entry.Value.(*ast.CompositeLit)
		if isName && isOperation {
			actions = append(actions, serviceOf(t, operation)+":"+unquoted(t, name))
		}
		return true
	})
	if len(actions) < 20 {
		t.Fatalf("found %v only in the table of operations", actions)
	}
	slices.Sort(actions)
	return actions
}

// serviceOf is the value of the field service.
func serviceOf(t *testing.T, operation *ast.CompositeLit) string {
	t.Helper()
	for _, element := range operation.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		name, isName := field.Key.(*ast.Ident)
		if value, isText := field.Value.(*ast.BasicLit); isName && isText && name.Name == "service" {
			return unquoted(t, value)
		}
	}
	t.Fatal("an operation names no service")
	return ""
}

func unquoted(t *testing.T, literal *ast.BasicLit) string {
	t.Helper()
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// onlyStatement is the statement of a policy that has one.
func onlyStatement(t *testing.T, name string) iamStatement {
	t.Helper()
	statements := iamPolicy(t, name)
	if len(statements) != 1 {
		t.Fatalf("%s has %d statements, want one", name, len(statements))
	}
	return statements[0]
}

func TestTrustPolicyTrustsTheOperatorsServiceAccountOnly(t *testing.T) {
	want := iamStatement{
		Sid: "OperatorByIRSA", Principal: map[string]string{"Federated": "arn:aws:iam::ACCOUNT_ID:oidc-provider/OIDC_PROVIDER"},
		Action: oneOrMore{"sts:AssumeRoleWithWebIdentity"},
		Condition: map[string]map[string]string{"StringEquals": {
			"OIDC_PROVIDER:aud": "sts.amazonaws.com",
			"OIDC_PROVIDER:sub": testenv.UserName(manager),
		}},
	}
	if diff := cmp.Diff(want, onlyStatement(t, "trust-policy.json")); diff != "" {
		t.Errorf("statement (-want +got):\n%s", diff)
	}
}

// TestTrustPolicyForPodIdentityTrustsTheOperatorsServiceAccountOnly goes by the session tags that EKS sets. Without them every
// ServiceAccount of every cluster of the account could be given the role. (Amazon EKS User Guide, "Create IAM role with trust policy
// required by EKS Pod Identity".)
func TestTrustPolicyForPodIdentityTrustsTheOperatorsServiceAccountOnly(t *testing.T) {
	want := iamStatement{
		Sid: "OperatorByPodIdentity", Principal: map[string]string{"Service": "pods.eks.amazonaws.com"},
		Action: oneOrMore{"sts:AssumeRole", "sts:TagSession"},
		Condition: map[string]map[string]string{"StringEquals": {
			"aws:SourceAccount":                         "ACCOUNT_ID",
			"aws:RequestTag/eks-cluster-arn":            "CLUSTER_ARN",
			"aws:RequestTag/kubernetes-namespace":       manager.Namespace,
			"aws:RequestTag/kubernetes-service-account": manager.Name,
		}},
	}
	if diff := cmp.Diff(want, onlyStatement(t, "trust-policy-pod-identity.json")); diff != "" {
		t.Errorf("statement (-want +got):\n%s", diff)
	}
}

// TestRolesOfOtherAccountsCanBeAssumedWithTheSessionTagsOfPodIdentity minds that those tags are transitive: whoever has them passes
// them on with AssumeRole, for which both sides must allow sts:TagSession. It allows nothing by itself, and an external ID is
// sts:AssumeRole's. (IAM User Guide, "Pass session tags in AWS STS".)
func TestRolesOfOtherAccountsCanBeAssumedWithTheSessionTagsOfPodIdentity(t *testing.T) {
	operator := map[string]string{"AWS": "arn:aws:iam::ACCOUNT_ID:role/chatelaine"}
	want := []iamStatement{
		{
			Sid: "OperatorOfAnotherAccount", Principal: operator, Action: oneOrMore{"sts:AssumeRole"},
			Condition: map[string]map[string]string{"StringEquals": {"sts:ExternalId": "EXTERNAL_ID"}},
		},
		{Sid: "ItsSessionTagsByPodIdentity", Principal: operator, Action: oneOrMore{"sts:TagSession"}},
	}
	if diff := cmp.Diff(want, iamPolicy(t, "trust-policy-other-account.json")); diff != "" {
		t.Errorf("the role's trust policy (-want +got):\n%s", diff)
	}
	caller := iamStatement{
		Sid: "ActInOtherAccounts", Action: oneOrMore{"sts:AssumeRole", "sts:TagSession"},
		Resource: oneOrMore{"arn:aws:iam::OTHER_ACCOUNT_ID:role/chatelaine"},
	}
	if diff := cmp.Diff(caller, onlyStatement(t, "assume-role-policy.json")); diff != "" {
		t.Errorf("the operator's own policy (-want +got):\n%s", diff)
	}
}

func TestSampleOfABackendOnAWSIsAccepted(t *testing.T) {
	kubectlQuietly(t, env, "apply", "--server-side", "--validate=strict", "-f", path(t, "config", "samples", "kmsbackend_aws.yaml"))

	var backend v1alpha1.KMSBackend
	if err := env.Client.Get(t.Context(), client.ObjectKey{Name: "aws"}, &backend); err != nil {
		t.Fatal(err)
	}
	if backend.Spec.AWS == nil || backend.Spec.AWS.Region != "eu-central-1" {
		t.Errorf("spec %+v", backend.Spec)
	}
}

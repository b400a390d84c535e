// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const (
	liveAccount = "111122223333"
	liveKeyARN  = "arn:aws:kms:eu-west-1:" + liveAccount + ":key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// live is a cluster with a Key, orders, and a KeyPolicy, readers, in one of its namespaces. No operator is there: what it
// would write is written by the test.
type live struct {
	*testenv.Env
	namespace string
	// kubeconfig is that of whoever asks.
	kubeconfig string
}

func newLive(t *testing.T) *live {
	t.Helper()
	nothingConfigured(t)
	cluster := &live{Env: testenv.Start(t, testenv.Options{})}
	cluster.namespace, cluster.kubeconfig = cluster.Namespace(t), cluster.Kubeconfig
	backend := &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: "software"},
		Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{}},
	}
	cluster.create(t, backend)
	backend.Status = v1alpha1.KMSBackendStatus{
		ObservedGeneration: 1, AccountID: liveAccount, Region: "eu-west-1",
		CallerARN: "arn:aws:iam::" + liveAccount + ":role/kms-operator/chatelaine-manager",
	}
	cluster.updateStatus(t, backend)
	key := &v1alpha1.Key{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.namespace, Name: "orders"}}
	cluster.create(t, key)
	key.Status = v1alpha1.KeyStatus{ObservedGeneration: 1, Backend: "software", ARN: liveKeyARN}
	cluster.updateStatus(t, key)
	for _, document := range []string{readersPolicy} {
		cluster.create(t, cluster.object(t, document))
	}
	return cluster
}

func (l *live) object(t *testing.T, manifest string) *v1alpha1.KeyPolicy {
	t.Helper()
	object := &v1alpha1.KeyPolicy{}
	if err := yaml.UnmarshalStrict([]byte(manifest), object); err != nil {
		t.Fatal(err)
	}
	object.Namespace = l.namespace
	return object
}

func (l *live) create(t *testing.T, object client.Object) {
	t.Helper()
	if err := l.Client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func (l *live) updateStatus(t *testing.T, object client.Object) {
	t.Helper()
	if err := l.Client.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// policy runs chatelaine policy with the kubeconfig; NS stands for the namespace.
func (l *live) policy(t *testing.T, args string) (stdout, stderr string, code int) {
	t.Helper()
	words := append([]string{"policy"}, strings.Fields(strings.ReplaceAll(args, "NS", l.namespace))...)
	stdout, stderr, err := run(t, append(words, "--kubeconfig", l.kubeconfig)...)
	if err != nil && err.Error() != "" {
		t.Logf("%s: %v", args, err)
	}
	named := strings.NewReplacer(l.namespace, "NS")
	return named.Replace(stdout), named.Replace(stderr), ExitCode(err)
}

func TestThePoliciesOfAClusterAreLookedAt(t *testing.T) {
	cluster := newLive(t)
	t.Run("lint", cluster.testLint)
	t.Run("lint of files as if they were applied", cluster.testLintAgainst)
	t.Run("simulate", cluster.testSimulate)
	t.Run("in force", cluster.testInForce)
	t.Run("by somebody who may read little", cluster.testPermissions)
	t.Run("in a context that does not exist", func(t *testing.T) {
		if _, _, code := cluster.policy(t, "lint --kube-context none"); code != exitUnknown {
			t.Errorf("exit code %d", code)
		}
	})
}

func (l *live) testLint(t *testing.T) {
	const missing = "KeyPolicy NS/readers: Warning: ServiceAccount NS/api does not exist: create it, or correct the name; rules do without it\n" +
		"1 policy, 0 errors, 1 warning\n"
	for _, args := range []string{"lint -n NS", "lint --all-namespaces"} {
		if stdout, stderr, code := l.policy(t, args); stdout != missing || stderr != "" || code != 0 {
			t.Errorf("%s: exit code %d, printed:\n%s%s", args, code, stdout, stderr)
		}
	}
	if stdout, _, code := l.policy(t, "lint"); stdout != "0 policies, 0 errors, 0 warnings\n" || code != 0 {
		t.Errorf("in the namespace of the kubeconfig: exit code %d, printed:\n%s", code, stdout)
	}
	l.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: l.namespace, Name: "api"}})
	want := "KeyPolicy NS/readers: ok on Key orders\n1 policy, 0 errors, 0 warnings\n"
	if stdout, _, code := l.policy(t, "lint -n NS"); stdout != want || code != 0 {
		t.Errorf("with the ServiceAccount: exit code %d, printed:\n%s", code, stdout)
	}
}

func (l *live) testLintAgainst(t *testing.T) {
	inFolder(t, map[string]string{"open.yaml": strings.Replace(openPolicy, "namespace: shop", "namespace: "+l.namespace, 1)})
	stdout, stderr, code := l.policy(t, "lint open.yaml --cluster")
	want := `open.yaml: KeyPolicy NS/open: Error: spec.rules[All].actions: "kms:Decript" is no action of AWS KMS; its actions are named like kms:Decrypt
open.yaml: KeyPolicy NS/open: Warning: spec.rules[Sign].permissions: Sign is nothing that a key with keyUsage ENCRYPT_DECRYPT can do: the rule does nothing with it on this key
1 policy, 1 error, 1 warning
`
	if stdout != want || stderr != "" || code != exitNo {
		t.Errorf("exit code %d, printed:\n%s%s", code, stdout, stderr)
	}
}

const liveQuestion = "simulate --principal serviceaccount:NS/api --action Decrypt --key NS/orders"

func (l *live) testSimulate(t *testing.T) {
	stdout, stderr, code := l.policy(t, liveQuestion+" --context kms:EncryptionContext:tenant=acme")
	for _, want := range []string{
		"allowed: rule AllowDecrypt of KeyPolicy readers allows it\n",
		"principal: arn:aws:iam::" + liveAccount + ":role/NS/api (ServiceAccount NS/api)\n",
		"policy:    not in force: the operator has not put a key policy on the key\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in:\n%s", want, stdout)
		}
	}
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	inFolder(t, map[string]string{"readers.yaml": strings.NewReplacer("namespace: shop", "namespace: "+l.namespace, "acme", "umbrella").Replace(readersPolicy)})
	for value, want := range map[string]int{"umbrella": 0, "acme": exitNo} {
		if stdout, _, code := l.policy(t, liveQuestion+" -f readers.yaml --cluster --context kms:EncryptionContext:tenant="+value); code != want {
			t.Errorf("as if the file were applied, for %s: exit code %d:\n%s", value, code, stdout)
		}
	}
}

func (l *live) testInForce(t *testing.T) {
	stdout, _, _ := l.policy(t, liveQuestion+" -o json --show-policy")
	var answer struct {
		PolicyHash, KeyARN string
		Policy             struct {
			Statement []struct{ Principal struct{ AWS any } }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil {
		t.Fatalf("%v in:\n%s", err, stdout)
	}
	operator := "arn:aws:iam::" + liveAccount + ":role/kms-operator/chatelaine-manager"
	if base, _ := answer.Policy.Statement[0].Principal.AWS.([]any); len(base) != 2 || base[0] != operator || answer.KeyARN != liveKeyARN {
		t.Errorf("the base statement names %v, the key is %s", base, answer.KeyARN)
	}
	key := &v1alpha1.Key{}
	if err := l.Client.Get(t.Context(), types.NamespacedName{Namespace: l.namespace, Name: "orders"}, key); err != nil {
		t.Fatal(err)
	}
	for hash, want := range map[string]string{
		answer.PolicyHash: "policy:    in force: it is the key policy that the key has\n",
		"another":         "policy:    not in force: the key policy that the operator put last has the hash another\n",
	} {
		key.Status.Policy = &v1alpha1.KeyPolicyInForce{Hash: hash}
		l.updateStatus(t, key)
		if stdout, _, _ := l.policy(t, liveQuestion); !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in:\n%s", want, stdout)
		}
	}
}

// testPermissions is about somebody who may read Keys and KeyPolicies, but no KMSBackends and no ServiceAccounts.
func (l *live) testPermissions(t *testing.T) {
	somebody := types.NamespacedName{Namespace: l.namespace, Name: "somebody"}
	l.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: somebody.Namespace, Name: somebody.Name}})
	meta := metav1.ObjectMeta{Namespace: l.namespace, Name: "reader"}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"kms.chatelaine.dev"}, Resources: []string{"keys", "keypolicies"}, Verbs: []string{"get", "list"},
	}}}
	l.create(t, role)
	l.create(t, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: somebody.Namespace, Name: somebody.Name}},
	})
	access := testenv.Access{User: testenv.UserName(somebody), Namespace: l.namespace, Verb: "list", Resource: "keypolicies.kms.chatelaine.dev"}
	if err := l.WaitAllowed(t.Context(), access); err != nil {
		t.Fatal(err)
	}
	restricted := *l
	restricted.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := l.WriteKubeconfigFor(t.Context(), somebody, restricted.kubeconfig); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := restricted.policy(t, liveQuestion+" --context kms:EncryptionContext:tenant=acme")
	if code != 0 || !strings.Contains(stdout, "principal: arn:aws:iam::"+liveAccount+":role/NS/api") {
		t.Errorf("exit code %d, printed:\n%s", code, stdout)
	}
	for _, want := range []string{
		"note: KMSBackends may not be read with these permissions: where keys live is taken from their ARNs\n",
		"note: ServiceAccounts may not be read with these permissions: those are taken to exist\n",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is missing in:\n%s", want, stderr)
		}
	}
	if _, _, code := restricted.policy(t, "lint -A"); code != exitUnknown {
		t.Errorf("of all namespaces: exit code %d", code)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
	"github.com/chatelaine-dev/chatelaine/test/python"
)

// sampleWorld is a server of its own with the samples of config/ on it, keys and workload, and a replica.
func sampleWorld(t *testing.T) (*world, *replica) {
	t.Helper()
	server := quietServer(t)
	w := &world{
		t: t, env: server, ctx: t.Context(), namespace: "chatelaine-samples", stop: func() {},
		backend: &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: "software"}},
	}
	for _, folder := range [][]string{{"config", "samples"}, {"config", "samples", "workload"}} {
		path, err := testenv.Path(folder...)
		if err != nil {
			t.Fatal(err)
		}
		if err := server.ApplyKustomization(w.ctx, path); err != nil {
			t.Fatal(err)
		}
	}
	r := w.serve()
	key := &v1alpha1.Key{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "orders", Generation: 1}}
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return w, r
}

// adopt makes this process's environment that of the pod, and of nothing else that an SDK would look at.
func adopt(t *testing.T, environment map[string]string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	own := map[string]string{
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	}
	maps.Copy(own, environment)
	for name, value := range own {
		t.Setenv(name, value)
	}
}

// sdk is AWS's SDK as an application has it that configures nothing.
func (w *world) sdk() aws.Config {
	w.t.Helper()
	found, err := config.LoadDefaultConfig(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestSamplePodUsesItsKeyWithWhatIsInItsEnvironment(t *testing.T) {
	w, r := sampleWorld(t)
	pod := w.pod("orders-1")
	environment := pod.environment(r)
	adopt(t, environment)
	sdk := w.sdk()
	role, alias := environment["AWS_ROLE_ARN"], environment["KMS_KEY_ALIAS"]

	session := w.whoIs(sts.NewFromConfig(sdk))
	if want := "arn:aws:sts::" + w.account() + ":assumed-role/orders/"; !strings.HasPrefix(session, want) {
		t.Fatalf("the pod is %s, want %s...", session, want)
	}
	kms := awskms.NewFromConfig(sdk)
	w.awaitCode("the sample's KeyPolicy lets the pod in", "", func() string { return w.roundTrip(kms, alias) })

	if got := w.python(roundTripInPython, alias); got != "attack at dawn" {
		t.Errorf("boto3, in the same environment: %s", got)
	}

	other := w.pod("orders-2")
	w.delete(pod.object)
	w.awaitCode("its pod is gone, the token is refused", "InvalidIdentityToken", func() string { return r.assume(pod.token(), role) })
	if got := w.roundTrip(kms, alias); got != "" {
		t.Errorf("a session lasts until it expires, as in AWS: %s", got)
	}
	if got := r.assume(other.token(), role); got != "" {
		t.Errorf("the token of another pod of the ServiceAccount: %s", got)
	}
	w.delete(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "orders"}})
	w.awaitCode("its ServiceAccount is gone, its sessions may use the key no more", "AccessDeniedException", func() string { return w.roundTrip(kms, alias) })
	w.awaitCode("its ServiceAccount is gone, the token is refused", "InvalidIdentityToken", func() string { return r.assume(other.token(), role) })
}

// roundTripInPython configures nothing, as an application in Python does.
const roundTripInPython = `
import sys, boto3
kms, context = boto3.client("kms"), {"purpose": "test"}
encrypted = kms.encrypt(KeyId=sys.argv[1], Plaintext=b"attack at dawn", EncryptionContext=context)
print(kms.decrypt(CiphertextBlob=encrypted["CiphertextBlob"], EncryptionContext=context)["Plaintext"].decode())
`

// python runs a script in this process's environment, and returns what it printed or said before it failed.
func (w *world) python(script string, args ...string) string {
	w.t.Helper()
	interpreter, err := python.Interpreter()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.ctx, interpreter, append([]string{"-c", script}, args...)...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return err.Error() + "\n" + string(output)
	}
	return strings.TrimSpace(string(output))
}

func TestPodGetsContainerCredentials(t *testing.T) {
	w, r := sampleWorld(t)
	pod := w.pod("orders-1")
	pod.mount(corev1.ServiceAccountTokenProjection{Audience: "pods.eks.amazonaws.com", Path: "eks-pod-identity-token"})
	shared := pod.environment(r)
	role := shared["AWS_ROLE_ARN"]
	// Plain HTTP on loopback, as on EKS: for this form the SDKs look at no AWS_CA_BUNDLE.
	for name, url := range map[string]string{
		"of the default account":      r.http + "/v1/credentials",
		"of an account that is named": r.http + "/v1/credentials/" + w.account(),
	} {
		t.Run(name, func(t *testing.T) {
			environment := maps.Clone(shared)
			delete(environment, "AWS_ROLE_ARN")
			delete(environment, "AWS_WEB_IDENTITY_TOKEN_FILE")
			environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url
			environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = pod.path("eks-pod-identity-token")
			adopt(t, environment)
			sdk := w.sdk()
			want := "arn:aws:sts::" + w.account() + ":assumed-role/orders/orders-1"
			if got := w.whoIs(sts.NewFromConfig(sdk)); got != want {
				t.Errorf("the pod is %s, want %s", got, want)
			}
			if got := w.roundTrip(awskms.NewFromConfig(sdk), environment["KMS_KEY_ALIAS"]); got != "" {
				t.Errorf("using the key: %s", got)
			}
			if got := w.python(roundTripInPython, environment["KMS_KEY_ALIAS"]); got != "attack at dawn" {
				t.Errorf("boto3, in the same environment: %s", got)
			}
		})
	}
	if got := r.assume(pod.read("eks-pod-identity-token"), role); got != "InvalidIdentityToken" {
		t.Errorf("the token of one form, used for the other: %q", got)
	}
	w.delete(pod.object)
	w.awaitCode("its pod is gone, the token is refused", "403 Forbidden", func() string {
		return w.get(r.http+"/v1/credentials", pod.read("eks-pod-identity-token"))
	})
}

// assume exchanges a token for a session of the role; the answer is the error, or "".
func (r *replica) assume(token, role string) string {
	r.w.t.Helper()
	_, err := r.session(token, role)
	return code(err)
}

func (r *replica) session(token, role string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	return r.sts(aws.AnonymousCredentials{}).AssumeRoleWithWebIdentity(r.w.ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &role, RoleSessionName: aws.String("test"), WebIdentityToken: &token,
	})
}

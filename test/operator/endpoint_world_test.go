// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// replica is the operator as a process that serves AWS's API.
type replica struct {
	*process
	// https and http are the endpoint's URLs, readyz is that of the probe.
	https, http, readyz string
	// client keeps its connections: the endpoint closes those of a host that opens too many.
	client *awshttp.BuildableClient
}

// serve starts a replica and waits until it is ready.
func (w *world) serve(args ...string) *replica {
	w.t.Helper()
	r := w.launch(args...)
	w.await(func() (bool, string) { return r.ready(), "the operator ready; its log:\n" + r.log.String() })
	return r
}

// launch starts a replica.
func (w *world) launch(args ...string) *replica {
	w.t.Helper()
	https, http, probe := testenv.FreeAddress(w.t), testenv.FreeAddress(w.t), testenv.FreeAddress(w.t)
	return &replica{
		process: w.run("", append([]string{
			"--kms-bind-address", https, "--kms-insecure-bind-address", http, "--health-probe-bind-address", probe, "--log-level", "debug",
		}, args...)...),
		https: "https://" + https, http: "http://" + http, readyz: "http://" + probe + "/readyz",
		client: awshttp.NewBuildableClient().WithTimeout(patience),
	}
}

func (r *replica) ready() bool {
	r.w.t.Helper()
	response, err := http.Get(r.readyz)
	if err != nil {
		return false // it does not listen yet
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// account is the one whose keys the replicas serve.
func (w *world) account() string {
	w.t.Helper()
	return w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "").Status.AccountID
}

// region is that of the world's backend.
func (w *world) region() string { return w.getBackend().Status.Region }

func (w *world) arn(resource string) string {
	w.t.Helper()
	return "arn:aws:iam::" + w.account() + ":" + resource
}

// accessKey is a static access key and the Secret that makes it one.
type accessKey struct {
	id, secret string
	object     *corev1.Secret
}

func newAccessKey(principal string) accessKey {
	k := accessKey{id: "AKIA" + rand.Text()[:16], secret: rand.Text()}
	k.object = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: operatorNamespace, Name: strings.ToLower("access-key-" + k.id),
			Labels: map[string]string{"kms.chatelaine.dev/access-key": "true"},
		},
		StringData: map[string]string{"accessKeyID": k.id, "secretAccessKey": k.secret, "principal": principal},
	}
	return k
}

// person makes a static access key that stands for the principal.
func (w *world) person(principal string) accessKey {
	w.t.Helper()
	k := newAccessKey(principal)
	w.create(k.object)
	return k
}

func (k accessKey) provider() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(k.id, k.secret, "")
}

// caBundle is the path of a file with what the operator published for clients in the world's operator namespace.
func (w *world) caBundle() string {
	w.t.Helper()
	published := &corev1.ConfigMap{}
	w.await(func() (bool, string) {
		err := w.env.Client.Get(w.ctx, client.ObjectKey{Namespace: operatorNamespace, Name: "chatelaine-kms-ca"}, published)
		return err == nil, "the ConfigMap with the CA"
	})
	return writeFile(w.t, filepath.Join(w.t.TempDir(), "ca.crt"), published.Data["ca.crt"])
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kms is a client of the replica over plain HTTP that tries once.
func (r *replica) kms(provider aws.CredentialsProvider) *awskms.Client {
	return awskms.New(awskms.Options{
		BaseEndpoint: &r.http, Region: r.w.region(), Credentials: provider, Retryer: aws.NopRetryer{},
		HTTPClient: r.client,
	})
}

// sts is like kms.
func (r *replica) sts(provider aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: &r.http, Region: r.w.region(), Credentials: provider, Retryer: aws.NopRetryer{},
		HTTPClient: r.client,
	})
}

// code is AWS's name of the error; "" for none.
func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// policyFor is a key policy that leaves the account's root user everything and allows the principal the actions.
func (w *world) policyFor(principal string, actions ...string) *string {
	w.t.Helper()
	statement := func(arn string, actions ...string) map[string]any {
		return map[string]any{"Effect": "Allow", "Principal": map[string]string{"AWS": arn}, "Action": actions, "Resource": "*"}
	}
	text, err := json.Marshal(map[string]any{
		"Version": "2012-10-17", "Statement": []any{statement(w.arn("root"), "kms:*"), statement(principal, actions...)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return aws.String(string(text))
}

// allow gives the principal the actions on the key: by a KeyPolicy if a Key declares it, else as the account's root user may.
func (w *world) allow(root *awskms.Client, keyID, principal string, actions ...string) {
	w.t.Helper()
	if key := w.keyWithID(keyID); key != nil {
		w.createPolicy(key, principal, actions...)
		return
	}
	_, err := root.PutKeyPolicy(w.ctx, &awskms.PutKeyPolicyInput{KeyId: &keyID, Policy: w.policyFor(principal, actions...)})
	if err != nil {
		w.t.Fatal(err)
	}
}

// roundTrip says with which error encrypting and decrypting again fails; "" for none.
func (w *world) roundTrip(kms *awskms.Client, keyID string) string {
	w.t.Helper()
	const secret = "attack at dawn"
	encrypted, err := kms.Encrypt(w.ctx, &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte(secret)})
	if err != nil {
		return code(err)
	}
	decrypted, err := kms.Decrypt(w.ctx, &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
	if err != nil {
		return code(err)
	}
	if string(decrypted.Plaintext) != secret {
		w.t.Errorf("decrypted %q, want %q", decrypted.Plaintext, secret)
	}
	return ""
}

// awaitCode waits until the call ends as wanted, and logs how long that took.
func (w *world) awaitCode(what, want string, call func() string) {
	w.t.Helper()
	begun := time.Now()
	w.await(func() (bool, string) {
		got := call()
		return got == want, what + ": want " + quote(want) + ", it is " + quote(got)
	})
	w.t.Logf("%s after %s", what, time.Since(begun).Round(time.Millisecond))
}

func quote(code string) string {
	if code == "" {
		return "success"
	}
	return code
}

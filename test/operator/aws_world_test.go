// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/go-logr/logr"
	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const awsRegion = "eu-central-1"

// awsAccount is an account of what stands for AWS here: our own endpoint, by itself, with keys in awsRegion. It has no Tagging
// API. Callers are known by the access keys that people has.
type awsAccount struct {
	id     string
	server *httptest.Server
	people *people

	mu      sync.Mutex
	release chan struct{} // while it is not nil, requests get no answer until it is closed
	signers map[string]int
	actions map[string]map[string]bool // by signer: the actions of KMS and of the Tagging API that were called
}

// people are access keys that come and go.
type people struct {
	mu   sync.Mutex
	keys map[string]identity.Credential
}

// Lookup implements identity.Source.
func (p *people) Lookup(_ context.Context, accessKeyID, _ string) (identity.Credential, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.keys[accessKeyID]
	if !ok {
		return identity.Credential{}, identity.ErrUnknown
	}
	return known, nil
}

func newAWSAccount(t *testing.T, id string) *awsAccount {
	t.Helper()
	roots, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		t.Fatal(err)
	}
	ring := keyring.New(keyring.ID{AccountID: id, Region: awsRegion}, &memstore.Store{}, roots, keyring.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = ring.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	if err := ring.WaitSynced(ctx); err != nil {
		t.Fatal(err)
	}
	partition := kms.NewPartition()
	partition.Add(kms.New(ring, clock.RealClock{}, kms.Options{}))
	a := &awsAccount{id: id, people: &people{keys: map[string]identity.Credential{}}, signers: map[string]int{}, actions: map[string]map[string]bool{}}
	handler := awsapi.NewHandler(awsapi.Options{
		Partition: partition, Credentials: a.people, Recorder: audit.Log{Logger: logr.Discard()}, Clock: clock.RealClock{},
		NewID: uuid.NewString, Log: logr.Discard(),
	})
	a.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.admit(r) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { a.answer(); a.server.Close() })
	return a
}

// admit says whether a request is to be answered, which it may wait for.
func (a *awsAccount) admit(r *http.Request) bool {
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	signer, _, _ := strings.Cut(credential, "/")
	a.mu.Lock()
	a.signers[signer]++
	a.note(signer, r.Header.Get("X-Amz-Target"))
	release := a.release
	a.mu.Unlock()
	if release == nil {
		return true
	}
	select {
	case <-release:
		return true
	case <-r.Context().Done():
		return false
	}
}

// note remembers what was called. STS has no targets.
func (a *awsAccount) note(signer, target string) {
	service, operation, ok := strings.Cut(target, ".")
	if !ok {
		return
	}
	prefix := map[string]string{"TrentService": "kms:", "ResourceGroupsTaggingAPI_20170126": "tag:"}[service]
	if a.actions[signer] == nil {
		a.actions[signer] = map[string]bool{}
	}
	a.actions[signer][prefix+operation] = true
}

// withinIAMPolicy fails the test if the operator, with that access key, called what config/aws/iam-policy.json does not allow.
func (a *awsAccount) withinIAMPolicy(t *testing.T, operator accessKey) {
	t.Helper()
	file, err := testenv.Path("config", "aws", "iam-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for action := range a.actions[operator.id] {
		if !bytes.Contains(policy, []byte(`"`+action+`"`)) {
			t.Errorf("the operator called %s, which config/aws/iam-policy.json does not allow", action)
		}
	}
	if len(a.actions[operator.id]) < 5 {
		t.Errorf("the operator called %v only", a.actions[operator.id])
	}
}

// hang leaves all requests without an answer, until answer is called.
func (a *awsAccount) hang() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release = make(chan struct{})
}

func (a *awsAccount) answer() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.release != nil {
		close(a.release)
	}
	a.release = nil
}

// requestsOf is how many requests were signed with the access key.
func (a *awsAccount) requestsOf(k accessKey) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.signers[k.id]
}

// accessKey makes an access key of the account that stands for the principal.
func (a *awsAccount) accessKey(t *testing.T, principal string) accessKey {
	t.Helper()
	k := newAccessKey("arn:aws:iam::" + a.id + ":" + principal)
	credential, err := identity.NewStaticCredential(k.id, k.secret, "arn:aws:iam::"+a.id+":"+principal, identity.ClusterStrength)
	if err != nil {
		t.Fatal(err)
	}
	a.people.mu.Lock()
	defer a.people.mu.Unlock()
	a.people.keys[k.id] = credential
	return k
}

// revoke deletes an access key of the account.
func (a *awsAccount) revoke(k accessKey) {
	a.people.mu.Lock()
	defer a.people.mu.Unlock()
	delete(a.people.keys, k.id)
}

// kms is AWS's SDK as an application in the account has it.
func (a *awsAccount) kms(k accessKey) *awskms.Client {
	return awskms.New(awskms.Options{
		BaseEndpoint: &a.server.URL, Region: awsRegion, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(k.id, k.secret, ""),
	})
}

// awsWorld is an operator with its software backend, and backends on AWS beside it.
type awsWorld struct {
	*world
	// endpoint is the operator's own, for the keys of the software backend.
	endpoint *replica
}

// newAWSWorld starts the operator with an environment in which AWS's SDK finds what is given, and nothing else.
func newAWSWorld(t *testing.T, environment map[string]string) *awsWorld {
	t.Helper()
	adopt(t, environment)
	w := emptyWorld(t, env, nil)
	address := freeAddress(t)
	config, err := env.ConfigFor(w.ctx, managerAccount)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	options := manager.Defaults()
	options.MetricsAddress, options.ProbeAddress, options.KMSAddress, options.KMSInsecureAddress = "0", "0", "0", address
	options.CheckInterval, options.SweepInterval = 500*time.Millisecond, 100*time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Run(ctx, config, options) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("the operator ended with: %v", err)
		}
	})
	return &awsWorld{world: w, endpoint: &replica{process: &process{w: w}, http: "http://" + address}}
}

// credentials makes a Secret with the access key.
func (w *awsWorld) credentials(k accessKey) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, GenerateName: "aws-"},
		StringData: map[string]string{"accessKeyID": k.id, "secretAccessKey": k.secret},
	}
	w.create(secret)
	return secret
}

// awsBackend makes a KMSBackend of the account, which is gone when the test ends.
func (w *awsWorld) awsBackend(spec v1alpha1.AWSBackend) *v1alpha1.KMSBackend {
	w.t.Helper()
	object := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{GenerateName: "aws-"}, Spec: v1alpha1.KMSBackendSpec{AWS: &spec}}
	w.create(object)
	w.t.Cleanup(func() {
		if err := w.env.Client.Delete(context.Background(), object); err != nil {
			w.t.Error(err)
		}
	})
	return object
}

// in is the spec of a backend in the account with the credentials in the Secret.
func (a *awsAccount) in(secret *corev1.Secret) v1alpha1.AWSBackend {
	return v1alpha1.AWSBackend{
		Region: awsRegion, Endpoint: a.server.URL, CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret.Name},
	}
}

// on is the world with another KMSBackend, and a namespace of its own.
func (w *awsWorld) on(backend *v1alpha1.KMSBackend) *world {
	return &world{
		t: w.t, env: w.env, ctx: w.ctx, clock: w.clock, namespace: w.env.Namespace(w.t), backend: backend, stop: func() {},
	}
}

// awaitAvailable waits until the KMSBackend is Ready.
func (w *world) awaitAvailable() *v1alpha1.KMSBackend {
	w.t.Helper()
	return w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// configure changes the KMSBackend's spec.
func (w *world) configure(change func(*v1alpha1.AWSBackend)) {
	w.t.Helper()
	fresh := &v1alpha1.KMSBackend{}
	if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(w.backend), fresh); err != nil {
		w.t.Fatal(err)
	}
	change(fresh.Spec.AWS)
	if err := w.env.Client.Update(w.ctx, fresh); err != nil {
		w.t.Fatal(err)
	}
}

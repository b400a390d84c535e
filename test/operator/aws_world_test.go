// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping/wrappingtest"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const awsRegion, awsOtherRegion = "eu-central-1", "eu-west-1"

// awsAccount is an account of what stands for AWS here: our own endpoint, by itself, with keys in two Regions. It has no Tagging
// API. Callers are known by the access keys that people has.
type awsAccount struct {
	id     string
	server *httptest.Server
	people *people
	// waiting is how many requests to KMS get no answer.
	waiting atomic.Int32

	mu      sync.Mutex
	release chan struct{} // while it is not nil, requests get no answer until it is closed
	onlyKMS bool          // those to STS do
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
	partition := kms.NewPartition()
	options := kms.Options{WrappingKeys: wrappingtest.Keys(t)}
	for _, region := range []string{awsRegion, awsOtherRegion} {
		partition.Add(kms.New(keyringtest.New(t, keyring.ID{AccountID: id, Region: region}), clock.RealClock{}, options))
	}
	a := &awsAccount{id: id, people: &people{keys: map[string]identity.Credential{}}, signers: map[string]int{}, actions: map[string]map[string]bool{}}
	handler := awstest.Endpoint(partition, a.people)
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
	isKMS := r.Header.Get("X-Amz-Target") != "" // or the Tagging API
	release, answers := a.release, a.release == nil || a.onlyKMS && !isKMS
	a.mu.Unlock()
	if answers {
		return true
	}
	if isKMS {
		a.waiting.Add(1)
		defer a.waiting.Add(-1)
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
func (a *awsAccount) hang() { a.hangs(false) }

// hangKMS is like hang, but that STS still answers.
func (a *awsAccount) hangKMS() { a.hangs(true) }

func (a *awsAccount) hangs(onlyKMS bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release, a.onlyKMS = make(chan struct{}), onlyKMS
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

// actionsOf are the actions of KMS and of the Tagging API that were called with the access key.
func (a *awsAccount) actionsOf(k accessKey) map[string]bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.actions[k.id])
}

// called says whether the action was called with the access key.
func (a *awsAccount) called(k accessKey, action string) bool { return a.actionsOf(k)[action] }

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

// kmsIn is like kms, for each Region.
func (a *awsAccount) kmsIn(k accessKey) regional {
	return func(region string) *awskms.Client {
		return awskms.New(a.kms(k).Options(), func(o *awskms.Options) { o.Region = region })
	}
}

// kmsIn is like kms, for each Region.
func (r *replica) kmsIn(provider aws.CredentialsProvider) regional {
	return func(region string) *awskms.Client {
		return awskms.New(r.kms(provider).Options(), func(o *awskms.Options) { o.Region = region })
	}
}

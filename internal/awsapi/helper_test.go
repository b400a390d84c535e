// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
	rootID  = "AKIAIOSFODNN7EXAMPLE"
	userID  = "AKIAIOSFODNN8EXAMPLE"
	secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

	goodToken = "a-token-of-orders"
)

// people are the static access keys: the account's root user and a user.
const people = `
- {accessKeyID: ` + rootID + `, secretAccessKey: ` + secret + `, principal: "arn:aws:iam::` + account + `:root"}
- {accessKeyID: ` + userID + `, secretAccessKey: ` + secret + `, principal: "arn:aws:iam::` + account + `:user/dev"}
`

// world is an endpoint over HTTP, with the keys of one account in one Region.
type world struct {
	t        testing.TB
	service  *kms.Service
	server   *httptest.Server
	recorder *recorder
	reviewer *reviewer
	sessions *identity.Sessions
	clock    *clocktesting.FakePassiveClock
	handler  *awsapi.Handler
	// source stands between the endpoint and those who know the credentials.
	source *source
}

// recorder is a Recorder that keeps what it is given, or fails.
type recorder struct {
	mu   sync.Mutex
	all  []*audit.Event
	fail error
	// hold is called before an event is taken.
	hold func()
}

// let takes events without further ado again.
func (r *recorder) let() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = nil
}

func (r *recorder) Record(_ context.Context, event *audit.Event) error {
	r.mu.Lock()
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		hold()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, event)
	return r.fail
}

func (r *recorder) last(t *testing.T) *audit.Event {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		t.Fatal("nothing was recorded")
	}
	return r.all[len(r.all)-1]
}

// reviewer knows one ServiceAccount's token.
type reviewer struct{ fail error }

func (r *reviewer) Review(_ context.Context, token string, audiences []string) (serviceaccount.Identity, error) {
	if r.fail != nil {
		return serviceaccount.Identity{}, r.fail
	}
	if token != goodToken {
		return serviceaccount.Identity{}, serviceaccount.ErrInvalid
	}
	return serviceaccount.Identity{
		ServiceAccount: identity.ServiceAccount{Namespace: "shop", Name: "orders", UID: "u1", PodName: "orders-7d9f", PodUID: "p1"},
		Subject:        "system:serviceaccount:shop:orders", Audience: audiences[0], Issuer: "https://kube.example",
	}, nil
}

// source lets a test look on, or interfere, when credentials are asked for.
type source struct {
	identity.Source
	before func()
}

func (s *source) Lookup(ctx context.Context, accessKeyID, sessionToken string) (identity.Credential, error) {
	if s.before != nil {
		s.before()
	}
	return s.Source.Lookup(ctx, accessKeyID, sessionToken)
}

func newWorld(t testing.TB, change func(*awsapi.Options)) *world {
	t.Helper()
	static, err := identity.ParseCredentials([]byte(people))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, recorder: &recorder{}, reviewer: &reviewer{}, clock: clocktesting.NewFakePassiveClock(time.Now()),
	}
	w.service = newService(t)
	partition := kms.NewPartition()
	partition.Add(w.service)
	w.sessions = identity.NewSessions(identity.NewMemoryKeys(w.clock), w.clock)
	w.source = &source{Source: identity.Chain(w.sessions, static)}
	options := awsapi.Options{
		Partition: partition, Credentials: w.source, Recorder: w.recorder, Clock: w.clock, NewID: uuid.NewString,
		Log: logr.Discard(),
		Exchange: &awsapi.Exchange{
			Reviewer: w.reviewer, Sessions: w.sessions,
			Serves:         func(id string) bool { return id == account },
			DefaultAccount: func() string { return account },
		},
	}
	if change != nil {
		change(&options)
	}
	w.handler = awsapi.NewHandler(options)
	w.server = httptest.NewServer(w.handler)
	t.Cleanup(w.server.Close)
	return w
}

func newService(t testing.TB) *kms.Service {
	t.Helper()
	return kms.New(keyringtest.New(t, keyring.ID{AccountID: account, Region: region}), clock.RealClock{}, kms.Options{})
}

// config is that of a client with a static access key.
func (w *world) config(accessKeyID, secretAccessKey string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(w.server.URL),
		Credentials:      credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
		RetryMaxAttempts: 1,
	}
}

func (w *world) kms(accessKeyID string) *awskms.Client {
	return awskms.NewFromConfig(w.config(accessKeyID, secret))
}

func (w *world) sts(accessKeyID string) *sts.Client {
	return sts.NewFromConfig(w.config(accessKeyID, secret))
}

// newKey makes a key and returns its ID.
func (w *world) newKey() string {
	w.t.Helper()
	out, err := w.kms(rootID).CreateKey(w.t.Context(), &awskms.CreateKeyInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.KeyMetadata.KeyId
}

// code is AWS's code of an SDK's error, with the message behind it.
func code(err error) (code, message string) {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode(), known.ErrorMessage()
	}
	if err == nil {
		return "", ""
	}
	return "no API error", err.Error()
}

// wantCode fails the test unless err has AWS's code.
func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got, message := code(err); got != want {
		t.Errorf("got %s: %s; want %s", got, message, want)
	}
}

// answer is an HTTP answer that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// post sends a request as it is.
func (w *world) post(path, body string, header map[string]string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) answer {
	w.t.Helper()
	got, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(body)}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package awstest is what stands for AWS in tests and benchmarks.
//
// Account answers as an AWS account does in one Region, over HTTP and with signatures verified: KMS and STS are our own
// endpoint, by itself, with keys in memory, and it can have a Resource Groups Tagging API. Counter stands before it, or before
// any other double, and tells which operations were called, and how many times within a second. Pipe connects clients to
// it without a network, for tests whose time is that of testing/synctest.
package awstest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping/wrappingtest"
)

// Every Account is the same one in the same Region, and has one access key, the root user's.
const (
	AccountID       = "111122223333"
	Region          = "eu-central-1"
	AccessKeyID     = "AKIAIOSFODNN7EXAMPLE"
	SecretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	RootARN         = "arn:aws:iam::" + AccountID + ":root"
)

// Options choose what an Account has.
type Options struct {
	// Tagging says that there is a Resource Groups Tagging API, which shows every tag at once.
	Tagging bool
}

// Account is an AWS account in one Region.
type Account struct {
	// Service is its KMS, for what tests do there past the API.
	Service *kms.Service

	options Options
	ring    *keyring.Keyring
	handler http.Handler
}

// NewAccount returns an Account without keys, which runs until the test or benchmark ends.
func NewAccount(tb testing.TB, o Options) *Account {
	tb.Helper()
	a := &Account{options: o, ring: keyringtest.New(tb, keyring.ID{AccountID: AccountID, Region: Region})}
	a.Service = kms.New(a.ring, clock.RealClock{}, kms.Options{WrappingKeys: wrappingtest.Keys(tb)})
	partition := kms.NewPartition()
	partition.Add(a.Service)
	a.handler = Endpoint(partition, RootUser(tb))
	return a
}

// Endpoint is our own endpoint by itself, with the keys of the partition, for those whom callers knows; an Account has one.
// Other Regions and other access keys than an Account's are a partition and callers of the test's own.
func Endpoint(partition *kms.Partition, callers identity.Source) http.Handler {
	return awsapi.NewHandler(awsapi.Options{
		Partition: partition, Credentials: callers, Recorder: audit.Log{Logger: logr.Discard()}, Clock: clock.RealClock{},
		NewID: uuid.NewString, Log: logr.Discard(),
	})
}

// RootUser knows the one access key of an Account.
func RootUser(tb testing.TB) identity.Source {
	tb.Helper()
	root, err := identity.ParseCredentials([]byte(
		"- {accessKeyID: " + AccessKeyID + ", secretAccessKey: " + SecretAccessKey + `, principal: "` + RootARN + `"}`))
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

// Keys is how many keys there are.
func (a *Account) Keys() int { return len(a.ring.Keys()) }

// ServeHTTP implements http.Handler.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.options.Tagging && strings.HasPrefix(r.Header.Get("X-Amz-Target"), taggingTarget) {
		a.serveTagging(w, r)
		return
	}
	a.handler.ServeHTTP(w, r)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"testing"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping/wrappingtest"
)

const (
	clusterUID = "c0ffee00-0000-4000-8000-000000000000"
	account    = awstest.AccountID
	region     = awstest.Region
	elsewhere  = "eu-north-1"
	accessKey  = awstest.AccessKeyID
	secretKey  = awstest.SecretAccessKey
	day        = 24 * time.Hour
)

// endpoint is our own AWS-compatible endpoint over HTTP, as far as it is about the keys of one Region. It has no Tagging API.
type endpoint struct {
	service *kms.Service
	ring    *keyring.Keyring
	clock   *clocktesting.FakeClock // the KMS's; signatures are of the real time
	*place
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	return newEndpoints(t, region)[0]
}

// newEndpoints are one endpoint with the keys of one account in several Regions, and one clock; the Region in a request's signature
// says which is meant.
func newEndpoints(t *testing.T, regions ...string) []*endpoint {
	t.Helper()
	partition := kms.NewPartition()
	here := newPlace(t, record(awstest.Endpoint(partition, awstest.RootUser(t))))
	now := clocktesting.NewFakeClock(time.Now())
	worlds := make([]*endpoint, len(regions))
	for i, region := range regions {
		worlds[i] = &endpoint{ring: keyringtest.New(t, keyring.ID{AccountID: account, Region: region}), clock: now, place: here}
		worlds[i].service = kms.New(worlds[i].ring, now, kms.Options{WrappingKeys: wrappingtest.Keys(t)})
		partition.Add(worlds[i].service)
	}
	return worlds
}

// settings are those of a backend on the endpoint at url that waits for nothing.
func settings(url string, clock clock.PassiveClock) Config {
	fast := map[string]float64{}
	for name := range operations {
		fast[name] = 1e6
	}
	return Config{
		Region: region, Endpoint: url, ClusterUID: clusterUID, Clock: clock, Quotas: fast,
		Credentials: &Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, Lags: Lags{Reads: -1, Tagging: -1, Grants: -1},
	}
}

// openIn opens a backend of another Region than the settings'.
func openIn(t *testing.T, region string, config Config) *Backend {
	t.Helper()
	config.Region = region
	return open(t, config)
}

func open(t *testing.T, config Config) *Backend {
	t.Helper()
	b, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func owner(name string) backend.Owner {
	return backend.Owner{Cluster: clusterUID, Namespace: "team", Name: name, UID: "uid-of-" + name}
}

func symmetric(name string) backend.CreateInput {
	return backend.CreateInput{Owner: owner(name), Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt}
}

func create(t *testing.T, b *Backend, in backend.CreateInput) *backend.Key {
	t.Helper()
	key, err := b.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func apply(t *testing.T, b *Backend, keyID string, changes ...backend.Change) *backend.Key {
	t.Helper()
	key, err := b.Apply(t.Context(), keyID, changes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func get(t *testing.T, b *Backend, ref string) *backend.Key {
	t.Helper()
	key, err := b.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sweep(t *testing.T, b *Backend) {
	t.Helper()
	if err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// outside makes a change as another user of the account does.
func (w *endpoint) outside(t *testing.T, keyID string, change ...kms.Mutation) {
	t.Helper()
	if _, err := w.service.Update(t.Context(), keyID, change...); err != nil {
		t.Fatal(err)
	}
}

// destroy makes a key vanish.
func (w *endpoint) destroy(t *testing.T, keyID string) {
	t.Helper()
	if err := w.ring.DeleteKey(t.Context(), keyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// keys is how many keys there are.
func (w *endpoint) keys() int { return len(w.ring.Keys()) }

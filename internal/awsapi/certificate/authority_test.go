// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
)

func TestClientsThatTrustTheBundleReachTheServiceByAllItsNames(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	for name, ok := range map[string]bool{
		"chatelaine-kms": true, "chatelaine-kms.chatelaine-system": true, "chatelaine-kms.chatelaine-system.svc": true,
		"chatelaine-kms.chatelaine-system.svc.cluster.local": true, "localhost": true, "127.0.0.1": true, "::1": true,
		"10.1.2.3": true, "10.1.2.4": false, "chatelaine-kms.other.svc": false,
	} {
		if _, err := handshake(t, r.TLSConfig(), r.Bundle(), name, start); (err == nil) != ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := r.accepts(t, issue(t, "another", nil, authority).certPEM()); err == nil {
		t.Error("a client that trusts another CA accepted the certificate")
	}
}

func TestTheCertificateIsForServersAloneAndForThirtyDays(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	served := r.served(t)
	key, ok := served.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key is %T", served.PublicKey)
	}
	if served.IsCA || !slices.Equal(served.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("CA %t, usage %v", served.IsCA, served.ExtKeyUsage)
	}
	if !served.NotBefore.Equal(start.Add(-5*time.Minute)) || !served.NotAfter.Equal(start.Add(30*day)) {
		t.Errorf("valid from %s to %s", served.NotBefore, served.NotAfter)
	}
	if _, err := handshake(t, r.TLSConfig(), r.Bundle(), "localhost", start.Add(-4*time.Minute)); err != nil {
		t.Errorf("a client whose clock is four minutes behind: %v", err)
	}
}

func TestTheSecretHasTheCAAndTheBundleAndNoOtherCertificate(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	secret := r.secret(t)
	if secret.Type != corev1.SecretTypeTLS || secret.Labels["kms.chatelaine.dev/ca"] != "true" || len(secret.Data) != 3 {
		t.Errorf("type %s, labels %v, %d entries", secret.Type, secret.Labels, len(secret.Data))
	}
	if !bytes.Equal(secret.Data["ca.crt"], secret.Data["tls.crt"]) || !bytes.Equal(secret.Data["ca.crt"], r.Bundle()) {
		t.Errorf("ca.crt has %d certificates", certificatesIn(secret.Data["ca.crt"]))
	}
}

func TestReplicasThatStartTogetherShareOneCA(t *testing.T) {
	namespace := env.Namespace(t)
	replicas := make([]*replica, 6)
	for i := range replicas {
		replicas[i] = newReplica(t, namespace)
	}
	var wg sync.WaitGroup
	for _, r := range replicas {
		wg.Go(func() {
			if err := r.Sync(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range replicas {
		if err := r.accepts(t, replicas[0].Bundle()); err != nil {
			t.Error(err)
		}
	}
	if replicas[0].served(t).Equal(replicas[1].served(t)) {
		t.Error("two replicas have one certificate")
	}
}

func TestTheCertificateIsRenewedAtTwoThirdsAndTheSecretIsNotWritten(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	first, secret, bundle := r.served(t), r.secret(t), r.Bundle()
	before := r.network.Requests()
	r.clock.SetTime(start.Add(20*day - time.Minute))
	r.sync(t)
	if !r.served(t).Equal(first) {
		t.Error("it was renewed early")
	}
	r.clock.SetTime(start.Add(20 * day))
	r.sync(t)
	second := r.served(t)
	if second.Equal(first) || !second.NotAfter.Equal(start.Add(50*day)) {
		t.Errorf("it is valid until %s", second.NotAfter)
	}
	if err := r.accepts(t, bundle); err != nil {
		t.Error(err)
	}
	r.unchanged(t, secret)
	if n := r.network.Requests() - before; n != 2+1 { // the one for the Secret is the test's
		t.Errorf("%d requests for 2 looks", n)
	}
}

func TestAClockThatWasAheadLeavesNoCertificateFromTheFuture(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.clock.SetTime(start.Add(day))
	r.sync(t)
	r.clock.SetTime(start)
	r.sync(t)
	if notBefore := r.served(t).NotBefore; notBefore.After(start) {
		t.Errorf("it is valid from %s", notBefore)
	}
}

func TestTheEndpointGoesOnWhileTheAPIServerIsAway(t *testing.T) {
	namespace := env.Namespace(t)
	r, late := newReplica(t, namespace), newReplica(t, namespace)
	r.sync(t)
	bundle := r.Bundle()
	r.network.Cut()
	late.network.Cut()
	for range 10 {
		r.clock.Step(10 * day)
		if err := r.Sync(t.Context()); err == nil {
			t.Error("the cut went unnoticed")
		}
		if err := r.accepts(t, bundle); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(r.log.String(), "could not be read"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &r.log)
	}
	// One that never read the CA has nothing to show, and makes up nothing.
	if err := late.Sync(t.Context()); err == nil {
		t.Error("the cut went unnoticed")
	}
	if err := late.accepts(t, bundle); err == nil || late.Bundle() != nil {
		t.Errorf("got %v, and %d certificates", err, certificatesIn(late.Bundle()))
	}
	late.network.Mend()
	late.sync(t)
	if err := late.accepts(t, bundle); err != nil {
		t.Error(err)
	}
}

func TestRunKeepsTheCertificateGoodAndEndsWithItsContext(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.network.Cut()
	done := make(chan error)
	go func() { done <- r.Run(t.Context()) }()
	awaitTimer(t, r.clock)
	r.network.Mend()
	r.clock.Step(5 * time.Second) // a failure is tried again sooner
	awaitTimer(t, r.clock)
	first := r.served(t)
	r.clock.Step(21 * day)
	awaitTimer(t, r.clock)
	if r.served(t).Equal(first) {
		t.Error("the certificate was not renewed")
	}
	t.Cleanup(func() { // runs when t.Context has ended
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestNamesThatNoCertificateCanHaveAreRefused(t *testing.T) {
	for _, name := range []string{"", "Upper.example", "a b", "*", "fe80::1%eth0", "https://x", "ünicode.example"} {
		_, err := certificate.NewAuthority(certificate.Config{Names: []string{"localhost", name}})
		if err == nil || !strings.Contains(err.Error(), "neither a DNS name") {
			t.Errorf("%q: got %v", name, err)
		}
	}
	if _, err := certificate.NewAuthority(certificate.Config{}); err == nil {
		t.Error("a certificate without names")
	}
	if _, err := certificate.NewAuthority(certificate.Config{Names: []string{"*.example.com", "fd00::1"}}); err != nil {
		t.Error(err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// replica is one process's Authority, with a clock and a way to the API server of its own.
type replica struct {
	*certificate.Authority
	config certificate.Config
	clock  *clocktesting.FakeClock
	// network is the replica's own way to the API server.
	network *testenv.Network
	log     logbook
}

func newReplica(t *testing.T, namespace string) *replica {
	t.Helper()
	r := &replica{clock: clocktesting.NewFakeClock(start)}
	client, network := env.ClientOver(t)
	r.network = network
	r.config = certificate.Config{
		Client: client, Namespace: namespace, Name: certificate.DefaultName, Clock: r.clock, Log: r.log.logger(),
		Names: certificate.ServiceNames("chatelaine-kms", "chatelaine-system", "10.1.2.3", ""),
	}
	made, err := certificate.NewAuthority(r.config)
	if err != nil {
		t.Fatal(err)
	}
	r.Authority = made
	return r
}

func (r *replica) sync(t *testing.T) {
	t.Helper()
	if err := r.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// served is the certificate that clients are shown now, which they are not asked to trust.
func (r *replica) served(t *testing.T) *x509.Certificate {
	t.Helper()
	served, err := r.TLSConfig().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return served.Leaf
}

// accepts says how a client that trusts the bundle fares with this replica, at the time of the replica's clock.
func (r *replica) accepts(t *testing.T, bundle []byte) error {
	t.Helper()
	_, err := handshake(t, r.TLSConfig(), bundle, "chatelaine-kms.chatelaine-system.svc", r.clock.Now())
	return err
}

func (r *replica) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	secret, err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Get(t.Context(), r.config.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// put makes the Secret as somebody else would.
func (r *replica) put(t *testing.T, data map[string][]byte) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: r.config.Name}, Data: data}
	made, err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Create(t.Context(), secret, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (r *replica) edit(t *testing.T, change func(*corev1.Secret)) *corev1.Secret {
	t.Helper()
	secret := r.secret(t)
	change(secret)
	edited, err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Update(t.Context(), secret, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return edited
}

func (r *replica) unchanged(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	if now := r.secret(t); now.ResourceVersion != secret.ResourceVersion {
		t.Errorf("the Secret was written, from version %s to %s", secret.ResourceVersion, now.ResourceVersion)
	}
}

func (r *replica) delete(t *testing.T) {
	t.Helper()
	err := r.config.Client.CoreV1().Secrets(r.config.Namespace).Delete(t.Context(), r.config.Name, metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

const (
	day  = 24 * time.Hour
	year = 365 * day
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// logbook keeps what was logged.
type logbook struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logbook) logger() logr.Logger {
	return funcr.New(func(_, args string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines.WriteString(args + "\n")
	}, funcr.Options{})
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// awaitTimer waits until somebody sleeps on the clock.
func awaitTimer(t *testing.T, clock *clocktesting.FakeClock) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !clock.HasWaiters(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("Run does not come to rest")
		}
	}
}

// handshake makes a TLS connection to a server with the configuration, as a client that calls the server by the name,
// trusts the bundle and has its clock at the time. It returns the server's certificate.
func handshake(t *testing.T, server *tls.Config, bundle []byte, name string, now time.Time) (*x509.Certificate, error) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	return connect(t, server, &tls.Config{RootCAs: roots, ServerName: name, Time: func() time.Time { return now }})
}

func connect(t *testing.T, server, client *tls.Config) (*x509.Certificate, error) {
	t.Helper()
	there, here := net.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Server(there, server).HandshakeContext(ctx) // the client's error tells
		_ = there.Close()
	}()
	connection := tls.Client(here, client)
	err := connection.HandshakeContext(ctx)
	cancel()
	_ = here.Close()
	<-done
	if err != nil {
		return nil, err
	}
	return connection.ConnectionState().PeerCertificates[0], nil
}

// issued is a certificate made by the tests, with its key.
type issued struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// issue makes a certificate, self-signed unless it has an issuer; change may be nil.
func issue(t *testing.T, name string, issuer *issued, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: start.Add(-day), NotAfter: start.Add(year), DNSNames: []string{name},
	}
	if change != nil {
		change(template)
	}
	made := &issued{key: key}
	if issuer == nil {
		issuer = &issued{certificate: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer.certificate, key.Public(), issuer.key)
	if err == nil {
		made.certificate, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// authority makes a template one of a CA.
func authority(template *x509.Certificate) {
	template.IsCA, template.BasicConstraintsValid, template.DNSNames = true, true, nil
	template.KeyUsage = x509.KeyUsageCertSign
}

func (i *issued) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.certificate.Raw})
}

func (i *issued) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// certificatesIn counts them.
func certificatesIn(bundle []byte) int { return bytes.Count(bundle, []byte("BEGIN CERTIFICATE")) }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
)

// certificateFor writes a certificate for the name, signed by itself, and returns who trusts it.
func certificateFor(t *testing.T, name, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, certFile, string(certificate), 0o600)
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), 0o600)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return pool
}

func TestItServesHTTPSWithACertificateOfOnesOwn(t *testing.T) {
	c := newCommand(t)
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	c.more = []string{"--tls-cert-file", certFile, "--tls-key-file", keyFile}
	c.listen = "localhost:0"

	c.refusedFor(t, "reading --tls-cert-file "+certFile+": no such file or directory")
	certificateFor(t, "localhost", certFile, filepath.Join(folder, "other.key"))
	c.refusedFor(t, "reading --tls-key-file "+keyFile+": no such file or directory")
	certificateFor(t, "localhost", filepath.Join(folder, "other.crt"), keyFile)
	c.refusedFor(t, "reading --tls-key-file "+keyFile, "private key does not match public key")

	pool := certificateFor(t, "localhost", certFile, keyFile)
	p := c.start(t)
	if !strings.HasPrefix(p.url, "https://localhost:") {
		t.Errorf("it serves at %s", p.url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	in := &awskms.CreateKeyInput{}
	if _, err := p.root().CreateKey(t.Context(), in, func(o *awskms.Options) { o.HTTPClient = client }); err != nil {
		t.Error(err)
	}
	if _, err := p.root().CreateKey(t.Context(), in); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a client that does not know the certificate: %v", err)
	}
	p.logs("serving AWS's API", "tls=true")
}

func TestPlainHTTPThatOthersCanReachIsWarnedOf(t *testing.T) {
	c := newCommand(t)
	p := c.start(t)
	p.stop()
	const warning = "plain HTTP: whoever can read the network reads plaintexts and data keys"
	if p.hasLogged(warning) {
		t.Errorf("on the loopback address, it warns:\n%s", p.log)
	}
	c.listen = "0.0.0.0:0"
	p = c.start(t)
	p.logs("level=WARN", warning, "--tls-cert-file")
	if !strings.HasPrefix(p.url, "http://127.0.0.1:") {
		t.Errorf("it says that it serves at %s", p.url)
	}
	p.newKey(nil) // there
	p.stop()

	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	certificateFor(t, "localhost", certFile, keyFile)
	c.more = []string{"--tls-cert-file", certFile, "--tls-key-file", keyFile}
	p = c.start(t)
	p.stop()
	if p.hasLogged("level=WARN") {
		t.Errorf("with TLS, it warns:\n%s", p.log)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

const (
	// CALifetime is how long a CA of the operator's is valid. It is replaced when a third of it is left.
	CALifetime = 10 * 365 * 24 * time.Hour
	// Overlap is how long clients have to learn of a new CA before it signs.
	Overlap = 7 * 24 * time.Hour
	// LeafLifetime is how long a replica's certificate is valid at most. It is renewed after two thirds of it.
	LeafLifetime = 30 * 24 * time.Hour
	// backdate allows for clients whose clocks are behind.
	backdate = 5 * time.Minute
)

// ca is a certificate that signs others, with its key.
type ca struct {
	certificate *x509.Certificate
	// chain leads from certificate to a root; usually it is empty.
	chain   []*x509.Certificate
	key     crypto.Signer
	certPEM []byte
	keyPEM  []byte
}

// newCA makes a self-signed CA. Its name is unlike that of any other, as some clients look issuers up by name.
func newCA(now time.Time) (*ca, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a CA's key: %w", err)
	}
	id := make([]byte, 4)
	_, _ = rand.Read(id) // never fails: crypto/rand ends the program instead
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Chatelaine"}, CommonName: "chatelaine-kms-ca-" + hex.EncodeToString(id)},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(CALifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true, // it issues no further CA
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a CA: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a CA's key: %w", err)
	}
	return parseCA(
		pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: keyDER}))
}

// parseCA reads a CA and its chain, and its key. Whether it has expired is asked elsewhere.
func parseCA(certPEM, keyPEM []byte) (*ca, error) {
	certificates, err := parseCertificates(certPEM)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("its private key: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("its private key cannot sign")
	}
	certificate := certificates[0]
	switch {
	case !certificate.BasicConstraintsValid || !certificate.IsCA:
		return nil, errors.New("its certificate is not one of a CA (CA:TRUE)")
	case certificate.KeyUsage != 0 && certificate.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, errors.New("its certificate may not sign others (key usage)")
	}
	return &ca{certificate: certificate, chain: certificates[1:], key: key, certPEM: certPEM, keyPEM: keyPEM}, nil
}

func (c *ca) selfSigned() bool {
	return bytes.Equal(c.certificate.RawIssuer, c.certificate.RawSubject) &&
		c.certificate.CheckSignatureFrom(c.certificate) == nil
}

func (c *ca) expired(now time.Time) bool { return now.After(c.certificate.NotAfter) }

// published is when a CA of the operator's own was made, which is when it was put into the bundle.
func (c *ca) published() time.Time { return c.certificate.NotBefore.Add(backdate) }

// aging says whether less than a third of the lifetime is left.
func (c *ca) aging(now time.Time) bool { return c.certificate.NotAfter.Sub(now) < CALifetime/3 }

// issue makes a replica's certificate, which ends no later than the CA.
func (c *ca) issue(s subject, now time.Time) (*leaf, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of a certificate: %w", err)
	}
	notAfter := now.Add(LeafLifetime)
	if notAfter.After(c.certificate.NotAfter) {
		notAfter = c.certificate.NotAfter
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Chatelaine"}, CommonName: "chatelaine-kms"},
		DNSNames:              s.dnsNames,
		IPAddresses:           s.ipAddresses,
		NotBefore:             now.Add(-backdate),
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.certificate, key.Public(), c.key)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate: %w", err)
	}
	return &leaf{
		issuer: c, renewAt: now.Add(notAfter.Sub(now) * 2 / 3),
		served: &tls.Certificate{Certificate: c.presented(der), PrivateKey: key, Leaf: certificate},
	}, nil
}

// presented is what a client is shown: the certificate and what leads to a root. Roots it has, or does not trust.
func (c *ca) presented(der []byte) [][]byte {
	shown := [][]byte{der}
	if c.selfSigned() {
		return shown
	}
	shown = append(shown, c.certificate.Raw)
	for _, link := range c.chain {
		shown = append(shown, link.Raw)
	}
	return shown
}

// leaf is a replica's certificate.
type leaf struct {
	issuer  *ca
	renewAt time.Time
	served  *tls.Certificate
}

// good says whether the certificate is one of this CA and need not be renewed. One from the future was made before a
// clock was put right.
func (l *leaf) good(c *ca, now time.Time) bool {
	return l != nil && l.issuer.certificate.Equal(c.certificate) && now.Before(l.renewAt) && !now.Before(l.served.Leaf.NotBefore)
}

// verify checks that clients which trust the bundle accept the certificate. That something is valid only from a later time
// on is a matter of clocks, and passes: another replica's may be ahead.
func (l *leaf) verify(bundle []*x509.Certificate, now time.Time) error {
	above := append([]*x509.Certificate{l.issuer.certificate}, l.issuer.chain...)
	for _, certificate := range append(above, l.served.Leaf) {
		if certificate.NotBefore.After(now) {
			now = certificate.NotBefore
		}
	}
	_, err := l.served.Leaf.Verify(x509.VerifyOptions{
		Roots:         pool(bundle),
		Intermediates: pool(above),
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	// The message of this one has the time in it, and would be a new one at every look.
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Errorf("%s expired at %s", invalid.Cert.Subject, invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return err
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	labelCA           = "kms.chatelaine.dev/ca"
	labelManagedBy    = "app.kubernetes.io/managed-by"
	annotationManaged = "kms.chatelaine.dev/managed-ca"

	entryCurrent    = corev1.TLSCertKey
	entryCurrentKey = corev1.TLSPrivateKeyKey
	entryBundle     = "ca.crt"
	entryNext       = "next.crt"
	entryNextKey    = "next.key"
)

// content is what the Secret holds.
type content struct {
	current *ca
	// next is published and does not sign yet; nil outside of a rotation.
	next   *ca
	bundle []*x509.Certificate
	// managed says that the operator made current, and so replaces it.
	managed bool
}

func newContent(now time.Time) (*content, error) {
	made, err := newCA(now)
	if err != nil {
		return nil, err
	}
	return &content{current: made, bundle: []*x509.Certificate{made.certificate}, managed: true}, nil
}

func parseContent(secret *corev1.Secret) (*content, error) {
	current, err := parseCA(secret.Data[entryCurrent], secret.Data[entryCurrentKey])
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", entryCurrent, entryCurrentKey, err)
	}
	c := &content{current: current, managed: secret.Annotations[annotationManaged] == fingerprint(current)}
	if bundle := secret.Data[entryBundle]; len(bundle) > 0 {
		if c.bundle, err = parseCertificates(bundle); err != nil {
			return nil, fmt.Errorf("%s: %w", entryBundle, err)
		}
	}
	if c.managed && len(secret.Data[entryNext]) > 0 {
		if c.next, err = parseCA(secret.Data[entryNext], secret.Data[entryNextKey]); err != nil {
			return nil, fmt.Errorf("%s and %s: %w", entryNext, entryNextKey, err)
		}
	}
	return c, nil
}

// fingerprint tells one CA from another.
func fingerprint(c *ca) string {
	sum := sha256.Sum256(c.certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// advance returns what the Secret should hold at the time: the next step of a rotation that is due, and a bundle in which
// nothing is missing. Nothing is done about a CA that is not the operator's.
func (c *content) advance(now time.Time) (*content, error) {
	if !c.managed {
		return c, nil
	}
	then := *c
	if then.next != nil && (then.current.expired(now) || !now.Before(then.next.published().Add(Overlap))) {
		then.current, then.next = then.next, nil
	}
	var err error
	switch {
	case then.current.expired(now): // nobody was there to replace it in time
		then.current, err = newCA(now)
	case then.next == nil && then.current.aging(now):
		then.next, err = newCA(now)
	}
	if err != nil {
		return nil, err
	}
	then.bundle = then.trusted(now)
	return &then, nil
}

// trusted is the bundle with the CAs that belong into it and without those that have expired.
func (c *content) trusted(now time.Time) []*x509.Certificate {
	belong := c.bundle
	if c.current.selfSigned() {
		belong = append(slices.Clip(belong), c.current.certificate)
	}
	if c.next != nil {
		belong = append(slices.Clip(belong), c.next.certificate)
	}
	var trusted []*x509.Certificate
	for _, certificate := range belong {
		if !now.After(certificate.NotAfter) && !contains(trusted, certificate) {
			trusted = append(trusted, certificate)
		}
	}
	return trusted
}

// writeTo puts a managed CA into the Secret, and says whether that changed anything. Entries of others stay.
func (c *content) writeTo(secret *corev1.Secret) (changed bool) {
	before := secret.DeepCopy()
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[entryCurrent], secret.Data[entryCurrentKey] = c.current.certPEM, c.current.keyPEM
	secret.Data[entryBundle] = encodeCertificates(c.bundle)
	if c.next != nil {
		secret.Data[entryNext], secret.Data[entryNextKey] = c.next.certPEM, c.next.keyPEM
	} else {
		delete(secret.Data, entryNext)
		delete(secret.Data, entryNextKey)
	}
	metav1.SetMetaDataAnnotation(&secret.ObjectMeta, annotationManaged, fingerprint(c.current))
	return !equality.Semantic.DeepEqual(before, secret)
}

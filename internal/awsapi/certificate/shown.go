// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"sync"
	"sync/atomic"
)

// shown is what clients see: the certificate, and the bundle that they should trust. It is safe for concurrent use.
type shown struct {
	certificate atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	bundle   []byte
	watchers map[*func()]struct{}
}

// TLSConfig is what to serve with: TLS 1.2 or later, and for each connection the certificate of that moment. A connection
// fails as long as there is none.
func (s *shown) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if certificate := s.certificate.Load(); certificate != nil {
				return certificate, nil
			}
			return nil, errors.New("there is no certificate to serve with yet")
		},
	}
}

// Bundle is the CA certificates that clients should trust, in PEM. It is empty as long as they are not known.
func (s *shown) Bundle() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.bundle)
}

// Watch calls changed after every change of Bundle, until stop is called. changed must not block.
func (s *shown) Watch(changed func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers == nil {
		s.watchers = map[*func()]struct{}{}
	}
	s.watchers[&changed] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, &changed)
	}
}

func (s *shown) show(certificate *tls.Certificate, bundle []byte) {
	s.certificate.Store(certificate)
	for _, changed := range s.setBundle(bundle) {
		changed()
	}
}

// setBundle returns who has to be told.
func (s *shown) setBundle(bundle []byte) []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Equal(s.bundle, bundle) {
		return nil
	}
	s.bundle = bundle
	tell := make([]func(), 0, len(s.watchers))
	for changed := range s.watchers {
		tell = append(tell, *changed)
	}
	return tell
}

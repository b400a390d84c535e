// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wrappingtest has a wrapping key at hand for tests. To make one of RSA_4096 takes a CPU for seconds, one after the other in
// a process, and whoever imports key material waits for its own no longer than it waits for any answer.
package wrappingtest

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"errors"

	"github.com/chatelaine-dev/chatelaine/internal/kms/wrapping"
)

// rsa4096 is a private key, as PKCS #8, DER. It is used by tests only.
//
//go:embed rsa4096.der
var rsa4096 []byte

// Key is what wrapping.GenerateWrappingKey returns, for kms.Options: of RSA_4096 the same one each time, of others a new one.
func Key(spec wrapping.KeySpec) (private, public []byte, err error) {
	if spec != wrapping.RSA4096 {
		return wrapping.GenerateWrappingKey(spec)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(rsa4096)
	if err != nil {
		return nil, nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("rsa4096.der is no RSA key")
	}
	public, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	return bytes.Clone(rsa4096), public, err // who takes it clears it
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"errors"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// GenerateMac returns the HMAC of a message of up to 4096 bytes.
func (k *Key) GenerateMac(algorithm keyspec.Algorithm, message []byte) ([]byte, error) {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return nil, err
	}
	var mac []byte
	err := k.use(func(m material.Material) error {
		var err error
		mac, err = m.GenerateMac(algorithm, message)
		return macError(err)
	})
	return mac, k.failed(err)
}

// VerifyMac checks a MAC that GenerateMac of this key made; any other, a shortened one too, is a KMSInvalidMacException.
func (k *Key) VerifyMac(algorithm keyspec.Algorithm, message, mac []byte) error {
	if err := k.checkAlgorithm(algorithm); err != nil {
		return err
	}
	return k.failed(k.use(func(m material.Material) error {
		return macError(m.VerifyMac(algorithm, message, mac))
	}))
}

// macError gives the errors of MACs AWS's codes and texts.
func macError(err error) error {
	if length, ok := errors.AsType[*material.LengthError](err); ok {
		return Errorf(ValidationException,
			"1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to %d",
			length.Max)
	}
	if errors.Is(err, material.ErrInvalidMac) {
		return &Error{Code: KMSInvalidMacException}
	}
	return err
}

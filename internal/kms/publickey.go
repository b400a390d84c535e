// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// GetPublicKey returns the public key of an asymmetric key as DER SubjectPublicKeyInfo. ref is as in DescribeKey.
func (s *Service) GetPublicKey(ctx context.Context, ref string) ([]byte, error) {
	keyID, err := s.resolve(ref)
	if err != nil {
		return nil, err
	}
	record, err := s.record(ctx, keyID)
	if err != nil {
		return nil, err
	}
	if !record.Spec.HasPublicKey() {
		return nil, fail(UnsupportedOperationException, "%s key spec is %s which is not valid for this operation.",
			s.KeyARN(keyID), record.Spec)
	}
	if err := lifecycle.Allowed(record.State, lifecycle.GetPublicKey); err != nil {
		return nil, stateError(s.KeyARN(keyID), err)
	}
	var der []byte
	err = record.Current().Bytes.Use(func(secret []byte) error {
		m, err := material.Parse(record.Spec, secret)
		if err != nil {
			return &Error{Code: KMSInternalException, Message: err.Error(), Err: err}
		}
		defer m.Destroy()
		if der, err = m.PublicKey(); err != nil {
			return &Error{Code: KMSInternalException, Message: err.Error(), Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, s.translate(err, keyID)
	}
	return der, nil
}

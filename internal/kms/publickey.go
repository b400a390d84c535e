// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"bytes"
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
	key := &Key{service: s, record: record, live: s.liveOf(record)}
	if err := key.checkPair(); err != nil {
		return nil, err
	}
	if err := key.Check(lifecycle.GetPublicKey); err != nil {
		return nil, err
	}
	return key.PublicKey()
}

// PublicKey returns the public key of an asymmetric key as DER SubjectPublicKeyInfo. Other keys have none, which is an
// UnsupportedOperationException.
func (k *Key) PublicKey() ([]byte, error) {
	if err := k.checkPair(); err != nil {
		return nil, err
	}
	var der []byte
	err := k.use(func(m material.Material) error {
		known, err := k.live.publicKey(m)
		der = bytes.Clone(known)
		return err
	})
	return der, k.failed(err)
}

func (k *Key) checkPair() error {
	if k.record.Spec.HasPublicKey() {
		return nil
	}
	return Errorf(UnsupportedOperationException, "%s key spec is %s which is not valid for this operation.",
		k.ARN(), k.record.Spec)
}

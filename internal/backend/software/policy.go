// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Policy implements backend.Backend.
func (b *Backend) Policy(_ context.Context, keyID string) (string, error) {
	key, err := b.service.Key(keyID)
	if err != nil {
		return "", b.classify(err, keyID)
	}
	return key.PolicyText(), nil
}

// initialPolicy is the policy of a new key as its record holds it.
func (b *Backend) initialPolicy(document string) (string, error) {
	if document == "" {
		return "", nil
	}
	return b.storedPolicy(document)
}

// storedPolicy is the document as a record holds it, if the operator may give it to a key: as on AWS, it must be a key policy
// that the KMS takes, and leave the operator able to replace it. The policy of most keys is the one that allows the operator
// alone; their records leave it out.
func (b *Backend) storedPolicy(document string) (string, error) {
	if document == b.operatorPolicy().String() {
		return "", nil
	}
	operator, err := policy.NewPrincipal(b.callerARN())
	if err == nil {
		document, err = b.service.CheckPolicy(operator, document, false)
	}
	return document, b.classify(err, "")
}

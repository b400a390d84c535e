// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"context"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/failpoint"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// Grants implements backend.Granter.
func (b *Backend) Grants(_ context.Context, keyID string) ([]backend.Grant, error) {
	key, err := b.service.Key(keyID)
	if err != nil {
		return nil, b.classify(err, keyID)
	}
	var grants []backend.Grant
	for i := range key.Record().Grants {
		if grant := &key.Record().Grants[i]; strings.HasPrefix(grant.Name, backend.GrantPrefix) {
			grants = append(grants, grantView(grant))
		}
	}
	return grants, nil
}

func grantView(grant *kms.Grant) backend.Grant {
	return backend.Grant{
		ID: grant.ID, Name: grant.Name, Grantee: grant.Grantee, Retiring: grant.Retiring, Operations: grant.Operations,
		EncryptionContextEquals: grant.EncryptionContextEquals, EncryptionContextSubset: grant.EncryptionContextSubset,
		Foreign: grant.GranteeService != "" || grant.RetiringService != "" || grant.SourceArn != "",
	}
}

// putGrant is a write for the new grant and one for each that it replaces. That the key has the grant already is looked for in
// the write itself, so that two processes do not make it twice.
func (b *Backend) putGrant(ctx context.Context, keyID string, c backend.PutGrant) error {
	if !strings.HasPrefix(c.Grant.Name, backend.GrantPrefix) {
		return &backend.Error{Class: backend.InvalidInput, Message: "grant " + c.Grant.Name + " is not one for a Key"}
	}
	key, err := b.service.Key(keyID)
	if err != nil {
		return b.classify(err, keyID)
	}
	grant := kms.Grant{
		Name: c.Grant.Name, Grantee: c.Grant.Grantee, Retiring: c.Grant.Retiring, Operations: c.Grant.Operations,
		IssuingAccount: "arn:aws:iam::" + b.config.AccountID + ":root",
	}
	if len(c.Grant.EncryptionContextEquals) > 0 {
		grant.EncryptionContextEquals = c.Grant.EncryptionContextEquals
	}
	if len(c.Grant.EncryptionContextSubset) > 0 {
		grant.EncryptionContextSubset = c.Grant.EncryptionContextSubset
	}
	err = key.CheckGrant(&grant)
	if err == nil {
		_, _, err = key.CreateGrant(ctx, grant)
	}
	if err != nil {
		return b.classify(err, keyID)
	}
	failpoint.Hit("grant-created")
	for _, id := range c.Replaces {
		if err := b.revokeGrant(ctx, keyID, id); err != nil {
			return err
		}
	}
	return nil
}

// revokeGrant removes a grant. One that is gone, also with its key, is what is wanted: whether there is a key, Apply says.
func (b *Backend) revokeGrant(ctx context.Context, keyID, grantID string) error {
	key, err := b.service.Key(keyID)
	if err == nil {
		err = key.DeleteGrant(ctx, grantID)
	}
	if kms.HasCode(err, kms.NotFoundException) {
		return nil
	}
	return b.classify(err, keyID)
}

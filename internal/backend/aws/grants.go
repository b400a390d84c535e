// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// grantsPage is AWS's largest page of ListGrants.
const grantsPage = 100

// grants are those of a key that were made for Keys, and how many pages the list of all of its grants has.
type grants struct {
	list  []backend.Grant
	pages int
}

// Grants implements backend.Granter. Those of a key that this process made are known, and those of another key of this cluster
// are read once.
func (b *Backend) Grants(ctx context.Context, keyID string) ([]backend.Grant, error) {
	if known, ok := b.knownGrants(keyID); ok {
		return known, nil
	}
	if err := b.readGrants(ctx, keyID); err != nil {
		return nil, err
	}
	var list []backend.Grant
	b.view.peek(keyID, func(e *entry) { list = slices.Clone(e.grants.value.list) })
	return list, nil
}

func (b *Backend) knownGrants(keyID string) (list []backend.Grant, known bool) {
	b.view.peek(keyID, func(e *entry) {
		list, known = slices.Clone(e.grants.value.list), e.grants.known && b.view.ours(e)
	})
	return list, known
}

// readGrants reads a key's grants. Those of others are passed over: a key may have 50,000 of them.
func (b *Backend) readGrants(ctx context.Context, keyID string) error {
	begun := b.clock.Now()
	var read grants
	in := &kms.ListGrantsInput{KeyId: &keyID, Limit: awssdk.Int32(grantsPage)}
	for {
		page, err := call(ctx, b, "ListGrants", b.clients.kms.ListGrants, in)
		if err != nil {
			return b.unlessNew(err, keyID)
		}
		read.pages++
		for i := range page.Grants {
			if entry := &page.Grants[i]; strings.HasPrefix(awssdk.ToString(entry.Name), backend.GrantPrefix) {
				read.list = append(read.list, grantOf(entry))
			}
		}
		if !page.Truncated {
			break
		}
		in.Marker = page.NextMarker
	}
	b.view.edit(keyID, begun, func(e *entry) { e.grants.read(read, begun, b.lags.Grants) })
	return nil
}

func grantOf(entry *types.GrantListEntry) backend.Grant {
	grant := backend.Grant{
		ID: awssdk.ToString(entry.GrantId), Name: awssdk.ToString(entry.Name),
		Grantee: awssdk.ToString(entry.GranteePrincipal), Retiring: awssdk.ToString(entry.RetiringPrincipal),
		Foreign: entry.GranteeServicePrincipal != nil || entry.RetiringServicePrincipal != nil,
	}
	for _, operation := range entry.Operations {
		grant.Operations = append(grant.Operations, string(operation))
	}
	if constraints := entry.Constraints; constraints != nil {
		grant.EncryptionContextEquals = constraints.EncryptionContextEquals
		grant.EncryptionContextSubset = constraints.EncryptionContextSubset
		grant.Foreign = grant.Foreign || constraints.SourceArn != nil
	}
	return grant
}

// putGrant makes a grant. AWS answers a request of the same name and contents with the grant that is there, so that one whose
// answer was lost is simply made again.
func (b *Backend) putGrant(ctx context.Context, keyID string, c backend.PutGrant) error {
	if !strings.HasPrefix(c.Grant.Name, backend.GrantPrefix) {
		return invalid("grant " + c.Grant.Name + " is not one for a Key")
	}
	if len(c.Grant.Operations) == 0 { // AWS's SDK does not ask AWS then
		return invalid("a grant must allow at least one operation")
	}
	if known, _ := b.knownGrants(keyID); !slices.ContainsFunc(known, c.Grant.SameAs) {
		if err := b.createGrant(ctx, keyID, c.Grant); err != nil {
			return err
		}
	}
	for _, id := range c.Replaces {
		if err := b.revokeGrant(ctx, keyID, id); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) createGrant(ctx context.Context, keyID string, grant backend.Grant) error {
	in := &kms.CreateGrantInput{KeyId: &keyID, Name: &grant.Name, GranteePrincipal: &grant.Grantee, Constraints: constraintsOf(grant)}
	for _, operation := range slices.Sorted(slices.Values(grant.Operations)) {
		in.Operations = append(in.Operations, types.GrantOperation(operation))
	}
	if grant.Retiring != "" {
		in.RetiringPrincipal = &grant.Retiring
	}
	out, err := call(ctx, b, "CreateGrant", b.clients.kms.CreateGrant, in)
	if err != nil {
		return err
	}
	grant.ID = awssdk.ToString(out.GrantId)
	b.changedGrants(keyID, grant.ID, func(others []backend.Grant) []backend.Grant { return append(others, grant) })
	return nil
}

func constraintsOf(grant backend.Grant) *types.GrantConstraints {
	if len(grant.EncryptionContextEquals)+len(grant.EncryptionContextSubset) == 0 {
		return nil
	}
	return &types.GrantConstraints{
		EncryptionContextEquals: grant.EncryptionContextEquals, EncryptionContextSubset: grant.EncryptionContextSubset,
	}
}

// revokeGrant ends a grant. That AWS does not find it says that it is gone: whether the key is, other calls find.
func (b *Backend) revokeGrant(ctx context.Context, keyID, grantID string) error {
	in := &kms.RevokeGrantInput{KeyId: &keyID, GrantId: &grantID}
	_, err := call(ctx, b, "RevokeGrant", b.clients.kms.RevokeGrant, in)
	if err != nil && !backend.IsNotFound(err) {
		return err
	}
	b.changedGrants(keyID, grantID, func(others []backend.Grant) []backend.Grant { return others })
	return nil
}

// changedGrants takes a change of one grant; change is given the others.
func (b *Backend) changedGrants(keyID, grantID string, change func(others []backend.Grant) []backend.Grant) {
	b.changed(keyID, func(e *entry, now time.Time) {
		e.grants.change(now, func(all *grants) {
			others := slices.DeleteFunc(slices.Clone(all.list), func(grant backend.Grant) bool { return grant.ID == grantID })
			all.list = change(others)
		})
	})
}

// grantPages is how many calls a look at the key's grants takes: none, for a key that has none as far as is known.
func (e *entry) grantPages() int {
	if !e.grants.known || len(e.grants.value.list) == 0 {
		return 0
	}
	return max(1, e.grants.value.pages)
}

// rereadGrants reads the grants of a key anew if it is known to have some.
func (b *Backend) rereadGrants(ctx context.Context, keyID string) error {
	pages := 0
	b.view.peek(keyID, func(e *entry) { pages = e.grantPages() })
	if pages == 0 {
		return nil
	}
	return b.readGrants(ctx, keyID)
}

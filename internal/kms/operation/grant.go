// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"slices"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

var grantOperations = []*Operation{
	free(Operation{
		Name: "CreateGrant", Key: KeyOnly, CrossAccount: true, Grantable: true, State: lifecycle.CreateGrant,
	}, createGrant),
	onKey(Operation{Name: "ListGrants", Key: KeyOnly, CrossAccount: true, ReadOnly: true}, listGrants),
	free(Operation{Name: "ListRetirableGrants", ReadOnly: true}, listRetirableGrants),
	free(Operation{Name: "RetireGrant", Key: KeyOnly, CrossAccount: true}, retireGrant),
	free(Operation{Name: "RevokeGrant", Key: KeyOnly, CrossAccount: true}, revokeGrant),
}

// AWS's page sizes of ListGrants and ListRetirableGrants.
const (
	defaultGrantPage = 50
	maxGrantPage     = 100
)

func createGrant(ctx context.Context, r *Request, in *CreateGrantInput) (*CreateGrantOutput, error) {
	key, err := r.find(ctx, in.KeyID, KeyOnly)
	if err != nil {
		return nil, err
	}
	grant := in.grant()
	grant.IssuingAccount = "arn:aws:iam::" + r.Caller.AccountID() + ":root"
	proposed := allowance(&grant)
	r.proposed = &proposed
	// Conditions on an encryption context see the constraint's.
	constraint := grant.EncryptionContextEquals
	if constraint == nil {
		constraint = grant.EncryptionContextSubset
	}
	if err := r.authorizeIn(key, r.Operation.Permissions[0], constraint); err != nil {
		return nil, err
	}
	if err := r.suits(key); err != nil {
		return nil, err
	}
	if err := key.CheckGrant(&grant); err != nil {
		return nil, err
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	grantID, token, err := key.CreateGrant(ctx, grant)
	if err != nil {
		return nil, err
	}
	r.response = map[string]any{"grantId": grantID, "keyId": key.ARN()}
	return &CreateGrantOutput{GrantID: grantID, GrantToken: token}, nil
}

// grant is the one that the request asks for. An empty constraint on the encryption context counts as none, and an operation
// that is named twice counts once.
func (in *CreateGrantInput) grant() kms.Grant {
	grant := kms.Grant{
		Name: in.Name, Grantee: in.GranteePrincipal, GranteeService: in.GranteeServicePrincipal,
		Retiring: in.RetiringPrincipal, RetiringService: in.RetiringServicePrincipal,
	}
	for _, operation := range in.Operations {
		if !slices.Contains(grant.Operations, operation) {
			grant.Operations = append(grant.Operations, operation)
		}
	}
	constraints := in.Constraints
	if constraints == nil {
		return grant
	}
	grant.SourceArn = constraints.SourceARN
	if len(constraints.EncryptionContextEquals) > 0 {
		grant.EncryptionContextEquals = constraints.EncryptionContextEquals
	}
	if len(constraints.EncryptionContextSubset) > 0 {
		grant.EncryptionContextSubset = constraints.EncryptionContextSubset
	}
	return grant
}

func (in *CreateGrantInput) addFacts(f *facts) {
	if constraints := in.Constraints; constraints != nil {
		if len(constraints.EncryptionContextEquals) > 0 {
			f.add("kms:GrantConstraintType", "EncryptionContextEquals")
		}
		if len(constraints.EncryptionContextSubset) > 0 {
			f.add("kms:GrantConstraintType", "EncryptionContextSubset")
		}
	}
	addGrantFacts(f)
}

func (*ListGrantsInput) addFacts(f *facts) { addGrantFacts(f) }

func (*RevokeGrantInput) addFacts(f *facts) { addGrantFacts(f) }

// addGrantFacts: no AWS service calls here on anybody's behalf.
func addGrantFacts(f *facts) { f.add("kms:GrantIsForAWSResource", "false") }

// errServicesOnly refuses, as AWS does, what only an AWS service may ask for, of which none calls here.
func errServicesOnly(member string) error {
	return kms.Errorf(kms.ValidationException, "%s can be used by AWS services only.", member)
}

func (in *ListGrantsInput) check() error {
	if in.GranteeServicePrincipal != "" {
		return errServicesOnly("GranteeServicePrincipal")
	}
	if in.GrantID != "" {
		return kms.CheckGrantID(in.GrantID)
	}
	return nil
}

func listGrants(_ context.Context, _ *Request, key *kms.Key, in *ListGrantsInput) (*ListGrantsOutput, error) {
	var wanted []kms.KeyGrant
	for _, grant := range key.Record().Grants {
		if (in.GrantID == "" || in.GrantID == grant.ID) && (in.GranteePrincipal == "" || in.GranteePrincipal == grant.Grantee) {
			wanted = append(wanted, kms.KeyGrant{KeyARN: key.ARN(), Grant: grant})
		}
	}
	return listed(wanted, in.Limit, in.Marker)
}

// listed is a page of the grants, the oldest first.
func listed(grants []kms.KeyGrant, limit *int32, marker string) (*ListGrantsOutput, error) {
	grants, next, err := page(grants, limit, marker, defaultGrantPage, maxGrantPage, func(grant kms.KeyGrant) string {
		const sortable = "2006-01-02T15:04:05.000000000"
		return grant.CreationTime.UTC().Format(sortable) + grant.ID
	})
	if err != nil {
		return nil, err
	}
	entries := make([]GrantListEntry, len(grants))
	for i := range grants {
		entries[i] = grantEntry(&grants[i])
	}
	return &ListGrantsOutput{Grants: entries, NextMarker: next, Truncated: next != ""}, nil
}

func grantEntry(grant *kms.KeyGrant) GrantListEntry {
	entry := GrantListEntry{
		KeyID: grant.KeyARN, GrantID: grant.ID, Name: grant.Name, CreationDate: Time{grant.CreationTime.Truncate(time.Second)},
		GranteePrincipal: grant.Grantee, GranteeServicePrincipal: grant.GranteeService,
		RetiringPrincipal: grant.Retiring, RetiringServicePrincipal: grant.RetiringService,
		IssuingAccount: grant.IssuingAccount, Operations: grant.Operations,
	}
	if grant.EncryptionContextEquals != nil || grant.EncryptionContextSubset != nil || grant.SourceArn != "" {
		entry.Constraints = &GrantConstraints{
			EncryptionContextEquals: grant.EncryptionContextEquals, EncryptionContextSubset: grant.EncryptionContextSubset,
			SourceARN: grant.SourceArn,
		}
	}
	return entry
}

func (in *RevokeGrantInput) check() error { return kms.CheckGrantID(in.GrantID) }

func revokeGrant(ctx context.Context, r *Request, in *RevokeGrantInput) (*Nothing, error) {
	key, err := r.find(ctx, in.KeyID, KeyOnly)
	if err != nil {
		return nil, err
	}
	if err := r.authorize(key, r.Operation.Permissions...); err != nil {
		return nil, err
	}
	if err := key.CatchUp(ctx, in.GrantID); err != nil {
		return nil, err
	}
	if key.Grant(in.GrantID) == nil {
		return nil, kms.GrantNotFound(in.GrantID)
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	return &Nothing{}, key.DeleteGrant(ctx, in.GrantID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

func (in *ListRetirableGrantsInput) check() error {
	switch {
	case in.RetiringServicePrincipal != "":
		return errServicesOnly("RetiringServicePrincipal")
	case in.RetiringPrincipal == "":
		return kms.Errorf(kms.ValidationException, "You must specify either RetiringPrincipal or RetiringServicePrincipal.")
	}
	if _, err := policy.NewPrincipal(in.RetiringPrincipal); err != nil {
		return kms.Errorf(kms.InvalidArnException, "ARN does not refer to a valid principal: %s", in.RetiringPrincipal)
	}
	return nil
}

// listRetirableGrants answers with the grants of the Region, also on the keys of other accounts, that a principal may retire.
// The principal itself may ask, and the root user of its account.
func listRetirableGrants(
	_ context.Context, r *Request, in *ListRetirableGrantsInput,
) (*ListRetirableGrantsOutput, error) {
	retiring, _ := policy.NewPrincipal(in.RetiringPrincipal) // check has looked
	switch {
	case r.isPrincipal(in.RetiringPrincipal):
		r.reason = "allowed to the retiring principal itself"
	case r.isRoot(retiring.AccountID()):
		r.reason = rootMay
	default:
		r.reason = "only the retiring principal and the root user of its account may"
		permission := r.Operation.Permissions[0]
		return nil, r.denied(permission, in.RetiringPrincipal, byNoIdentity+permission+" action")
	}
	var grants []kms.KeyGrant
	for service := range r.neighbours {
		found, err := service.RetirableGrants(in.RetiringPrincipal)
		if err != nil {
			return nil, err
		}
		grants = append(grants, found...)
	}
	out, err := listed(grants, in.Limit, in.Marker)
	return (*ListRetirableGrantsOutput)(out), err
}

// neighbours are the services of all accounts in the Region of the request.
func (r *Request) neighbours(yield func(*kms.Service) bool) {
	partition := r.executor.Partition
	for _, accountID := range partition.Accounts() {
		if service := partition.Service(accountID, r.Region); service != nil && !yield(service) {
			return
		}
	}
}

func (in *RetireGrantInput) check() error {
	switch byID := in.KeyID != "" && in.GrantID != ""; {
	case in.GrantToken == "" && !byID, in.GrantToken != "" && (in.KeyID != "" || in.GrantID != ""):
		return kms.Errorf(kms.ValidationException, "You must specify either a GrantToken, or a KeyId and a GrantId.")
	case byID:
		return kms.CheckGrantID(in.GrantID)
	default:
		return nil
	}
}

// retireGrant asks the grant who may: its retiring principal, its grantee if it includes RetireGrant, and the root user of
// the account that created it. A key policy has no say in it.
func retireGrant(ctx context.Context, r *Request, in *RetireGrantInput) (*Nothing, error) {
	key, grantID, err := r.toRetire(ctx, in)
	if err != nil {
		return nil, err
	}
	r.note("grantId", grantID)
	grant := key.Grant(grantID)
	foreign := r.isForeign(key)
	if !foreign || in.GrantToken != "" || grant != nil && r.mayRetire(grant) {
		r.about(key)
	}
	if grant == nil && foreign && in.GrantToken == "" {
		return nil, r.notHere(in.KeyID) // who has no token need not know of the key
	}
	if grant == nil {
		return nil, kms.GrantNotFound(grantID)
	}
	if !r.mayRetire(grant) {
		if foreign {
			return nil, r.denied(r.Operation.Permissions[0], key.ARN(), byUnknown)
		}
		return nil, r.denied(r.Operation.Permissions[0], key.ARN(), byNoIdentity+r.Operation.Permissions[0]+" action")
	}
	if err := r.dryRun(); err != nil {
		return nil, err
	}
	return &Nothing{}, key.DeleteGrant(ctx, grantID)
}

// toRetire is the grant that the request names, which may be gone, and its key.
func (r *Request) toRetire(ctx context.Context, in *RetireGrantInput) (key *kms.Key, grantID string, err error) {
	if in.GrantToken == "" {
		key, err := r.find(ctx, in.KeyID, KeyOnly)
		return key, in.GrantID, err
	}
	for service := range r.neighbours {
		keyID, grantID, err := service.ParseGrantToken(in.GrantToken)
		if err != nil {
			continue // another account's
		}
		key, err := service.Key(keyID)
		if err != nil {
			return nil, "", err
		}
		return key, grantID, key.CatchUp(ctx, grantID)
	}
	return nil, "", kms.Errorf(kms.InvalidGrantTokenException, "The grant token is not valid.")
}

func (r *Request) mayRetire(grant *kms.Grant) bool {
	switch {
	case r.isPrincipal(grant.Retiring):
		r.reason = "allowed to the retiring principal of grant " + grant.ID
	case r.isPrincipal(grant.Grantee) && slices.Contains(grant.Operations, "RetireGrant"):
		r.reason = "allowed to the grantee by grant " + grant.ID
	case r.isPrincipal(grant.IssuingAccount):
		r.reason = "allowed to the root user of the account that created grant " + grant.ID
	default:
		r.reason = "the caller is neither the retiring principal of grant " + grant.ID + ", nor a grantee who may retire it, " +
			"nor the root user of the account that created it"
		return false
	}
	return true
}

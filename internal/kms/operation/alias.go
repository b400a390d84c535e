// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// On AWS a caller needs the permission on the key, by its key policy, and on the alias, by an identity policy. There are
// none of the latter here, so the permission on the key is what counts; for UpdateAlias that on both keys. ListAliases has
// on AWS an identity policy's permission only: here it is the root user's, but that of a key's aliases is also whom the
// key policy allows kms:ListAliases, since they may use the key by these names.
//
// All namespaces share an account's aliases, and who encrypts by an alias trusts it to lead to the right key. So a pod may
// not take a name before its owner does: the session of a ServiceAccount has the aliases below alias/NAMESPACE/ of its own
// namespace alone, whatever its permissions on keys. Other callers are people with access keys, whom an administrator set up.
var aliasOperations = []*Operation{
	free(Operation{Name: "CreateAlias", OnAlias: true, State: lifecycle.CreateAlias}, createAlias),
	free(Operation{Name: "UpdateAlias", OnAlias: true, State: lifecycle.UpdateAlias}, updateAlias),
	free(Operation{Name: "DeleteAlias", State: lifecycle.DeleteAlias}, deleteAlias),
	free(Operation{Name: "ListAliases", ReadOnly: true}, listAliases),
}

// AWS's page sizes of ListAliases.
const (
	defaultAliasPage = 50
	maxAliasPage     = 100
)

func createAlias(ctx context.Context, r *Request, in *CreateAliasInput) (*Nothing, error) {
	if err := kms.CheckAliasName(in.AliasName); err != nil {
		return nil, err
	}
	if err := r.authorizeAlias(in.AliasName); err != nil {
		return nil, err
	}
	key, err := r.aliasTarget(ctx, in.AliasName, in.TargetKeyID)
	if err != nil {
		return nil, err
	}
	if err := r.authorize(key, r.Operation.Permissions...); err != nil {
		return nil, err
	}
	if err := r.suits(key); err != nil {
		return nil, err
	}
	return &Nothing{}, key.Service().CreateAlias(ctx, in.AliasName, key.ID())
}

func updateAlias(ctx context.Context, r *Request, in *UpdateAliasInput) (*Nothing, error) {
	if err := r.authorizeAlias(in.AliasName); err != nil {
		return nil, err
	}
	alias, err := r.alias(in.AliasName)
	if err != nil {
		return nil, err
	}
	target, err := r.aliasTarget(ctx, in.AliasName, in.TargetKeyID)
	if err != nil {
		return nil, err
	}
	current, err := r.find(ctx, alias.KeyID, KeyOnly)
	if err != nil {
		return nil, err
	}
	for _, key := range []*kms.Key{current, target} {
		if err := r.authorize(key, r.Operation.Permissions...); err != nil {
			return nil, err
		}
	}
	if err := r.suits(target); err != nil {
		return nil, err
	}
	return &Nothing{}, target.Service().UpdateAlias(ctx, in.AliasName, current, target)
}

func deleteAlias(ctx context.Context, r *Request, in *DeleteAliasInput) (*Nothing, error) {
	if err := r.authorizeAlias(in.AliasName); err != nil {
		return nil, err
	}
	alias, err := r.alias(in.AliasName)
	if err != nil {
		return nil, err
	}
	key, err := r.find(ctx, alias.KeyID, KeyOnly)
	if err != nil {
		return nil, err
	}
	r.aboutAlias(key.Service(), alias.Name)
	if err := r.authorize(key, r.Operation.Permissions...); err != nil {
		return nil, err
	}
	if err := r.suits(key); err != nil {
		return nil, err
	}
	return &Nothing{}, key.Service().DeleteAlias(ctx, alias.Name, key.ID())
}

// authorizeAlias refuses a ServiceAccount an alias that is not its namespace's.
func (r *Request) authorizeAlias(name string) error {
	session := r.Caller.Session
	if session == nil || session.ServiceAccount.Namespace == "" {
		return nil
	}
	own := "alias/" + session.ServiceAccount.Namespace + "/"
	if strings.HasPrefix(name, own) {
		return nil
	}
	service, err := r.local()
	if err != nil {
		return err
	}
	r.aboutAlias(service, name)
	r.reason = "a ServiceAccount of this namespace has the aliases below " + own + " alone"
	permission := r.Operation.Permissions[0]
	return r.denied(permission, service.AliasARN(name), byNoIdentity+permission+" action")
}

// aboutAlias notes that the request is about an alias, which CloudTrail lists among the keys.
func (r *Request) aboutAlias(service *kms.Service, name string) {
	r.aliases = append(r.aliases, audit.Resource{
		AccountID: service.ID().AccountID, Type: keyType, ARN: service.AliasARN(name),
	})
}

// alias is the alias of that name in the caller's account.
func (r *Request) alias(name string) (*keyring.AliasRecord, error) {
	service, err := r.local()
	if err != nil {
		return nil, err
	}
	return service.Alias(name)
}

// aliasTarget is the key that an alias is to name.
func (r *Request) aliasTarget(ctx context.Context, name, ref string) (*kms.Key, error) {
	if strings.Contains(ref, "alias/") {
		return nil, kms.Errorf(kms.ValidationException, "Aliases must refer to keys. Not aliases")
	}
	key, err := r.find(ctx, ref, KeyOnly)
	if err != nil {
		return nil, err
	}
	r.aboutAlias(key.Service(), name)
	return key, nil
}

func listAliases(ctx context.Context, r *Request, in *ListAliasesInput) (*ListAliasesOutput, error) {
	service, keyID, err := r.aliasesToList(ctx, in.KeyID)
	if err != nil {
		return nil, err
	}
	aliases, err := service.Aliases(keyID)
	if err != nil {
		return nil, err
	}
	aliases, next, err := page(aliases, in.Limit, in.Marker, defaultAliasPage, maxAliasPage,
		func(alias *keyring.AliasRecord) string { return alias.Name })
	if err != nil {
		return nil, err
	}
	out := &ListAliasesOutput{Aliases: make([]AliasListEntry, len(aliases)), NextMarker: next, Truncated: next != ""}
	for i, alias := range aliases {
		out.Aliases[i] = AliasListEntry{
			AliasName: alias.Name, AliasARN: service.AliasARN(alias.Name), TargetKeyID: alias.KeyID,
			CreationDate: Time{alias.CreationTime}, LastUpdatedDate: Time{alias.LastUpdated},
		}
	}
	return out, nil
}

// aliasesToList decides whether the caller may list the aliases of the key that ref names, or all of them if it is empty.
func (r *Request) aliasesToList(ctx context.Context, ref string) (service *kms.Service, keyID string, err error) {
	if ref == "" {
		if err := r.authorizeAccount(everything); err != nil {
			return nil, "", err
		}
		service, err = r.local()
		return service, "", err
	}
	key, err := r.find(ctx, ref, KeyOnly)
	if err != nil {
		return nil, "", err
	}
	return key.Service(), key.ID(), r.authorize(key, r.Operation.Permissions...)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// key is the key that the request names in KeyId, after everything that stands before its use: the caller may do it, its
// usage and state suit. A dry run ends here, but for operations that use the material: these change nothing, so they are
// done, and the answer is dropped. There is no surer way to say that the request would have succeeded.
func (r *Request) key(ctx context.Context) (*kms.Key, error) {
	key, err := r.find(ctx, r.text(r.Operation.input.keyID), r.Operation.Key)
	if err != nil {
		return nil, err
	}
	if err := r.authorize(key, r.Operation.Permissions...); err != nil {
		return nil, err
	}
	if err := r.suits(key); err != nil {
		return nil, err
	}
	if r.Operation.Uses {
		return key, nil
	}
	return key, r.dryRun()
}

// find looks up a key for the request and notes that the request is about it. Of another account's key that is noted once
// the caller may use it (authorizeIn): the record is his own account's to read, and would tell him what is there.
func (r *Request) find(ctx context.Context, ref string, how KeyArgument) (*kms.Key, error) {
	if how == KeyOnly && strings.Contains(ref, "alias/") {
		return nil, r.noAlias(ref)
	}
	service, err := r.home(ref)
	if err != nil {
		return nil, err
	}
	key, err := service.Key(ref)
	if err != nil {
		return nil, err
	}
	if redeemed, err := r.redeem(ctx, key); err != nil {
		r.tokenErr = err // authorizeIn tells it to those who may know that the key exists
	} else {
		key = redeemed
	}
	if !r.isForeign(key) {
		r.about(key)
	}
	return key, nil
}

// isForeign says whether a key is another account's than the caller's.
func (r *Request) isForeign(key *kms.Key) bool {
	return key.Service().ID().AccountID != r.Caller.AccountID()
}

// noAlias refuses an alias where only a key can be named.
func (r *Request) noAlias(ref string) error {
	if strings.HasPrefix(ref, "arn:") {
		return r.malformed(kms.Errorf(kms.InvalidArnException, "Key Aliases are not supported for this operation."))
	}
	return kms.Errorf(kms.NotFoundException, "Invalid keyId '%s'", ref)
}

// malformed is the error for an ARN that is none. Operations that use a key, and those on aliases, do not have
// InvalidArnException in AWS's API model, and answer that they find nothing.
func (r *Request) malformed(err error) error {
	known, ok := errors.AsType[*kms.Error](err)
	if !ok || !r.Operation.Uses && !r.Operation.OnAlias {
		return err
	}
	return &kms.Error{Code: kms.NotFoundException, Message: known.Message, Err: err}
}

// about notes a key that the request is about.
func (r *Request) about(key *kms.Key) {
	same := func(known *kms.Key) bool { return known.ARN() == key.ARN() }
	switch {
	case r.keys == nil:
		r.keys = append(r.oneKey[:0], key)
	case !slices.ContainsFunc(r.keys, same):
		r.keys = append(r.keys, key)
	}
}

// home is the service that has the key: that of the caller's account, unless an ARN says otherwise. A key in another
// account that is not served here, or that the operation does not reach, looks like one that the caller may not use.
func (r *Request) home(ref string) (*kms.Service, error) {
	if !strings.HasPrefix(ref, "arn:") {
		if r.service == nil {
			return nil, r.notHere(ref)
		}
		return r.service, nil
	}
	arn, err := kms.ParseARN(ref)
	if err != nil {
		return nil, r.malformed(err)
	}
	if arn.Region != r.Region {
		return nil, kms.Errorf(kms.NotFoundException, "Invalid arn %s", arn.Region)
	}
	foreign := arn.AccountID != r.Caller.AccountID()
	service := r.executor.Partition.Service(arn.AccountID, arn.Region)
	if service == nil || foreign && !r.Operation.CrossAccount {
		return nil, r.notHere(ref)
	}
	if foreign {
		// Only what is the same for every key may be told of another account's.
		if _, err := service.Key(ref); err != nil && !kms.HasCode(err, kms.DependencyTimeoutException) {
			return nil, r.notHere(ref)
		}
	}
	return service, nil
}

// byUnknown is the end of AWS's refusal to a caller who may not even know whether the key exists.
const byUnknown = "because the resource does not exist in this Region, no resource-based policies allow access, or a " +
	"resource-based policy explicitly denies access"

// notHere refuses a key that is not here as another account's key is refused, unless the keys of the caller's own account
// are still to come.
func (r *Request) notHere(ref string) error {
	if err := r.executor.Partition.CheckOpen(r.Caller.AccountID(), r.Region); err != nil {
		return err
	}
	r.reason = "no such key is served here for the caller"
	return r.denied(cmp.Or(r.permission, r.Operation.Permissions[0]), ref, byUnknown)
}

// suits checks the key's usage and state.
func (r *Request) suits(key *kms.Key) error {
	if usage := r.Operation.Usage; usage != "" {
		if err := key.CheckUsage(usage, r.Operation.Name); err != nil {
			return err
		}
	}
	if r.Operation.State == "" {
		return nil
	}
	return key.Check(r.Operation.State)
}

// dryRun ends a request that was only to be tried.
func (r *Request) dryRun() error {
	if i := r.Operation.input.dryRun; i >= 0 && r.value(i).Bool() {
		return kms.Errorf(kms.DryRunOperationException, "The request would have succeeded, but the DryRun option is set.")
	}
	return nil
}

// value is a member of the request by its index.
func (r *Request) value(index int) reflect.Value { return reflect.ValueOf(r.in).Elem().Field(index) }

// text is a text member of the request; empty for index -1.
func (r *Request) text(index int) string {
	if index < 0 {
		return ""
	}
	return r.value(index).String()
}

// encryptionContext is the request's member of that name, nil if it has none.
func (r *Request) encryptionContext() map[string]string {
	if r.in == nil || r.Operation.input.encryptionContext < 0 {
		return nil
	}
	context, _ := reflect.TypeAssert[map[string]string](r.value(r.Operation.input.encryptionContext))
	return context
}

// noteMaterial has the record tell which material a request used, as CloudTrail does; an empty ID is not told.
func (r *Request) noteMaterial(id string) { r.note("keyMaterialId", id) }

// note puts a text that is not empty into the record's additionalEventData.
func (r *Request) note(name, value string) {
	if value == "" {
		return
	}
	r.additional = append(r.additional, audit.Element{Name: name, Value: value})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"reflect"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// KeyArgument is how the request of an operation may name its key, in the member KeyId.
type KeyArgument int

// The ways to name a key.
const (
	NoKey      KeyArgument = iota // the request names none, or in a way of its own
	KeyOnly                       // by key ID or key ARN
	KeyOrAlias                    // by key ID, key ARN, alias name or alias ARN
)

// Operation is one operation of the API.
type Operation struct {
	// Name is AWS's, and so is the permission that it needs: kms:Name, unless Permissions says otherwise.
	Name string
	// Permissions are set only where an operation needs several, or another one than its name says.
	Permissions []string
	Key         KeyArgument
	// CrossAccount: the key may be another account's, named by ARN.
	CrossAccount bool
	// Grantable: a grant may allow it.
	Grantable bool
	// State is the row of the table of key states (package lifecycle); empty for operations that look after it themselves.
	State lifecycle.Action
	// Usage is the key usage that it needs; empty for any.
	Usage keyspec.Usage
	// ReadOnly says that it changes nothing, as CloudTrail understands it: to use a key is to read it.
	ReadOnly bool
	// Uses says that it uses the key's material, which GetKeyLastUsage tells.
	Uses bool
	// OnAlias says that it makes or changes an alias, and so names its key as the alias's target.
	OnAlias bool
	// Unsupported operations are refused whatever the request says.
	Unsupported bool

	input  *shape
	output reflect.Type
	secret []int          // the members of output to wipe
	simple []simpleMember // the members of output; nil if it cannot be simple
	serve  func(context.Context, *Request, any) (any, error)
}

// Nothing is the answer of operations that have none.
type Nothing struct{}

// onKey describes an operation on the one key that its request names: serve is called when the caller may do it and the
// key's usage and state allow it.
func onKey[I, O any](
	op Operation, serve func(ctx context.Context, r *Request, key *kms.Key, in *I) (*O, error),
) *Operation {
	op.define(reflect.TypeFor[I](), reflect.TypeFor[O]())
	op.serve = func(ctx context.Context, r *Request, in any) (any, error) {
		key, err := r.key(ctx)
		if err != nil {
			return nil, err
		}
		request, _ := in.(*I) // decode made it
		return result(serve(ctx, r, key, request))
	}
	return &op
}

// free describes an operation that finds and authorises by itself what it needs.
func free[I, O any](op Operation, serve func(ctx context.Context, r *Request, in *I) (*O, error)) *Operation {
	op.define(reflect.TypeFor[I](), reflect.TypeFor[O]())
	op.serve = func(ctx context.Context, r *Request, in any) (any, error) {
		request, _ := in.(*I) // decode made it
		return result(serve(ctx, r, request))
	}
	return &op
}

// result keeps a nil pointer from becoming an answer.
func result[O any](out *O, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (op *Operation) define(input, output reflect.Type) {
	op.input, op.output = newShape(input), output
	op.secret, op.simple = secretMembers(output), simpleMembers(output)
	if op.Permissions == nil {
		op.Permissions = []string{"kms:" + op.Name}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"maps"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// table is every operation by its name.
var table = index(
	encryptOperations, dataKeyOperations, signOperations, agreementOperations,
	keyOperations, aliasOperations, tagOperations, policyOperations, grantOperations, rotationOperations,
	importOperations, multiRegionOperations, customKeyStoreOperations,
)

func index(groups ...[]*Operation) map[string]*Operation {
	byName := map[string]*Operation{}
	for _, op := range slices.Concat(groups...) {
		if byName[op.Name] != nil {
			panic("operation: " + op.Name + " is described twice")
		}
		byName[op.Name] = op
	}
	return byName
}

// Lookup returns the operation of that name.
func Lookup(name string) (*Operation, bool) {
	op, ok := table[name]
	return op, ok
}

// All returns every operation, sorted by name.
func All() []*Operation {
	ops := make([]*Operation, 0, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		ops = append(ops, table[name])
	}
	return ops
}

// customKeyStoreOperations are there to be refused: a custom key store is a CloudHSM cluster, or a proxy in front of
// somebody else's keys, and the software KMS has neither.
var customKeyStoreOperations = []*Operation{
	customKeyStore("ConnectCustomKeyStore", false),
	customKeyStore("CreateCustomKeyStore", false),
	customKeyStore("DeleteCustomKeyStore", false),
	customKeyStore("DescribeCustomKeyStores", true),
	customKeyStore("DisconnectCustomKeyStore", false),
	customKeyStore("UpdateCustomKeyStore", false),
}

func customKeyStore(name string, readOnly bool) *Operation {
	return free(Operation{Name: name, ReadOnly: readOnly, Unsupported: true},
		func(context.Context, *Request, *Nothing) (*Nothing, error) {
			return nil, kms.Errorf(kms.UnsupportedOperationException,
				"%s is not supported: the software KMS has no custom key stores.", name)
		})
}

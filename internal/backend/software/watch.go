// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Watch implements backend.Watcher.
func (b *Backend) Watch(changed func(backend.Owner)) (stop func()) {
	return b.ring.Subscribe(func(change keyring.Change) {
		for _, owner := range b.ownersIn(change) {
			changed(owner)
		}
	})
}

// ownersIn are those of this cluster whom a change concerns: who owns the key now, and who owned it before.
func (b *Backend) ownersIn(change keyring.Change) []backend.Owner {
	var owners []backend.Owner
	for _, record := range []*keyring.KeyRecord{change.After, change.Before} {
		if record == nil {
			continue
		}
		owner, owned := backend.OwnerFromTags(record.Tags)
		if owned && owner.Cluster == b.config.ClusterUID && (len(owners) == 0 || !owners[0].Same(owner)) {
			owners = append(owners, owner)
		}
	}
	if namespace, name, ok := strings.Cut(change.Owner, "/"); ok && len(owners) == 0 {
		owners = append(owners, backend.Owner{Cluster: b.config.ClusterUID, Namespace: namespace, Name: name})
	}
	return owners
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// DeriveAccountID is the account ID of a cluster for which none is configured: 12 digits, the same for the same cluster.
func DeriveAccountID(clusterUID string) string {
	const accounts = 1_000_000_000_000
	sum := hashOf("chatelaine account v1", clusterUID)
	return fmt.Sprintf("%012d", binary.BigEndian.Uint64(sum[:])%accounts)
}

// keyIDFor is the ID of the key that belongs to an owner. It looks like AWS's (a version 4 UUID, which is written in another
// way for a multi-Region key) and is the same for the same UID of the owner, cluster and keyring. It tells nothing: UIDs are
// random.
func (b *Backend) keyIDFor(owner backend.Owner, multiRegion bool) string {
	sum := hashOf("chatelaine key id v1", owner.Cluster, owner.UID, b.config.AccountID, b.config.Region)
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x40 // version 4 (RFC 9562, section 4.2)
	id[8] = id[8]&0x3f | 0x80 // the variant of RFC 9562 (section 4.1)
	if multiRegion {
		return "mrk-" + hex.EncodeToString(id[:])
	}
	return id.String()
}

// hashOf is the same for the same parts only: each goes in with its length.
func hashOf(parts ...string) [sha256.Size]byte {
	var all []byte
	for _, part := range parts {
		all = binary.BigEndian.AppendUint64(all, uint64(len(part)))
		all = append(all, part...)
	}
	return sha256.Sum256(all)
}

// ownerLabel is by whom the keyring looks keys up, and what it notes on their records: namespace/name.
func ownerLabel(tags map[string]string) string {
	owner, owned := backend.OwnerFromTags(tags)
	if !owned {
		return ""
	}
	return owner.String()
}

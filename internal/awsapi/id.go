// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"crypto/rand"

	"github.com/google/uuid"
)

// NewID makes a random UUID. Every request needs two, and uuid.NewString takes several times as long, since it has to be
// prepared for a source of randomness that keeps what it is given.
func NewID() string {
	var id uuid.UUID
	_, _ = rand.Read(id[:])   // never fails: it ends the program rather than return bad randomness
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // RFC 9562's variant
	return id.String()
}

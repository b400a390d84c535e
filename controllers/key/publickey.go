// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"encoding/pem"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// readPublicKey takes the public key of an asymmetric key up into status, once: it never changes. A key that is not
// enabled does not tell it (AWS KMS GetPublicKey); it is read when the key is.
func (r *Reconciler) readPublicKey(ctx context.Context, p *pass) {
	if !p.seen.Spec.HasPublicKey() || p.seen.State != backend.StateEnabled ||
		(p.status.PublicKey != "" && p.key.Status.KeyID == p.seen.ID) {
		return
	}
	der, err := p.backend.PublicKey(ctx, p.seen.ID)
	if err != nil {
		p.failSync(conditions.FromError(err))
		return
	}
	p.status.PublicKey = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

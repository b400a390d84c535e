// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// pastTransition reads a key anew that was seen in a state which passes, lest it is waited for longer than it lasts.
func (r *Reconciler) pastTransition(ctx context.Context, p *pass) *conditions.Problem {
	switch p.seen.State {
	case backend.StateCreating, backend.StateUpdating, backend.StateUnavailable:
	default:
		return nil
	}
	if p.verifier == nil {
		return nil
	}
	return r.lookAgain(ctx, p)
}

// transition is the error of a key that cannot be used in its state.
func transition(key *backend.Key) error {
	switch key.State {
	case backend.StateCreating:
		return &backend.Error{Class: backend.NotReady, Message: "the replica is being made"}
	case backend.StateUpdating:
		return &backend.Error{Class: backend.NotReady, Message: "the primary Region is being changed"}
	case backend.StateUnavailable:
		return &backend.Error{Class: backend.InvalidInput, Reason: v1alpha1.ReasonKeyUnavailable, Message: fmt.Sprintf(
			"the key cannot be used while %s is not connected: connect it (AWS KMS ConnectCustomKeyStore)", key.Store)}
	default:
		return nil
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// adopt takes over the key that spec.adopt names. Adoptions go one at a time, so that of two Keys that want one key the
// second sees the first one's owner tags.
func (r *Reconciler) adopt(ctx context.Context, p *pass, in backend.CreateInput) *conditions.Problem {
	field, ref := "spec.adopt.keyID", p.key.Spec.Adopt.KeyID
	if ref == "" {
		field, ref = "spec.adopt.alias", p.key.Spec.Adopt.Alias
	}
	r.adopting.Lock()
	defer r.adopting.Unlock()

	seen, err := p.backend.Get(ctx, ref)
	if backend.IsNotFound(err) {
		return stalled(v1alpha1.ReasonAdoptNotFound,
			fmt.Sprintf("%s: KMSBackend %s has no key %s: correct it, or remove spec.adopt to create a key", field, p.status.Backend, ref))
	}
	if err != nil {
		return failed(err)
	}
	if problem := p.checkMade(ctx, field, seen.ID); problem != nil {
		return problem
	}
	holderLives, err := r.holderLives(ctx, p, seen)
	if err != nil {
		return failed(err)
	}
	if refusal := plan.Adopt(p.owner, seen, p.kmsBackend.Spec.Adoption, holderLives); refusal != "" {
		return stalled(v1alpha1.ReasonAdoptRefused, field+": "+refusal)
	}
	if mismatch := plan.Mismatch(in, seen); mismatch != "" {
		return stalled(v1alpha1.ReasonAdoptMismatch, field+": "+mismatch)
	}
	return r.claim(ctx, p, seen)
}

// checkMade refuses to adopt a key if this Key has made another one, the answer to which was lost, or the status: that one would
// be nobody's, with this Key's owner tags on it and its KeyPolicies in force.
func (p *pass) checkMade(ctx context.Context, field, keyID string) *conditions.Problem {
	if !p.begun {
		return nil
	}
	owned, err := p.backend.Owned(ctx, p.owner)
	if err != nil {
		return failed(err)
	}
	for _, made := range owned {
		if made.ID != keyID && made.Tags[backend.TagUID] == p.owner.UID {
			return stalled(v1alpha1.ReasonSeveralKeys, fmt.Sprintf(
				"%s names key %s, and key %s was made for this Key before: remove spec.adopt to have that one; or take its tags that begin with %s off it "+
					"to have key %s, and delete it if nothing was encrypted under it", field, keyID, made.ID, backend.TagPrefix, keyID))
		}
	}
	return nil
}

// claim puts this Key's owner tags on the key, before any other change.
func (r *Reconciler) claim(ctx context.Context, p *pass, seen *backend.Key) *conditions.Problem {
	p.seen = seen
	holder, _ := backend.OwnerFromTags(seen.Tags)
	if holder == p.owner {
		return nil
	}
	var changes []backend.Change
	if seen.State == backend.StatePendingDeletion {
		changes = append(changes, backend.CancelDeletion{})
	}
	changes = append(changes, backend.SetTags{Tags: p.owner.Tags()})
	if p.held != nil { // the refusal says all that is to be done
		changes = plan.Diff(p.desired(), seen, r.Now()).Now
	}
	claimed, err := p.backend.Apply(ctx, seen.ID, changes)
	if err != nil {
		p.seen = nil
		return failed(err)
	}
	p.seen = claimed
	r.event(p, normal, "Adopted", "adopted key %s of KMSBackend %s", seen.ID, p.status.Backend)
	return nil
}

// holderLives says whether the Key that the key's owner tags name still exists in this cluster.
func (r *Reconciler) holderLives(ctx context.Context, p *pass, seen *backend.Key) (bool, error) {
	holder, owned := backend.OwnerFromTags(seen.Tags)
	if !owned || holder.Cluster != p.owner.Cluster || holder.Namespace != p.owner.Namespace {
		return false, nil
	}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: holder.Namespace, Name: holder.Name}, &v1alpha1.Key{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

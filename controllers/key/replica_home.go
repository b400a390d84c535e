// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
)

// arnParts is in how many parts a key's ARN comes apart at its colons: arn, partition, kms, Region, account, key.
const arnParts = 6

// keepOthers has the key as it is declared in the Regions in which it was made, while nothing can be done in that of the Key's own
// KMSBackend: what is revoked is revoked wherever it can be.
func (r *Reconciler) keepOthers(ctx context.Context, p *pass) {
	if p.unknown || p.err != nil || p.status.KeyID == "" || len(p.status.Replicas) == 0 || p.kmsBackend == nil {
		return
	}
	if account, region, known := p.keptIn(); known { // whatever became of the KMSBackend
		p.identity.AccountID, p.identity.Region = account, region
	}
	p.seen, p.backend = p.asKnown(), nil // what the KMSBackend says now, if anything, is not to be gone by
	var gone remade
	for i := range p.status.Replicas {
		was := &p.status.Replicas[i]
		at := slices.IndexFunc(p.key.Spec.Replicas, func(declared v1alpha1.KeyReplica) bool { return declared.Region == was.Region })
		if at >= 0 && was.ARN != "" {
			*was = r.keepReplica(ctx, p, &p.key.Spec.Replicas[at], true, &gone)
		}
	}
	r.tellDrifts(p)
	if len(p.unsynced) > 0 {
		p.conditions.FailAll(v1alpha1.ConditionSynced, p.unsynced)
	}
}

// keptIn is the account and Region in which the key is, as its ARN says.
func (p *pass) keptIn() (account, region string, known bool) {
	arn := strings.Split(p.status.ARN, ":")
	if len(arn) != arnParts {
		return "", "", false
	}
	return arn[4], arn[3], true
}

// asKnown is the key as far as status knows where it is.
func (p *pass) asKnown() *backend.Key {
	known := &backend.MultiRegion{PrimaryRegion: p.status.PrimaryRegion}
	for i := range p.status.Replicas {
		known.ReplicaRegions = append(known.ReplicaRegions, p.status.Replicas[i].Region)
	}
	return &backend.Key{ID: p.status.KeyID, MultiRegion: known}
}

// kindOf is the kind of a KMSBackend, as status of a Key has it.
func kindOf(kmsBackend *v1alpha1.KMSBackend) string {
	if isSoftware(kmsBackend) {
		return "software"
	}
	return "aws"
}

// checkHome refuses a KMSBackend that is of another kind, or is not in the account and Region in which the Key's key is: what is
// there, and what is not there, says nothing of this Key.
func (p *pass) checkHome() *conditions.Problem {
	if was, is := p.status.BackendKind, kindOf(p.kmsBackend); was != "" && was != is {
		return stalled(v1alpha1.ReasonAdoptMismatch, fmt.Sprintf(
			"KMSBackend %s has become another one: it has spec.%s, and the key %s is on one that had spec.%s: have that one under this name again",
			p.status.Backend, is, p.status.ARN, was))
	}
	account, region, known := p.keptIn()
	if !known || region == p.identity.Region && account == p.identity.AccountID {
		return nil
	}
	return stalled(v1alpha1.ReasonAdoptMismatch, fmt.Sprintf(
		"KMSBackend %s has become another one: it is in %s with account %s, and the key is %s: have a KMSBackend of this name where that is",
		p.status.Backend, p.identity.Region, p.identity.AccountID, p.status.ARN))
}

// replicateHome makes the key again in the Region of the Key's own KMSBackend, in which it is gone, from the primary if that is
// elsewhere: nothing is lost with a replica. It is false if no such primary is to be found.
func (r *Reconciler) replicateHome(ctx context.Context, p *pass) (bool, *conditions.Problem) {
	p.seen = p.asKnown()
	if elsewhere, problem := r.isKeptElsewhere(ctx, p); !elsewhere {
		p.seen = nil
		return problem != nil, problem
	}
	_, err := r.replicateNow(ctx, p, p)
	p.drifted(plan.Difference{Field: replicasField, From: p.identity.Region}, true, err)
	if err != nil {
		return true, failed(err)
	}
	r.event(p, warning, "Replicated", "key %s was gone in %s, and was replicated there again", p.status.KeyID, p.identity.Region)
	seen, err := p.backend.Get(ctx, p.status.KeyID)
	if backend.IsNotFound(err) {
		err = &backend.Error{Class: backend.NotReady, Message: "the key is being replicated into " + p.identity.Region + " again", Err: err}
	}
	if err != nil {
		return true, failed(err)
	}
	p.seen = seen
	return true, nil
}

// isKeptElsewhere says whether the primary is in another Region than that of the Key's own KMSBackend, as the first of the replicas
// that can be read says. The problem is why that cannot be said yet.
func (r *Reconciler) isKeptElsewhere(ctx context.Context, p *pass) (elsewhere bool, unread *conditions.Problem) {
	for i := range p.status.Replicas {
		if p.status.Replicas[i].ARN == "" {
			continue
		}
		place, problem := r.backendIn(ctx, p, p.status.Replicas[i].Region, allowedOnly)
		if p.untried {
			return false, problem
		}
		if problem != nil {
			continue
		}
		key, err := place.entry.Backend.Get(ctx, p.status.KeyID)
		if err == nil && key.MultiRegion != nil {
			p.seen.MultiRegion = key.MultiRegion
			return key.MultiRegion.PrimaryRegion != p.identity.Region, nil
		}
		if err == nil {
			continue
		}
		if problem := failed(err); !problem.Stalled {
			problem.Message = fmt.Sprintf("the key is gone in %s, and it is not known whether its primary is: %s: %s",
				p.identity.Region, p.status.Replicas[i].Region, problem.Message)
			unread = problem
		}
	}
	return false, unread
}

// lostMessage says what is lost with a key that is gone.
func (p *pass) lostMessage() string {
	text := fmt.Sprintf("key %s is no longer on KMSBackend %s: it was deleted outside this cluster's control, or %s: look at that first. ",
		p.status.KeyID, p.status.Backend, p.otherKMS())
	if len(p.status.Replicas) > 0 {
		return text + "Its replicas have its key material, and are kept as declared; it cannot be replicated from them, since the primary was here or " +
			"cannot be reached. Restore it from a backup; or delete this Key and create it again to get a new, different key"
	}
	return text + "It is not replaced, since what was encrypted under it would stay unreadable. " +
		"Restore it from a backup; or delete this Key and create it again to get a new, different key"
}

// otherKMS says how a KMSBackend of the same name, account and Region may lead elsewhere than it did.
func (p *pass) otherKMS() string {
	if isSoftware(p.kmsBackend) {
		return "the KMSBackend is not the one that it was, with the key records of then"
	}
	return "the KMSBackend is not the one that it was (its spec.aws.endpoint, say)"
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// place is a KMSBackend, and what is open for it.
type place struct {
	name       string
	kmsBackend *v1alpha1.KMSBackend
	entry      backend.Entry
	tried      bool // to be opened
}

// Which KMSBackends are looked for.
const (
	allowedOnly = true  // those that the Key's namespace may use
	anyAllowed  = false // all, to undo what was done when it might
)

// backendIn is the KMSBackend of a Region: of the account and kind of the Key's own one. If there are several, it is the one that the
// replica is on, or the first by name that is open.
func (r *Reconciler) backendIn(ctx context.Context, p *pass, region string, allowed bool) (*place, *conditions.Problem) {
	if region == p.identity.Region {
		return r.usable(r.placeOf(p.kmsBackend))
	}
	all := &v1alpha1.KMSBackendList{}
	if err := r.Client.List(ctx, all); err != nil {
		return nil, failed(err)
	}
	recorded, kind := p.replicaStatus(region).Backend, r.kindOfKey(p)
	slices.SortFunc(all.Items, func(a, b v1alpha1.KMSBackend) int { return strings.Compare(a.Name, b.Name) })
	var first, closed, forbidden *place
	for i := range all.Items {
		candidate := r.placeOf(&all.Items[i])
		if !candidate.isIn(region, p, kind) {
			continue
		}
		if allowed {
			if problem := r.checkNamespace(ctx, &pass{key: p.key, kmsBackend: candidate.kmsBackend}); problem != nil {
				forbidden = cmp.Or(forbidden, candidate)
				continue
			}
		}
		switch open := candidate.entry.Err == nil && candidate.entry.Backend != nil; {
		case candidate.name == recorded && candidate.tried:
			return r.usable(candidate)
		case candidate.name == recorded && candidate.kmsBackend.DeletionTimestamp.IsZero():
			p.untried = true
			return nil, beingOpened()
		case open:
			first = cmp.Or(first, candidate)
		default:
			closed = cmp.Or(closed, candidate)
		}
	}
	switch {
	case first != nil:
		return first, nil
	case r.isUntried(all, region, kind):
		p.untried = true
		return nil, beingOpened()
	case closed != nil:
		return r.usable(closed)
	case forbidden != nil:
		return nil, stalled(v1alpha1.ReasonReplicaBackendNotFound, fmt.Sprintf(
			"KMSBackend %s is in %s and does not allow namespace %s: have its spec.allowedNamespaces match the namespace's labels, or remove the replica",
			forbidden.name, region, p.key.Namespace))
	case kind == "" && recorded != "":
		return nil, stalled(v1alpha1.ReasonReplicaBackendNotFound, fmt.Sprintf(
			"the replica is on KMSBackend %s, and none of this name is in %s with account %s: create one, or remove the replica",
			recorded, region, p.identity.AccountID))
	default:
		return nil, stalled(v1alpha1.ReasonReplicaBackendNotFound, fmt.Sprintf(
			"no KMSBackend is in %s with account %s and spec.%s, as the key's own: create one, or remove the replica",
			region, p.identity.AccountID, kind))
	}
}

func beingOpened() *conditions.Problem {
	return &conditions.Problem{Reason: v1alpha1.ReasonBackendNotReady, Message: "the KMSBackends are being opened"}
}

// isUntried says whether a KMSBackend that may be in the Region has not been tried to open yet, so that nothing can be said of the
// Region: after a start of the operator that is so for a moment.
func (r *Reconciler) isUntried(all *v1alpha1.KMSBackendList, region, kind string) bool {
	return slices.ContainsFunc(all.Items, func(kmsBackend v1alpha1.KMSBackend) bool {
		_, tried := r.Backends.Get(kmsBackend.Name)
		maybe := kmsBackend.Status.Region == "" || kmsBackend.Status.Region == region
		return !tried && maybe && kmsBackend.DeletionTimestamp.IsZero() && (kind == "" || kind == kindOf(&kmsBackend))
	})
}

// kindOfKey is the kind of the KMSBackends that the key is on in every Region; empty if nobody knows: status does not say so, and
// the Key's own KMSBackend is gone, or is in another account or Region than the key.
func (r *Reconciler) kindOfKey(p *pass) string {
	if p.status.BackendKind != "" {
		return p.status.BackendKind
	}
	if p.kmsBackend.Name == "" {
		return ""
	}
	account, in := r.placeOf(p.kmsBackend).where()
	if keptAccount, keptIn, known := p.keptIn(); known && account != "" && (account != keptAccount || in != keptIn) {
		return ""
	}
	return kindOf(p.kmsBackend)
}

func isSoftware(kmsBackend *v1alpha1.KMSBackend) bool { return kmsBackend.Spec.Software != nil }

func (r *Reconciler) placeOf(kmsBackend *v1alpha1.KMSBackend) *place {
	entry, tried := r.Backends.Get(kmsBackend.Name)
	return &place{name: kmsBackend.Name, kmsBackend: kmsBackend, entry: entry, tried: tried}
}

// where is the account and Region of the KMSBackend; one that is not open is where it was last. Both are empty if nobody knows.
func (c *place) where() (account, region string) {
	if identity := c.entry.Identity; identity.AccountID != "" {
		return identity.AccountID, identity.Region
	}
	return c.kmsBackend.Status.AccountID, c.kmsBackend.Status.Region
}

// isIn says whether the KMSBackend is in the Region, of the account of the key, and of its kind. Where that kind is not known, it is the
// one that the Key has a replica on; so is one of which nobody knows where it is.
func (c *place) isIn(region string, p *pass, kind string) bool {
	onIt := p.replicaStatus(region).Backend == c.name
	account, in := c.where()
	switch {
	case account == "":
		return onIt
	case in != region || account != p.identity.AccountID:
		return false
	default:
		return kind == kindOf(c.kmsBackend) || kind == "" && onIt
	}
}

func (r *Reconciler) usable(c *place) (*place, *conditions.Problem) {
	switch {
	case !c.kmsBackend.DeletionTimestamp.IsZero():
		return nil, isGoing(v1alpha1.ReasonBackendNotReady, c.kmsBackend)
	case c.entry.Err != nil:
		return nil, &conditions.Problem{Reason: v1alpha1.ReasonBackendNotReady, Message: fmt.Sprintf("KMSBackend %s: %v", c.name, c.entry.Err)}
	case c.entry.Backend == nil:
		return nil, &conditions.Problem{Reason: v1alpha1.ReasonBackendNotReady, Message: fmt.Sprintf("KMSBackend %s is not open yet", c.name)}
	default:
		return c, nil
	}
}

// regionIndex finds Keys by the Regions of their replicas, and placeIndex by the KMSBackends that these are on.
const (
	regionIndex = "replicaRegion"
	placeIndex  = "replicaBackend"
)

func indexRegions(object client.Object) []string {
	key, ok := object.(*v1alpha1.Key)
	if !ok {
		return nil
	}
	var regions []string
	for i := range key.Spec.Replicas {
		regions = append(regions, key.Spec.Replicas[i].Region)
	}
	return regions
}

func indexPlaces(object client.Object) []string {
	key, ok := object.(*v1alpha1.Key)
	if !ok {
		return nil
	}
	var names []string
	for i := range key.Status.Replicas {
		if name := key.Status.Replicas[i].Backend; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

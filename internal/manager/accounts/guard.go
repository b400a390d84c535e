// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/aws"
	"github.com/chatelaine-dev/chatelaine/internal/metrics"
)

// home is where the keys of a KMSBackend are. Empty parts are not known yet.
type home struct{ account, region string }

// guarded is a backend on AWS whose verbs are broken off when it is found not to answer. Health and sweeps are shared with the one
// that took its place: they are of what both of them know.
type guarded struct {
	*aws.Backend
	settings settings
	home     home
	series   *metrics.AWSSeries
	observer *observer
	identity atomic.Pointer[backend.Identity] // who the operator was found to be last
	health   *health
	sweeps   *sweeps
}

var (
	_ backend.Backend  = (*guarded)(nil)
	_ backend.Watcher  = (*guarded)(nil)
	_ backend.Verifier = (*guarded)(nil)
	_ backend.Granter  = (*guarded)(nil)
	_ backend.Importer = (*guarded)(nil)
)

// connect opens a backend and has it say who the operator is, which must be at home. It has no health and no sweeps yet.
func (a *Accounts) connect(ctx context.Context, series *metrics.AWSSeries, s settings, where home) (*guarded, error) {
	watching := &observer{series: series}
	config := a.config(s)
	config.Observer = watching
	opened, err := aws.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	identity, err := opened.Identify(ctx)
	if err != nil {
		return nil, err
	}
	if err := where.check(identity); err != nil {
		return nil, err
	}
	g := &guarded{
		Backend: opened, settings: s, home: home{identity.AccountID, identity.Region}, series: series, observer: watching,
	}
	g.identity.Store(&identity)
	return g, nil
}

// take gives the backend its health and its sweeps, before it is used.
func (g *guarded) take(h *health, s *sweeps) {
	g.health, g.sweeps = h, s
	g.observer.health.Store(h)
}

// leave says that the backend is not used any longer, and why: what is under way is broken off, and nothing begins any more. g may be nil.
func (g *guarded) leave(why string) {
	if g != nil {
		g.health.breakOff(&backend.Error{Class: backend.Unavailable, Message: "the KMSBackend is not used any longer: " + why})
	}
}

// observer counts what a backend asks of AWS, and tells its health of it.
type observer struct {
	series *metrics.AWSSeries
	health atomic.Pointer[health] // nil while it is only asked who the operator is
}

// Requesting implements aws.Observer.
func (o *observer) Requesting(operation string) {
	if h := o.health.Load(); h != nil {
		h.asked(operation)
	}
}

// Requested implements aws.Observer.
func (o *observer) Requested(r aws.Request) {
	o.series.Requested(r.Service, r.Operation, string(r.Class), r.Code, r.Took)
	if h := o.health.Load(); h != nil {
		h.settled(r.Operation, r.Code != aws.CodeNoAnswer && r.Code != aws.CodeNotSent)
	}
}

// Waited implements aws.Observer.
func (o *observer) Waited(wait time.Duration) { o.series.Waited(wait) }

// Limited implements aws.Observer.
func (o *observer) Limited(operation string, share float64) { o.series.Limited(operation, share) }

// check refuses an identity of another account or Region.
func (h home) check(identity backend.Identity) error {
	moved := func(what, from, to, advice string) error {
		return &backend.Error{
			Class: backend.InvalidInput, Reason: v1alpha1.ReasonAccountChanged,
			Message: fmt.Sprintf("the operator now gets to %s %s, and the keys of this KMSBackend are in %s: %s, or create another KMSBackend",
				what, to, from, advice),
		}
	}
	if h.account != "" && h.account != identity.AccountID {
		return moved("account", h.account, identity.AccountID, "give it credentials or a role of that account")
	}
	if h.region != "" && h.region != identity.Region {
		return moved("region", h.region, identity.Region, "set AWS_REGION in the operator's environment back")
	}
	return nil
}

// Identify implements backend.Backend. While AWS throttles, who the operator is stays what it was.
func (g *guarded) Identify(ctx context.Context) (backend.Identity, error) {
	if err := g.health.broken(); err != nil {
		return backend.Identity{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	identity, err := g.Backend.Identify(ctx)
	if isThrottled(err) {
		return *g.identity.Load(), nil
	}
	if err == nil {
		err = g.home.check(identity)
	}
	if err != nil {
		g.health.breakOff(err)
		g.series.Answering(false)
		return backend.Identity{}, err
	}
	g.identity.Store(&identity)
	return identity, nil
}

// isThrottled says that AWS answered, if only that it is asked too often.
func isThrottled(err error) bool { return err != nil && backend.ClassOf(err) == backend.Throttled }

// Get implements backend.Backend.
func (g *guarded) Get(ctx context.Context, ref string) (*backend.Key, error) {
	return guard(ctx, g.health, func(ctx context.Context) (*backend.Key, error) { return g.Backend.Get(ctx, ref) })
}

// Owned implements backend.Backend.
func (g *guarded) Owned(ctx context.Context, owner backend.Owner) ([]*backend.Key, error) {
	return guard(ctx, g.health, func(ctx context.Context) ([]*backend.Key, error) { return g.Backend.Owned(ctx, owner) })
}

// Create implements backend.Backend.
func (g *guarded) Create(ctx context.Context, in backend.CreateInput) (*backend.Key, error) {
	return guard(ctx, g.health, func(ctx context.Context) (*backend.Key, error) { return g.Backend.Create(ctx, in) })
}

// Apply implements backend.Backend.
func (g *guarded) Apply(ctx context.Context, keyID string, changes []backend.Change) (*backend.Key, error) {
	return guard(ctx, g.health, func(ctx context.Context) (*backend.Key, error) { return g.Backend.Apply(ctx, keyID, changes) })
}

// ScheduleDeletion implements backend.Backend.
func (g *guarded) ScheduleDeletion(ctx context.Context, keyID string, windowInDays int) (time.Time, error) {
	return guard(ctx, g.health, func(ctx context.Context) (time.Time, error) {
		return g.Backend.ScheduleDeletion(ctx, keyID, windowInDays)
	})
}

// PublicKey implements backend.Backend.
func (g *guarded) PublicKey(ctx context.Context, keyID string) ([]byte, error) {
	return guard(ctx, g.health, func(ctx context.Context) ([]byte, error) { return g.Backend.PublicKey(ctx, keyID) })
}

// Policy implements backend.Backend.
func (g *guarded) Policy(ctx context.Context, keyID string) (string, error) {
	return guard(ctx, g.health, func(ctx context.Context) (string, error) { return g.Backend.Policy(ctx, keyID) })
}

// ImportMaterial implements backend.Importer.
func (g *guarded) ImportMaterial(ctx context.Context, keyID string, material *backend.Material, validTo time.Time) (*backend.Key, error) {
	return guard(ctx, g.health, func(ctx context.Context) (*backend.Key, error) {
		return g.Backend.ImportMaterial(ctx, keyID, material, validTo)
	})
}

// DeleteMaterial implements backend.Importer.
func (g *guarded) DeleteMaterial(ctx context.Context, keyID string) (*backend.Key, error) {
	return guard(ctx, g.health, func(ctx context.Context) (*backend.Key, error) { return g.Backend.DeleteMaterial(ctx, keyID) })
}

// Verify implements backend.Verifier.
func (g *guarded) Verify(ctx context.Context, keyID string) error {
	_, err := guard(ctx, g.health, func(ctx context.Context) (struct{}, error) { return struct{}{}, g.Backend.Verify(ctx, keyID) })
	return err
}

// Grants implements backend.Granter.
func (g *guarded) Grants(ctx context.Context, keyID string) ([]backend.Grant, error) {
	return guard(ctx, g.health, func(ctx context.Context) ([]backend.Grant, error) { return g.Backend.Grants(ctx, keyID) })
}

// Sweep looks for what others changed.
func (g *guarded) Sweep(ctx context.Context) error {
	_, err := guard(ctx, g.health, func(ctx context.Context) (struct{}, error) { return struct{}{}, g.Backend.Sweep(ctx) })
	return err
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package accounts opens the backends of KMSBackends on AWS, and keeps one that is in trouble from being everybody's trouble.
//
// A KMSBackend has a backend of its own, with clients, request rates and metrics of its own, also where another one has the same
// account and Region. It is opened anew when its endpoint, role or credentials change, or its Secret does; the earlier one serves
// until the new one answers, and on if that does not lead to the same account and Region. At the same endpoint the new one knows
// from the start what the earlier one knew. A Secret that is gone is taken as meant, as is a KMSBackend that is: what is under way is
// broken off, and no request goes out with that access key any more.
//
// A backend that does not answer would hold all who work on its keys for as long as it takes their requests to time out. So
// one that is slow or fails is doubted: it is asked who the operator is, over new connections and for a few seconds only, and if
// it does not answer, all that is under way is broken off, and nothing more is asked until it answers again. Throttling is an answer.
// What is known of its keys is kept meanwhile. Where many wait for a backend it is doubted sooner, and only some of them may go on waiting (crowd.go).
//
// Accounts are those of one term of leadership: what a backend knows is only as good as long as nobody else makes keys. When it
// ends the metrics go, as another replica has them from then on.
package accounts

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/metrics"
)

const (
	// openTimeout bounds the time in which a backend has to say who the operator is.
	openTimeout = 10 * time.Second
	// answerTimeout is that for one in doubt, for which others may be waiting.
	answerTimeout = 4 * time.Second
)

// Options are what Accounts are made of.
type Options struct {
	// Client needs get on Secrets in Namespace.
	Client     kubernetes.Interface
	Namespace  string
	ClusterUID string
	Clock      clock.PassiveClock
	// Quotas are the requests per second that AWS takes in every account, by operation, where they are not AWS's defaults.
	Quotas map[string]float64
	// Workers is how many Keys are reconciled at a time: half of them at most wait for one backend that does not answer.
	Workers int
	// SweepInterval is how often each backend is swept, give or take a tenth.
	SweepInterval time.Duration
	Log           logr.Logger
	// Metrics may be nil.
	Metrics *metrics.AWS
	// Recheck asks for the KMSBackend with that name to be opened again soon. It must not block.
	Recheck func(name string)
}

// Accounts knows the backends on AWS that are open, by KMSBackend. It is safe for concurrent use.
type Accounts struct {
	options Options

	mu    sync.Mutex
	open  map[string]*account
	ended bool // the term is over: nothing is counted any more
}

// account is what is open for one KMSBackend.
type account struct {
	uid     types.UID
	series  *metrics.AWSSeries
	opening sync.Mutex // held while it is opened

	mu      sync.Mutex
	current *guarded // nil when nothing is open
	last    *guarded // what was open last: what it knows is worth keeping while its Secret is gone
}

// New returns Accounts of which none is open.
func New(o Options) *Accounts { return &Accounts{options: o, open: map[string]*account{}} }

// Open returns the backend that object describes, the same one as long as its spec and its Secret mean the same. An error
// beside a backend says why what is described now cannot be used: the backend is the one described before.
func (a *Accounts) Open(ctx context.Context, object *v1alpha1.KMSBackend) (backend.Backend, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	one := a.account(object)
	one.opening.Lock()
	defer one.opening.Unlock()
	opened, err := a.reopen(ctx, one, object)
	one.set(opened)
	usable := opened != nil && opened.health.broken() == nil
	one.series.Answering(usable)
	if !usable {
		return nil, err
	}
	return opened, err
}

// reopen returns what is to be used from now on: what was until now, or another one, or nothing.
func (a *Accounts) reopen(ctx context.Context, one *account, object *v1alpha1.KMSBackend) (*guarded, error) {
	current := one.get()
	wanted, unusable := a.settings(ctx, object.Spec.AWS)
	switch {
	case isGone(unusable):
		current.leave(unusable.Error())
		return nil, unusable
	case current == nil && unusable != nil:
		return nil, unusable
	case current == nil:
		return a.replace(ctx, one, object, wanted)
	}
	silent := a.settleDoubt(ctx, one, current)
	switch {
	case backend.ClassOf(unusable) == backend.Unavailable: // nothing says that they are others
		return current, silent
	case unusable != nil:
		return current, unusable
	case current.settings != wanted:
		return a.replace(ctx, one, object, wanted)
	}
	return current, silent
}

// settleDoubt asks a backend in doubt, by the settings that it has, who the operator is, and trusts it or breaks it off. One that is
// throttled answers.
func (a *Accounts) settleDoubt(ctx context.Context, one *account, current *guarded) error {
	if !current.health.isDoubted() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := a.connect(ctx, one.series, current.settings, current.home)
	if err != nil && !(isThrottled(err) && current.health.broken() == nil) {
		current.health.breakOff(err)
		return err
	}
	current.health.trust()
	return nil
}

// replace opens a backend with other settings. If it cannot be opened, the current one serves on.
func (a *Accounts) replace(ctx context.Context, one *account, object *v1alpha1.KMSBackend, wanted settings) (*guarded, error) {
	current, where := one.get(), home{object.Status.AccountID, object.Status.Region}
	if current != nil {
		where = current.home
	}
	begun := a.options.Clock.Now()
	opened, err := a.connect(ctx, one.series, wanted, where)
	if err != nil {
		return current, err
	}
	ask := func() { a.options.Recheck(object.Name) }
	switch last := one.last; {
	case last == nil || !opened.Inherit(last.Backend):
		opened.take(newHealth(ask, a.options.Workers), &sweeps{})
		one.series.Fresh(begun)
	case current == nil: // its Secret was gone, and whoever still holds the last one must go on with it no more
		opened.take(newHealth(ask, a.options.Workers), last.sweeps)
	default: // what the last one has under way comes to its end, or is broken off with what is begun from now on
		opened.take(last.health, last.sweeps)
		opened.health.trust()
	}
	return opened, nil
}

// account is that of the KMSBackend: a new one for one that was deleted and made again.
func (a *Accounts) account(object *v1alpha1.KMSBackend) *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	one := a.open[object.Name]
	if one != nil && one.uid == object.UID {
		return one
	}
	if one != nil {
		one.end()
	}
	one = &account{uid: object.UID}
	if !a.ended {
		one.series = a.options.Metrics.Of(object.Name)
	}
	a.open[object.Name] = one
	return one
}

// Close lets the backend of the KMSBackend with that name go: what is under way is broken off.
func (a *Accounts) Close(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one := a.open[name]; one != nil {
		one.end()
		delete(a.open, name)
	}
}

// end ends the term: no backend has metrics any more.
func (a *Accounts) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	for _, one := range a.open {
		one.series.Delete()
	}
}

// end is that of a KMSBackend that was deleted.
func (a *account) end() {
	a.series.Delete()
	a.get().leave("it was deleted")
}

func (a *account) get() *guarded {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current
}

func (a *account) set(current *guarded) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current = current
	if current != nil {
		a.last = current
	}
}

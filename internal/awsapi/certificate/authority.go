// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
)

// DefaultName is the name of the CA's Secret unless somebody has a reason for another.
const DefaultName = "chatelaine-kms-ca"

const (
	// syncInterval is far below Overlap: a new CA is known to all before it signs.
	syncInterval  = time.Minute
	retryInterval = 5 * time.Second
	// syncTimeout bounds one look at the Secret.
	syncTimeout = 5 * time.Second
)

// Config is what an Authority needs.
type Config struct {
	// Client needs get, create and update on Secrets in Namespace.
	Client    kubernetes.Interface
	Namespace string
	// Name of the Secret; usually DefaultName.
	Name string
	// Names are the DNS names and IP addresses that certificates are for, see ServiceNames.
	Names []string
	Clock clock.Clock
	Log   logr.Logger
}

// Authority issues this process's certificate under the CA in the Secret. It is safe for concurrent use.
type Authority struct {
	shown

	config  Config
	subject subject

	mu      sync.Mutex // held while looking
	content *content   // what certificates are issued from; nil at first
	leaf    *leaf
	lastErr error
}

// NewAuthority returns an Authority without a certificate: Sync or Run gets one. It is an error if one of the names is none.
func NewAuthority(config Config) (*Authority, error) {
	subject, err := parseNames(config.Names)
	if err != nil {
		return nil, fmt.Errorf("names of the endpoint's certificate: %w", err)
	}
	return &Authority{config: config, subject: subject}, nil
}

// Run keeps the certificate and the bundle in step with the Secret, and renews and rotates, until ctx ends. Failures are
// logged and tried again.
func (a *Authority) Run(ctx context.Context) error {
	for {
		next := syncInterval
		if err := a.Sync(ctx); err != nil {
			next = retryInterval
		}
		if !sleep(ctx, a.config.Clock, next) {
			return nil
		}
	}
}

// sleep says whether the time has passed, and not ctx ended.
func sleep(ctx context.Context, clock clock.Clock, d time.Duration) bool {
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}

// Sync reads the Secret, makes it if there is none, takes the step of a rotation that is due, and renews the certificate if
// that is due. Where the Secret cannot be read or used, the CA known before stays in use, and there is an error: an
// *InvalidError if the Secret holds something else, which is never overwritten.
func (a *Authority) Sync(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	found, err := a.ensure(ctx)
	for _, candidate := range []*content{found, a.content} {
		if candidate == nil {
			continue
		}
		useErr := a.use(candidate)
		if useErr == nil {
			break
		}
		if err == nil {
			err = useErr
		}
	}
	a.report(err)
	a.lastErr = err
	return err
}

// use shows a certificate under this CA, a new one if that is due, and the bundle, if clients will accept it.
func (a *Authority) use(c *content) error {
	now := a.config.Clock.Now()
	if c.current.expired(now) {
		return a.invalid(fmt.Errorf("%s expired at %s", entryCurrent, c.current.certificate.NotAfter.UTC().Format(time.RFC3339)))
	}
	serve := a.leaf
	if !serve.good(c.current, now) {
		var err error
		if serve, err = c.current.issue(a.subject, now); err != nil {
			return a.invalid(err)
		}
	}
	bundle := c.trusted(now)
	if err := serve.verify(bundle, now); err != nil {
		return a.invalid(fmt.Errorf("clients that trust %s would refuse a certificate from %s: %w", entryBundle, entryCurrent, err))
	}
	a.tell(c, serve)
	a.content, a.leaf = c, serve
	a.show(serve.served, encodeCertificates(bundle))
	return nil
}

// tell logs what is new.
func (a *Authority) tell(c *content, serve *leaf) {
	if a.content == nil || !a.content.current.certificate.Equal(c.current.certificate) {
		a.config.Log.Info("certificates are issued by this CA", "secret", a.location(),
			"subject", c.current.certificate.Subject.String(), "notAfter", c.current.certificate.NotAfter, "managed", c.managed)
	}
	if a.leaf != serve {
		issued := serve.served.Leaf
		a.config.Log.Info("issued the endpoint's certificate", "names", describe(issued), "notAfter", issued.NotAfter)
	}
}

// report logs a failure once, not every few seconds.
func (a *Authority) report(err error) {
	log := a.config.Log.WithValues("secret", a.location())
	switch {
	case err != nil && (a.lastErr == nil || a.lastErr.Error() != err.Error()):
		log.Error(err, "the CA's Secret could not be read or written, what is known stays in use")
	case err == nil && a.lastErr != nil:
		log.Info("the CA's Secret can be read and written again")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/accesskeys"
	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
	"github.com/chatelaine-dev/chatelaine/internal/identity/sessionsecret"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// endpoint serves AWS's API from the keyrings that are open.
type endpoint struct {
	options   Options
	handler   *awsapi.Handler
	parts     []part // what keeps it up to date
	https     *tls.Config
	listeners []listener
	callers   <-chan struct{} // closed when people's access keys are known
	serving   chan struct{}   // closed when every request can be answered
}

// part is something that runs beside the endpoint until ctx is done.
type part func(ctx context.Context) error

// listener is one address that is served.
type listener struct {
	net.Listener
	tls *tls.Config
}

// newEndpoint puts the endpoint together and takes its addresses, so that one that is in use shows at once.
func newEndpoint(
	ctx context.Context, o Options, direct kubernetes.Interface, partition *kms.Partition, door *door, serving serving,
) (*endpoint, error) {
	log := logr.FromContextOrDiscard(ctx)
	keys := sessionsecret.New(sessionsecret.Config{
		Client: direct, Namespace: o.Namespace, Name: sessionsecret.DefaultName, Clock: o.Clock, Log: log.WithName("sessions"),
	})
	people := accesskeys.New(accesskeys.Config{Client: direct, Namespace: o.Namespace, Log: log.WithName("accesskeys")})
	sessions := identity.NewSessions(keys, o.Clock)
	e := &endpoint{
		options: o, parts: []part{keys.Run, people.Run, serving.Run}, https: serving.TLSConfig(),
		callers: people.Synced(), serving: make(chan struct{}),
	}
	e.handler = awsapi.NewHandler(awsapi.Options{
		Partition:   partition,
		Credentials: identity.Chain(sessions, people),
		Exchange: &awsapi.Exchange{
			Reviewer: serviceaccount.NewReviewer(direct, o.Clock), Sessions: sessions,
			Serves:         func(account string) bool { return slices.Contains(partition.Accounts(), account) },
			DefaultAccount: door.defaultAccount,
		},
		Recorder: audit.Log{Logger: log.WithName("audit")},
		Clock:    o.Clock,
		NewID:    awsapi.NewID,
		Log:      log.WithName("kms"),
	})
	if err := e.listen(ctx, o.KMSAddress, e.https); err != nil {
		return nil, err
	}
	return e, e.listen(ctx, o.KMSInsecureAddress, nil)
}

// listen takes an address; "0" is none. Without a TLS configuration it is for plain HTTP.
func (e *endpoint) listen(ctx context.Context, address string, config *tls.Config) error {
	if address == "0" {
		return nil
	}
	taken, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for AWS's API: %w", err)
	}
	e.listeners = append(e.listeners, listener{taken, config})
	return nil
}

// run serves until ctx is done. It begins when the keyrings are open, the callers known and a certificate there: before,
// requests would be refused that are good.
func (e *endpoint) run(ctx context.Context, opened <-chan struct{}) error {
	running, ctx := errgroup.WithContext(ctx)
	for _, part := range e.parts {
		running.Go(func() error { return part(ctx) })
	}
	running.Go(func() error { return e.await(ctx, opened) })
	for _, l := range e.listeners {
		running.Go(func() error {
			select {
			case <-e.serving:
			case <-ctx.Done():
				return l.Close()
			}
			logr.FromContextOrDiscard(ctx).Info("serving AWS's API", "address", l.Addr().String(), "tls", l.tls != nil)
			return awsapi.Serve(ctx, l.Listener, e.handler, l.tls)
		})
	}
	return running.Wait()
}

// await closes serving when every request can be answered.
func (e *endpoint) await(ctx context.Context, opened <-chan struct{}) error {
	for _, there := range []<-chan struct{}{opened, e.callers} {
		select {
		case <-there:
		case <-ctx.Done():
			return nil
		}
	}
	for !e.certified() {
		select {
		case <-time.After(settleInterval):
		case <-ctx.Done():
			return nil
		}
	}
	close(e.serving)
	return nil
}

// certified says whether there is a certificate to serve with, if one is needed.
func (e *endpoint) certified() bool {
	if e.options.KMSAddress == "0" {
		return true
	}
	_, err := e.https.GetCertificate(&tls.ClientHelloInfo{})
	return err == nil
}

// ready says whether requests are answered. Once they are, they always are.
func (e *endpoint) ready(*http.Request) error {
	select {
	case <-e.serving:
		return nil
	default:
		return errors.New("AWS's API is not served yet")
	}
}

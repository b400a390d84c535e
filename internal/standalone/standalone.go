// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standalone runs the software KMS without Kubernetes: one process, one directory, AWS's API. It is wiring, and
// says in words for its user what could not be wired:
//
//	DIR/kms.db      the sealed records of every account and Region (package boltstore)
//	DIR/root-key    what opens them (package rootfile)
//
// An error of Run is one line and names the way out. What works and may not be what was meant is a warning in the log.
package standalone

import (
	"context"
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"net"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
	"github.com/chatelaine-dev/chatelaine/internal/heapfloor"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/boltstore"
	"github.com/chatelaine-dev/chatelaine/internal/version"
)

// Options say what to serve. All but Certificate and Ready are needed.
type Options struct {
	// DataDir holds the keys and the root key; it is made if it does not exist. One process at a time has it.
	DataDir string
	// Listener is where AWS's API is served; Run closes it.
	Listener net.Listener
	// Certificate is what HTTPS is served with; nil for plain HTTP.
	Certificate *certificate.Files
	// AccountID has 12 digits. Each of Regions has keys of its own; clients choose by the Region that they sign for.
	AccountID string
	Regions   []string
	// CredentialsFile names the access keys, see identity.ReadCredentialsFile.
	CredentialsFile string
	Clock           clock.WithTicker
	// Ready is called once, as soon as requests are answered.
	Ready func()
}

// Run serves until ctx is done, lets the requests that are under way come to their end, and returns nil. What a client was
// answered is in the data directory, also when the process is killed.
func Run(ctx context.Context, o Options) (err error) {
	heapfloor.Keep()
	defer func() { _ = o.Listener.Close() }() // serving has closed it, but not every way leads there
	credentials, err := readCredentials(ctx, o)
	if err != nil {
		return err
	}
	db, err := boltstore.Open(o.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rings, err := newKeyrings(context.WithoutCancel(ctx), db, o) // to be told to stop is no error
	if err != nil {
		return err
	}
	return run(ctx, o, rings, credentials)
}

// run serves from the keyrings. What requests rest on is stopped after the last of them.
func run(ctx context.Context, o Options, rings *keyrings, credentials identity.Source) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	running, background := errgroup.WithContext(background)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(background, cancel)() // a part that fails ends the rest
	err := serve(ctx, background, running, o, rings, credentials)
	if errors.Is(err, context.Cause(ctx)) {
		err = nil // to be told to stop is no error, and what a part failed with is there below
	}
	stop()
	return errors.Join(err, running.Wait())
}

// serve returns when ctx is done, and leaves parts running until background is.
func serve(
	ctx, background context.Context, running *errgroup.Group, o Options, rings *keyrings, credentials identity.Source,
) error {
	if err := rings.load(ctx, background, running); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var config *tls.Config
	if o.Certificate != nil {
		running.Go(func() error { return o.Certificate.Run(background) })
		config = o.Certificate.TLSConfig()
	}
	log := logr.FromContextOrDiscard(ctx)
	handler := awsapi.NewHandler(awsapi.Options{
		Partition: rings.partition, Credentials: credentials, Recorder: audit.Log{Logger: log.WithName("audit")},
		Clock: o.Clock, NewID: awsapi.NewID, Log: log.WithName("kms"),
	})
	warnOfPlainHTTP(ctx, o)
	log.Info("serving AWS's API", "version", version.Version, "address", o.Listener.Addr().String(), "tls", config != nil,
		"fips140", fips140.Enabled(), "account", o.AccountID, "regions", o.Regions, "dataDir", o.DataDir)
	if o.Ready != nil {
		o.Ready() // the kernel keeps connections that come before the next line
	}
	if err := awsapi.Serve(ctx, o.Listener, handler, config); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

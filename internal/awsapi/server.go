// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/net/netutil"
)

const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	// answerTimeout covers carrying out a request as well: longer than writeTimeout.
	answerTimeout   = time.Minute
	idleTimeout     = time.Minute
	maxHeader       = 32 << 10
	shutdownTimeout = 10 * time.Second

	// maxConnections times what one costs, some tens of KiB, has room beside the keys. One address has a share of them, so
	// that nobody shuts all others out; a proxy or a node that hides many clients behind one address fits into it.
	maxConnections        = 2048
	maxConnectionsPerHost = 512
)

// Serve serves the handler on the listener until ctx is done, then lets requests that are under way come to their end. With
// a TLS configuration it speaks HTTPS, else plain HTTP.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, tlsConfig *tls.Config) error {
	log := logr.FromContextOrDiscard(ctx)
	// HTTP/1.1 alone, as AWS's own endpoints have it. With HTTP/2 one connection would be 250 requests, so that what is
	// bounded by connections (bodies that arrive, answers that are not read) would not be; and the room of an answer could
	// not be used again once its Write has returned, since a stream that is reset may leave it with the frame writer.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Protocols:         protocols,
		Handler:           handler,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// What is wrong with a client's connection is its own business, unless somebody looks for it.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(log.V(1)), slog.LevelInfo),
	}
	listener = newHostLimit(netutil.LimitListener(listener, maxConnections), maxConnectionsPerHost)
	done := make(chan error, 1)
	go func() {
		if tlsConfig != nil {
			done <- server.ServeTLS(listener, "", "")
			return
		}
		done <- server.Serve(listener)
	}()
	select {
	case err := <-done:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		_ = server.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

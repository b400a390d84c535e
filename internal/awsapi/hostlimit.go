// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"net"
	"sync"
)

// hostLimit closes connections of an address that has as many open as it may.
type hostLimit struct {
	net.Listener
	limit int

	mu   sync.Mutex
	open map[string]int
}

func newHostLimit(listener net.Listener, limit int) *hostLimit {
	return &hostLimit{Listener: listener, limit: limit, open: map[string]int{}}
}

// Accept implements net.Listener.
func (l *hostLimit) Accept() (net.Conn, error) {
	for {
		connection, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := hostOf(connection.RemoteAddr().String())
		if l.enter(host) {
			return &counted{Conn: connection, leave: sync.OnceFunc(func() { l.leave(host) })}, nil
		}
		_ = connection.Close()
	}
}

func (l *hostLimit) enter(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[host] >= l.limit {
		return false
	}
	l.open[host]++
	return true
}

func (l *hostLimit) leave(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[host]--
	if l.open[host] == 0 {
		delete(l.open, host)
	}
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

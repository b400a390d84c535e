// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// connections is the number of keep-alive connections, each with one request under way at a time.
const connections = 64

// load puts a server under load as cheaply as a client can: the requests are bytes that were made and signed before, and of
// the answers only as much is read as it takes to find their ends. What it costs is part of what is measured, on the same
// processors; it is the same for every server.
type load struct {
	connections []*connection
	elapsed     time.Duration
}

// connection sends its own request again and again.
type connection struct {
	net.Conn

	request []byte
	buffer  [16 << 10]byte
	took    []time.Duration
}

func dial(b *testing.B, address string) *load {
	b.Helper()
	l := &load{}
	for range connections {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		l.connections = append(l.connections, &connection{Conn: conn})
	}
	return l
}

// prepare gives every connection its request and forgets what was measured.
func (l *load) prepare(requests [][]byte) {
	l.elapsed = 0
	for i, c := range l.connections {
		c.request, c.took = requests[i], c.took[:0]
	}
}

// run keeps every connection busy for a time.
func (l *load) run(b *testing.B, duration time.Duration) {
	b.Helper()
	start := time.Now()
	var wg sync.WaitGroup
	for _, c := range l.connections {
		wg.Go(func() {
			for begin := time.Now(); begin.Sub(start) < duration; {
				if _, err := c.exchange(); err != nil {
					b.Error(err)
					return
				}
				end := time.Now()
				c.took = append(c.took, end.Sub(begin))
				begin = end
			}
		})
	}
	wg.Wait()
	l.elapsed += time.Since(start)
}

// measured is what a load has measured since prepare.
type measured struct {
	perSecond float64
	p50, p99  time.Duration
}

func (l *load) measured() measured {
	var all []time.Duration
	for _, c := range l.connections {
		all = append(all, c.took...)
	}
	slices.Sort(all)
	return measured{float64(len(all)) / l.elapsed.Seconds(), all[len(all)/2], all[len(all)*99/100]}
}

// exchange sends the request and returns the body of its answer, which is valid until the next exchange.
func (c *connection) exchange() ([]byte, error) {
	if _, err := c.Write(c.request); err != nil {
		return nil, err
	}
	have := 0
	for {
		n, err := c.Read(c.buffer[have:])
		if err != nil {
			return nil, err
		}
		have += n
		if body, complete, err := answer(c.buffer[:have]); complete || err != nil {
			return body, err
		}
	}
}

// answer is the body of a successful answer, as soon as all of it is there.
func answer(read []byte) (body []byte, complete bool, err error) {
	head, body, ok := bytes.Cut(read, []byte("\r\n\r\n"))
	if !ok {
		return nil, false, nil
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		return nil, false, fmt.Errorf("the server refused: %s", read)
	}
	_, rest, ok := bytes.Cut(head, []byte("\r\nContent-Length: "))
	if !ok {
		return nil, false, errors.New("the answer does not say how long it is")
	}
	digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
	length, err := strconv.Atoi(string(digits))
	return body, len(body) == length, err
}

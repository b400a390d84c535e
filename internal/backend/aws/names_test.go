// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// knowNoName has DNS answer that no name exists, until the test ends, whatever the network says. The test must not run in parallel.
func knowNoName(t *testing.T) {
	t.Helper()
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			for asked := true; asked; {
				asked = denyName(theirs) == nil
			}
		}()
		return ours, nil
	}}
}

// denyName answers one question, which comes after its length as over TCP (RFC 1035, 4.1.1 and 4.2.2).
func denyName(server net.Conn) error {
	var length [2]byte
	if _, err := io.ReadFull(server, length[:]); err != nil {
		return err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(server, message); err != nil {
		return err
	}
	const response, nameError = 0x80, 3
	message[2] |= response
	message[3] = response | nameError // and recursion is available
	_, err := server.Write(append(length[:], message...))
	return err
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
)

// FreeAddress is a local address, host:port, that nothing listens on until the test has something listen there. On Linux it is kept
// for the test until that ends: nobody who asks the system for a port, for a listener or for the near end of a connection, is given
// it, however long it takes until somebody listens there, and also between two who do.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	address, release, err := HoldAddress()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(release)
	return address
}

// HoldAddress is FreeAddress for who is no test: the address is kept until release is called, or the process ends.
func HoldAddress() (address string, release func(), err error) {
	held, err := holdAddress()
	if err != nil {
		return "", nil, err
	}
	return held.address.String(), held.release, nil
}

// heldAddress is one that the system gives to nobody.
type heldAddress struct {
	address netip.AddrPort
	release func()
}

// holdAddress binds a socket that never listens. Linux lets another one listen at its address if both have SO_REUSEADDR, which every
// listener of Go's has. Other systems do not, so that there the address is only what was free a moment ago.
func holdAddress() (heldAddress, error) {
	syscall.ForkLock.RLock() // so that no process that is started meanwhile inherits it
	defer syscall.ForkLock.RUnlock()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return heldAddress{}, fmt.Errorf("taking a local address: %w", err)
	}
	syscall.CloseOnExec(socket)
	release := func() { _ = syscall.Close(socket) } // there is nothing left to be done about an error
	address, err := bindLocally(socket)
	if err != nil {
		release()
		return heldAddress{}, fmt.Errorf("taking a local address: %w", err)
	}
	if runtime.GOOS != "linux" {
		release()
		release = func() {}
	}
	return heldAddress{address, release}, nil
}

func bindLocally(socket int) (netip.AddrPort, error) {
	if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return netip.AddrPort{}, err
	}
	host := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: host.As4()}); err != nil {
		return netip.AddrPort{}, err
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		return netip.AddrPort{}, err
	}
	v4, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("bound to a %T", bound)
	}
	return netip.AddrPortFrom(host, uint16(v4.Port)), nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestAFreeAddressIsGivenToNobodyElse(t *testing.T) {
	address := testenv.FreeAddress(t)
	if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("though nobody listens, a connection gives %v", err)
	}
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = elsewhere.Close() }()
	near, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"before anybody listens", "after somebody listened"} {
		if _, err := (&net.Dialer{LocalAddr: near}).Dial("tcp", elsewhere.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s, who wants it for the near end of a connection gets %v", when, err)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("%s, who it is for cannot listen there: %v", when, err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

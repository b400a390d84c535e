// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"context"
	"runtime"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// maxWaiting is how many RSA keys may be under way, those that wait for a CPU included: AWS makes about one in a second.
const maxWaiting = 32

// primes bounds the generation of RSA keys, which takes a CPU for up to some seconds each: those who encrypt or sign go on
// meanwhile. It is one for the process, as the CPUs are.
var primes = newGate(max(1, runtime.GOMAXPROCS(0)/2), maxWaiting)

// gate lets some of those who come pass at a time, some wait, and sends the others away.
type gate struct{ inside, known chan struct{} }

func newGate(inside, known int) *gate {
	return &gate{inside: make(chan struct{}, inside), known: make(chan struct{}, known)}
}

// pass calls do when it is its turn. It returns a ThrottlingException if too many wait, and gives up with the context.
func (g *gate) pass(ctx context.Context, do func() error) error {
	select {
	case g.known <- struct{}{}:
		defer func() { <-g.known }()
	default:
		return Errorf(ThrottlingException, "Too many RSA keys are being made at the moment. Reduce the frequency of your calls.")
	}
	select {
	case g.inside <- struct{}{}:
	case <-ctx.Done():
		return timedOut(ctx.Err())
	}
	defer func() { <-g.inside }()
	return do()
}

// generate makes new material. The context bounds how long it waits for its turn, not the work itself.
func generate(ctx context.Context, spec keyspec.Spec) (m material.Material, err error) {
	if spec.Family() != keyspec.FamilyRSA {
		return material.Generate(spec)
	}
	err = primes.pass(ctx, func() error {
		m, err = material.Generate(spec)
		return err
	})
	return m, err
}

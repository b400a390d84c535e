// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// beat is how long it may take to read an object from etcd and to hear from every replica, on a machine that is busy.
const beat = 200 * time.Millisecond

// pulse tells for how long what a test is about stood still: the machine, the test itself, etcd, kube-apiserver or a replica. It has
// all of them do something small, all the time.
type pulse struct {
	mu     sync.Mutex
	beaten time.Time // until when it is known
	still  []standstill
}

type standstill struct{ begun, ended time.Time }

// feel begins to feel the pulse, until the test ends.
func (w *world) feel(replicas []*replica) *pulse {
	w.t.Helper()
	p := &pulse{}
	var running sync.WaitGroup
	w.t.Cleanup(running.Wait)
	running.Go(func() {
		for begun := time.Now(); w.ctx.Err() == nil; time.Sleep(beat / 20) {
			namespace := &corev1.Namespace{}
			_ = w.env.Client.Get(w.ctx, client.ObjectKey{Name: w.namespace}, namespace) // it only has to take its time
			for _, r := range replicas {
				r.ready()
			}
			ended := time.Now()
			p.note(begun, ended)
			begun = ended
		}
	})
	return p
}

func (p *pulse) note(begun, ended time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beaten = ended
	if ended.Sub(begun) > beat {
		p.still = append(p.still, standstill{begun.Add(beat), ended})
	}
}

// stoodStill is for how long between the two times.
func (w *world) stoodStill(p *pulse, from, to time.Time) (total time.Duration) {
	w.t.Helper()
	w.await(func() (bool, string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.beaten.After(to), "the pulse beat"
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.still {
		begun, ended := s.begun, s.ended
		if begun.Before(from) {
			begun = from
		}
		if ended.After(to) {
			ended = to
		}
		total += max(0, ended.Sub(begun))
	}
	return total
}

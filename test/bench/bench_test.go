// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench measures each thing beside the floor of what anything of its kind costs, in one run; only the ratio of the
// two means anything from one machine to another. The operator, as a process of its own against a real API server, is
// measured beside the same number of objects with a status each, written by a bare client; AWS's API, also as a process of
// its own, beside a bare handler of net/http. Differences of some percent show in several runs (BENCH_COUNT) only.
package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const (
	// applied is the number of Keys from apply to Ready.
	applied = 1000
	// kept is the number of Keys in memory.
	kept = 10_000
)

// BenchmarkApplyToReady applies 1,000 Keys and waits until each is Ready. floor-s is the time that a bare client needs to
// write as many objects and their statuses on as many connections; ratio is what the operator makes of it. One writer
// applies one object after the other, as kubectl does. Four keep the API server busy all the time, so that the ratio
// comes down to its work: what a Key costs beyond the floor is the finalizer and the record.
func BenchmarkApplyToReady(b *testing.B) {
	o := startOperator(b)
	for _, writers := range []int{1, 4} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			o.writers = writers
			var floor, keys time.Duration
			for range b.N {
				floor += timed(func() { o.bareWrites(b, o.freshName("floor")) })
				keys += timed(func() { o.applyAndAwait(b, o.freshName("keys"), applied) })
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(floor.Seconds()/float64(b.N), "floor-s")
			b.ReportMetric(keys.Seconds()/float64(b.N), "keys-s")
			b.ReportMetric(keys.Seconds()/floor.Seconds(), "ratio")
		})
	}
}

// BenchmarkMemory reports the operator's resident memory with 10,000 Keys, after they were made and after a restart.
func BenchmarkMemory(b *testing.B) {
	o := startOperator(b)
	var made, restarted float64
	for range b.N {
		o.applyAndAwait(b, o.freshName("memory"), kept)
		made += o.residentMiB(b)
		o.restart(b)
		o.awaitSettled(b)
		restarted += o.residentMiB(b)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(made/float64(b.N), "MiB-made")
	b.ReportMetric(restarted/float64(b.N), "MiB-restarted")
}

func timed(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

// bareWrites creates objects with the schema of Keys, in a group that nobody reconciles, and writes onto each the status
// that a Key has when it is Ready.
func (o *operator) bareWrites(b *testing.B, namespace string) {
	o.namespace(b, namespace)
	o.each(b, applied, func(ctx context.Context, i int) error {
		object := newKey(namespace, i)
		if err := o.floor.Create(ctx, object); err != nil {
			return err
		}
		object.Status = o.readyStatus
		return o.floor.Status().Update(ctx, object)
	})
}

func (o *operator) applyAndAwait(b *testing.B, namespace string, count int) {
	o.namespace(b, namespace)
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
	defer cancel()
	watching, err := o.client.Watch(ctx, &v1alpha1.KeyList{}, client.InNamespace(namespace))
	if err != nil {
		b.Fatal(err)
	}
	defer watching.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		o.each(b, count, func(ctx context.Context, i int) error { return o.client.Create(ctx, newKey(namespace, i)) })
	})
	ready := map[string]bool{}
	for len(ready) < count {
		select {
		case event, ok := <-watching.ResultChan():
			if !ok || event.Type == watch.Error {
				b.Fatalf("the watch ended with %d of %d Keys Ready: %v", len(ready), count, event.Object)
			}
			if key, ok := event.Object.(*v1alpha1.Key); ok && isReady(key) {
				ready[key.Name] = true
			}
		case <-ctx.Done():
			b.Fatalf("%d of %d Keys are Ready: %v", len(ready), count, ctx.Err())
		}
	}
}

// each does something count times, by a few writers at once.
func (o *operator) each(b *testing.B, count int, do func(ctx context.Context, i int) error) {
	var wg sync.WaitGroup
	for w := range o.writers {
		wg.Go(func() {
			for i := w; i < count; i += o.writers {
				if err := do(b.Context(), i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func newKey(namespace string, i int) *v1alpha1.Key {
	enabled := true
	return &v1alpha1.Key{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("key-%05d", i)},
		Spec: v1alpha1.KeySpec{
			BackendRef:  &v1alpha1.BackendReference{Name: backendName},
			Description: "data at rest",
			Tags:        map[string]v1alpha1.TagValue{"team": "payments"},
			Rotation:    &v1alpha1.KeyRotation{Enabled: &enabled},
		},
	}
}

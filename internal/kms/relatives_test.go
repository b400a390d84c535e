// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// Every change of relatives is done once and loses nothing, at whichever write the process dies.
func TestAProcessThatDiesAnywhereLeavesRelativesThatTheNextOneMends(t *testing.T) {
	rotate := func(ctx context.Context, p *process, keyID string) error {
		_, err := p.services[north].Update(ctx, keyID, kms.RotateKeyOnDemand())
		return err
	}
	for name, tt := range map[string]struct {
		do   func(ctx context.Context, p *process, keyID string) error
		wait time.Duration
		// by is the write with which it is done, if not the first.
		by   int
		done func(p *process, keyID string) int
	}{
		"rotation on demand": {do: rotate, done: func(p *process, keyID string) int {
			return len(p.record(north, keyID).Rotations)
		}},
		"automatic rotation": {
			do: func(ctx context.Context, p *process, _ string) error {
				_, err := p.services[north].RunDue(ctx)
				return err
			},
			wait: 90 * day,
			done: func(p *process, keyID string) int { return len(p.record(north, keyID).Rotations) },
		},
		"replication": {
			do: func(ctx context.Context, p *process, keyID string) error {
				_, err := p.key(north, keyID).ReplicateKey(ctx, kms.ReplicateKeyInput{Region: west})
				return err
			},
			by:   2,
			done: func(p *process, keyID string) int { return len(p.relatives(keyID)) - 2 },
		},
		"change of the primary": {
			do: func(ctx context.Context, p *process, keyID string) error {
				return p.key(north, keyID).UpdatePrimaryRegion(ctx, south)
			},
			done: func(p *process, keyID string) int {
				if primary, _ := p.key(south, keyID).Relatives(); primary == south {
					return 1
				}
				return 0
			},
		},
		"change of the primary during a rotation": {
			do: func(ctx context.Context, p *process, keyID string) error {
				if err := rotate(ctx, p, keyID); err != nil {
					return err
				}
				return p.key(north, keyID).UpdatePrimaryRegion(ctx, south)
			},
			done: func(p *process, keyID string) int { return len(p.record(north, keyID).Rotations) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for writes := 0; ; writes++ {
				r := newRealm(t)
				p := r.open()
				keyID := p.newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south)
				ciphertexts := p.encrypt(keyID, nil)
				r.clock.Step(tt.wait)
				r.dieAfter(writes)
				_ = tt.do(t.Context(), p, keyID)
				r.mu.Lock()
				made, died := r.writes, r.lives == 0
				r.mu.Unlock()
				p.stop()
				r.dieAfter(-1)

				p = r.open()
				at := fmt.Sprintf("died after write %d", made)
				ciphertexts = p.encrypt(keyID, ciphertexts)
				p.checkDecrypts(keyID, ciphertexts)
				p.runDue()
				p.checkShared(keyID)
				p.checkDecrypts(keyID, p.encrypt(keyID, ciphertexts))
				want := 1
				if tt.wait == 0 && made < max(tt.by, 1) {
					want = 0
				}
				if got := tt.done(p, keyID); got != want {
					t.Errorf("%s: done %d times", at, got)
				}
				r.clock.Step(10 * time.Minute)
				p.runDue()
				p.checkShared(keyID)
				p.checkNoted(keyID)
				if t.Failed() {
					t.Fatal(at)
				}
				if !died {
					return
				}
			}
		})
	}
}

func TestTwoProcessesAtOnceConverge(t *testing.T) {
	r := newRealm(t)
	processes := []*process{r.open(), r.open()}
	keyID := processes[0].newFamily(kms.CreateKeyInput{RotationPeriodInDays: 90}, south, west)
	eventually(t, "the other process knows the key", func() bool { return len(processes[1].relatives(keyID)) == 3 })
	ciphertexts := processes[0].encrypt(keyID, nil)
	var mu sync.Mutex
	var working sync.WaitGroup
	for round := range 4 {
		r.clock.Step(90 * day)
		for i, p := range processes {
			for j, region := range regions {
				working.Go(func() {
					// Most of it is refused: which, depends on who was first.
					_, _ = p.services[region].RunDue(t.Context())
					_, _ = p.services[region].Update(t.Context(), keyID, kms.RotateKeyOnDemand())
					_ = p.key(region, keyID).UpdatePrimaryRegion(t.Context(), regions[(i+j+round)%3])
					mu.Lock()
					ciphertexts = p.encrypt(keyID, ciphertexts)
					mu.Unlock()
				})
			}
		}
		working.Wait()
	}
	// What the watches bring late is not what this is about.
	for range 2 {
		for _, p := range processes {
			p.refresh(keyID)
			p.runDue()
		}
	}
	for _, p := range processes {
		p.refresh(keyID)
		p.checkShared(keyID)
		p.checkNoted(keyID)
		p.checkDecrypts(keyID, ciphertexts)
	}
	record := processes[0].record(north, keyID)
	if len(record.Materials) != len(record.Rotations)+1 {
		t.Errorf("%d materials and %d rotations", len(record.Materials), len(record.Rotations))
	}
}

func TestTwoProcessesThatReplicateAndDestroyAtOnceAgreeOnTheReplicas(t *testing.T) {
	r := newRealm(t)
	processes := []*process{r.open(), r.open()}
	keyID := processes[0].newFamily(kms.CreateKeyInput{})
	eventually(t, "the other process knows the key", func() bool { return len(processes[1].relatives(keyID)) == 1 })
	var working sync.WaitGroup
	for range 10 {
		for _, p := range processes {
			for _, region := range []string{south, west} {
				working.Go(func() {
					// Most of it is refused: which, depends on who was first.
					_, _ = p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: region})
					_, _ = p.services[region].RunDue(t.Context())
					_ = p.rings[region].DeleteKey(t.Context(), keyID, func(*keyring.KeyRecord) error { return nil })
					_, _ = p.services[north].RunDue(t.Context())
					_, _ = p.key(north, keyID).ReplicateKey(t.Context(), kms.ReplicateKeyInput{Region: region})
				})
			}
		}
		working.Wait()
		r.clock.Step(10 * time.Minute)
		for range 2 {
			for _, p := range processes {
				p.refresh(keyID)
				p.runDue()
			}
		}
		for _, p := range processes {
			p.refresh(keyID)
			p.checkShared(keyID)
			p.checkNoted(keyID)
		}
	}
}

func TestRunBringsRelativesInStepWithoutBeingAsked(t *testing.T) {
	r := newRealm(t)
	p := r.open()
	keyID := p.newFamily(kms.CreateKeyInput{}, south)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, region := range regions {
		running.Go(func() { p.services[region].Run(ctx) })
	}
	defer running.Wait()
	defer cancel()
	eventually(t, "they sleep", r.clock.HasWaiters)
	// Another process dies between the primary's write and the replica's.
	_, err := r.open().rings[north].UpdateKey(t.Context(), keyID, func(r *keyring.KeyRecord) error {
		r.Rotation = keyring.RotationSettings{Enabled: true, PeriodInDays: 90, EnabledAt: begin}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica rotates too", func() bool { return p.record(south, keyID).Rotation.Enabled })
	update(t, p.services[north], keyID, kms.ScheduleKeyDeletion(7))
	if err := p.rings[south].DeleteKey(t.Context(), keyID, func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the primary's window begins", func() bool {
		return p.record(north, keyID).State == lifecycle.PendingDeletion
	})
}

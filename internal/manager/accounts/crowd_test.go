// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// workers are those of the controller of Keys, and crowd is how many of them may wait.
const (
	workers = 16
	crowd   = 8
)

func TestHalfOfTheWorkersMayWait(t *testing.T) {
	for count, want := range map[int]int{1: 1, 2: 1, 3: 1, workers: crowd, 100: 50} {
		if got := crowdOf(count); got != want {
			t.Errorf("of %d workers %d, want %d", count, got, want)
		}
	}
}

// hangs is a verb whose request gets no answer.
func hangs(h *health) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		h.asked("CreateKey")
		<-ctx.Done()
		h.settled("CreateKey", false)
		return 0, &backend.Error{Class: backend.Unavailable, Message: "interrupted", Err: ctx.Err()}
	}
}

// answered is a verb whose request is answered at once.
func answered(h *health) func(context.Context) (int, error) {
	return func(context.Context) (int, error) {
		h.asked("DescribeKey")
		h.settled("DescribeKey", true)
		return 1, nil
	}
}

// begin has each of the workers begin a verb, and tells how many ended because the backend is slow, and for other reasons.
func begin(h *health, verb func(context.Context) (int, error)) (slow, broken *atomic.Int32) {
	slow, broken = &atomic.Int32{}, &atomic.Int32{}
	for range workers {
		go func() {
			if _, err := guard(context.Background(), h, verb); errors.Is(err, errSlow) {
				slow.Add(1)
			} else if err != nil {
				broken.Add(1)
			}
		}()
	}
	synctest.Wait()
	return slow, broken
}

func TestABackendThatHangsHoldsHalfOfTheWorkersAfterASecondAndIsDoubtedThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		h := &health{crowd: crowd, ask: func() { asked.Add(1) }}
		slow, broken := begin(h, hangs(h))
		time.Sleep(silence - time.Millisecond)
		synctest.Wait()
		if slow.Load() != 0 || asked.Load() != 0 {
			t.Errorf("within a second %d were sent away, and it was asked %d times", slow.Load(), asked.Load())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if slow.Load() != workers-crowd || broken.Load() != 0 || asked.Load() != 1 {
			t.Errorf("after a second %d were sent away, %d otherwise, and it was asked %d times", slow.Load(), broken.Load(), asked.Load())
		}
		called := false
		_, err := guard(t.Context(), h, func(context.Context) (int, error) { called = true; return 0, nil })
		if called || !errors.Is(err, errSlow) || backend.ClassOf(err) != backend.Unavailable {
			t.Errorf("another verb: called %t, %v", called, err)
		}
		h.breakOff(errSilent)
		synctest.Wait()
		if broken.Load() != crowd || len(h.flights) != 0 {
			t.Errorf("broken off %d, and %d are under way", broken.Load(), len(h.flights))
		}
	})
}

func TestTimeInWhichTheOperatorStoodStillIsNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{crowd: crowd, ask: func() {}}
		slow, _ := begin(h, hangs(h))
		time.Sleep(silence / 2)
		h.look(time.Now().Add(-silence)) // it comes a second late
		time.Sleep(silence - time.Millisecond)
		synctest.Wait()
		if slow.Load() != 0 {
			t.Errorf("less than a second after the operator stood still, %d were sent away", slow.Load())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if slow.Load() != workers-crowd {
			t.Errorf("a second after the operator stood still, %d were sent away", slow.Load())
		}
		h.breakOff(errSilent)
	})
}

// TestAnswersThatCameWhileTheOperatorStoodStillAreReadBeforeItIsCalledSlow has one verb less wait than make a crowd when everything
// stands still.
func TestAnswersThatCameWhileTheOperatorStoodStillAreReadBeforeItIsCalledSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{crowd: crowd, ask: func() { t.Error("it was doubted") }}
		came := make(chan struct{})
		verb := func(ctx context.Context) (int, error) {
			h.asked("DescribeKey")
			<-came
			h.settled("DescribeKey", true)
			return 1, ctx.Err()
		}
		var running sync.WaitGroup
		for range crowd - 1 {
			running.Go(func() { _, _ = guard(context.Background(), h, verb) })
		}
		time.Sleep(2 * silence)
		for range workers - crowd {
			running.Go(func() {
				if _, err := guard(context.Background(), h, verb); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(came)
		running.Wait()
	})
}

func TestThoseThatHaveWaitedLongestGoOnWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{crowd: crowd, ask: func() {}}
		ended := make([]bool, workers)
		for i := range ended {
			go func() {
				_, _ = guard(context.Background(), h, hangs(h))
				ended[i] = true
			}()
			synctest.Wait()
		}
		time.Sleep(silence)
		synctest.Wait()
		for i, gone := range ended {
			if gone != (i >= crowd) {
				t.Errorf("verb %d ended: %t", i, gone)
			}
		}
		h.breakOff(errSilent)
	})
}

func TestABackendThatAnswersAgainIsUsedThoughSomeStillWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{crowd: crowd}
		h.ask = h.trust
		_, broken := begin(h, hangs(h))
		time.Sleep(silence) // and it is found to answer
		for range 10 {
			synctest.Wait()
			if _, err := guard(t.Context(), h, answered(h)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(silence / 2)
		}
		time.Sleep(silence)
		if _, err := guard(t.Context(), h, answered(h)); !errors.Is(err, errSlow) {
			t.Errorf("silent again: %v", err)
		}
		h.breakOff(errSilent)
		synctest.Wait()
		if broken.Load() != crowd {
			t.Errorf("%d were still waiting, want %d", broken.Load(), crowd)
		}
	})
}

// TestABackendThatWaitsForItsTurnIsNotSilent has all workers make keys at the rate that AWS allows for CreateKey. An answer comes
// every 250 ms, so that each verb takes four seconds.
func TestABackendThatWaitsForItsTurnIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &health{crowd: crowd}
		h.ask = h.trust
		turns := rate.NewLimiter(4, 1)
		var running sync.WaitGroup
		for range workers {
			running.Go(func() {
				for range 10 {
					_, err := guard(t.Context(), h, func(ctx context.Context) (int, error) {
						if err := turns.Wait(ctx); err != nil {
							return 0, err
						}
						h.asked("CreateKey")
						time.Sleep(200 * time.Millisecond)
						h.settled("CreateKey", true)
						return 0, ctx.Err()
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		running.Wait()
	})
}

func TestABackendThatIsAskedNothingIsNotSilent(t *testing.T) {
	for name, verb := range map[string]func(*health) func(context.Context) (int, error){
		"waits for AWS to show what was written": func(*health) func(context.Context) (int, error) {
			return func(ctx context.Context) (int, error) { time.Sleep(2 * silence); return 0, ctx.Err() }
		},
		"another service than KMS does not answer": func(h *health) func(context.Context) (int, error) {
			return func(ctx context.Context) (int, error) {
				h.asked(identifies)
				time.Sleep(2 * silence)
				h.settled(identifies, false)
				return 0, ctx.Err()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				h := &health{crowd: crowd, ask: func() { asked.Add(1) }}
				slow, broken := begin(h, verb(h))
				time.Sleep(2*silence + 1)
				synctest.Wait()
				if slow.Load() != 0 || broken.Load() != 0 || asked.Load() != 0 || len(h.flights) != 0 {
					t.Errorf("sent away %d, otherwise %d, asked %d times", slow.Load(), broken.Load(), asked.Load())
				}
			})
		})
	}
}

func TestAnswersOfABackendCountForTheOneThatTookItsPlaceToo(t *testing.T) {
	r := newRig(t)
	r.mustOpen(t, r.object("a"))
	for _, accessKey := range []string{"AKIAFIRST", "AKIASECOND"} {
		r.put(t, accessKey)
		opened := r.mustOpen(t, r.object("a"))
		h := r.Accounts.open["a"].get().health
		before := h.answers.heard
		if _, err := opened.Get(t.Context(), "alias/none"); !backend.IsNotFound(err) {
			t.Fatal(err)
		}
		if !h.answers.heard.After(before) || h.answers.owed != 0 {
			t.Errorf("%s: an answer was heard at %s, before at %s; %d are owed", accessKey, h.answers.heard, before, h.answers.owed)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// works says whether the backend can be asked.
func works(t *testing.T, b backend.Backend) bool {
	t.Helper()
	_, err := b.Get(t.Context(), "alias/none")
	return backend.IsNotFound(err)
}

// underWay begins a verb of the KMSBackend "a". end lets it come to its end, if it was not broken off, and says how it ended.
func (r *rig) underWay() (end func() error) {
	begun, finished, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	begin := sync.OnceFunc(func() { close(begun) })
	go func() {
		defer begin() // also if it may not
		_, err := guard(context.Background(), r.Accounts.open["a"].get().health, func(ctx context.Context) (string, error) {
			begin()
			select {
			case <-ctx.Done():
			case <-finished:
			}
			return "", ctx.Err()
		})
		ended <- err
	}()
	<-begun
	return func() error {
		close(finished)
		return <-ended
	}
}

// pose has the backend be in doubt, or found to answer just now, so that nothing which takes long on a busy machine raises a doubt.
func (h *health) pose(doubted bool) {
	h.trust()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubted = doubted
}

func (r *rig) removeSecret(t *testing.T) {
	t.Helper()
	if err := r.secrets.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), namespace, "aws"); err != nil {
		t.Fatal(err)
	}
}

func TestAWrongSecretStopsNoBackendThatWorks(t *testing.T) {
	for name, write := range map[string]func(*rig, *testing.T){
		"with an access key that AWS does not know": func(r *rig, t *testing.T) { r.put(t, "AKIAWRONG") },
		"without an access key":                     func(r *rig, t *testing.T) { r.put(t, "") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.newFront(t).refuse(unknownKey("AKIAWRONG"))
			first := r.mustOpen(t, r.object("a"))
			write(r, t)
			for _, doubted := range []bool{false, true, false} {
				h := r.Accounts.open["a"].get().health
				h.pose(doubted)
				end := r.underWay()
				opened, err := r.Open(t.Context(), r.object("a"))
				if opened != first || err == nil || !works(t, first) || h.isDoubted() {
					t.Errorf("doubted %t: used %t, works %t, doubted still %t, %v", doubted, opened == first, works(t, first), h.isDoubted(), err)
				}
				if err := end(); err != nil {
					t.Errorf("doubted %t: what was under way ended with %v", doubted, err)
				}
			}
		})
	}
}

func TestABackendThatDoesNotAnswerIsBrokenOffWhateverItsSecretSays(t *testing.T) {
	for name, accessKey := range map[string]string{"another access key": "AKIASECOND", "none": ""} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			first := r.mustOpen(t, r.object("a"))
			end := r.underWay()
			r.put(t, accessKey)
			r.aws.silent.Store(true)
			r.Accounts.open["a"].get().health.doubt()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if opened, err := r.Open(ctx, r.object("a")); opened != nil || err == nil {
				t.Errorf("used %t, %v", opened != nil, err)
			}
			if err := end(); backend.ClassOf(err) != backend.Unavailable {
				t.Errorf("what was under way ended with %v", err)
			}
			r.aws.silent.Store(false)
			opened, err := r.Open(t.Context(), r.object("a"))
			if opened == nil || !works(t, first) || (err != nil) != (accessKey == "") {
				t.Errorf("it answers again: used %t, %v", opened != nil, err)
			}
		})
	}
}

func TestThrottlingOfWhoTheOperatorIsStopsNothing(t *testing.T) {
	for _, operation := range []string{"GetCallerIdentity", "ListKeys"} {
		t.Run(operation, func(t *testing.T) {
			r := newRig(t)
			front, now := r.newFront(t), clocktesting.NewFakeClock(time.Now())
			r.Accounts.options.Clock = now
			first := r.mustOpen(t, r.object("a"))
			end := r.underWay()
			r.readAliases(t, first)
			front.refuse(throttled(operation))
			h := r.Accounts.open["a"].get().health
			h.doubt()
			if r.mustOpen(t, r.object("a")) != first || h.isDoubted() {
				t.Errorf("in doubt: doubted still %t", h.isDoubted())
			}
			now.Step(time.Hour)
			if identity, err := first.Identify(t.Context()); err != nil || identity.AccountID != accountID || identity.Region != region {
				t.Errorf("asked after an hour: %+v, %v", identity, err)
			}
			r.put(t, "AKIASECOND")
			if opened, err := r.Open(t.Context(), r.object("a")); opened != first || backend.ClassOf(err) != backend.Throttled {
				t.Errorf("another access key: used still %t, %v", opened == first, err)
			}
			if opened, err := r.Open(t.Context(), r.object("b")); opened != nil || backend.ClassOf(err) != backend.Throttled {
				t.Errorf("nothing was open: used %t, %v", opened != nil, err)
			}
			if err := end(); err != nil || !works(t, first) {
				t.Errorf("what was under way ended with %v; works %t", err, works(t, first))
			}
		})
	}
}

// TestThrottlingMakesNoBackendUsedAgain has one that led to another account: that it is throttled says nothing of the account.
func TestThrottlingMakesNoBackendUsedAgain(t *testing.T) {
	r := newRig(t)
	front, now := r.newFront(t), clocktesting.NewFakeClock(time.Now())
	r.Accounts.options.Clock = now
	first := r.mustOpen(t, r.object("a"))
	r.aws.account.Store("444455556666")
	now.Step(time.Hour)
	if _, err := first.Identify(t.Context()); reasonOf(err) != v1alpha1.ReasonAccountChanged {
		t.Fatal(err)
	}
	front.refuse(throttled("GetCallerIdentity"))
	if opened, err := r.Open(t.Context(), r.object("a")); opened != nil || err == nil || works(t, first) {
		t.Errorf("used %t, %v, works %t", opened != nil, err, works(t, first))
	}
}

// refusesAll calls each verb of the backend, and says which of them do not end because the backend is not used any longer.
func refusesAll(t *testing.T, b backend.Backend) {
	t.Helper()
	ofContext := reflect.TypeFor[context.Context]()
	verbs := 0
	for method, value := range reflect.ValueOf(b).Methods() {
		if method.Type.NumIn() < 2 || method.Type.In(1) != ofContext {
			continue
		}
		verbs++
		in := []reflect.Value{reflect.ValueOf(t.Context())}
		for i := range value.Type().NumIn() - 1 {
			in = append(in, reflect.Zero(value.Type().In(i+1)))
		}
		out := value.Call(in)
		err, _ := reflect.TypeAssert[error](out[len(out)-1])
		if backend.ClassOf(err) != backend.Unavailable || !strings.Contains(fmt.Sprint(err), "is not used any longer: ") {
			t.Errorf("%s: %v", method.Name, err)
		}
	}
	if verbs < 12 {
		t.Errorf("%d verbs only were found", verbs)
	}
}

func TestNoRequestGoesOutWithAnAccessKeyThatWasTakenAway(t *testing.T) {
	for name, takeAway := range map[string]func(*rig, *testing.T){
		"its Secret is gone": func(r *rig, t *testing.T) {
			r.removeSecret(t)
			if opened, err := r.Open(t.Context(), r.object("a")); opened != nil || !isGone(err) {
				t.Errorf("used %t, %v", opened != nil, err)
			}
			r.put(t, "AKIAFIRST")
		},
		"its KMSBackend is gone": func(r *rig, _ *testing.T) { r.Close("a") },
		"another KMSBackend of that name came": func(r *rig, t *testing.T) {
			object := r.object("a")
			object.UID = "another"
			r.mustOpen(t, object)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			front := r.newFront(t)
			earlier := r.mustOpen(t, r.object("a"))
			r.put(t, "AKIASECOND")
			last := r.mustOpen(t, r.object("a"))
			end := r.underWay()
			takeAway(r, t)
			if err := end(); backend.ClassOf(err) != backend.Unavailable || !strings.Contains(fmt.Sprint(err), "is not used any longer: ") {
				t.Errorf("what was under way ended with %v", err)
			}
			asked := front.count()
			refusesAll(t, earlier)
			refusesAll(t, last)
			if now := front.count(); now != asked {
				t.Errorf("%d requests went out", now-asked)
			}
			if again := r.mustOpen(t, r.object("a")); !works(t, again) || works(t, last) || works(t, earlier) {
				t.Errorf("opened again: works %t, and the last one %t, the one before %t", works(t, again), works(t, last), works(t, earlier))
			}
		})
	}
}

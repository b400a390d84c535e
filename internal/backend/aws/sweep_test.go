// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// ears hears of changes.
type ears struct {
	mu    sync.Mutex
	heard []string
}

func listen(t *testing.T, b *Backend) *ears {
	t.Helper()
	e := &ears{}
	t.Cleanup(b.Watch(func(owner backend.Owner) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard = append(e.heard, owner.Name)
	}))
	return e
}

// take are the names heard since the last time, each once.
func (e *ears) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := slices.Compact(slices.Sorted(slices.Values(e.heard)))
	e.heard = nil
	return names
}

// watched is a world with two keys, of which every change is heard.
type watched struct {
	*endpoint
	*proxy
	b          *Backend
	ears       *ears
	key, other *backend.Key
}

func newWatched(t *testing.T, tagging bool) *watched {
	t.Helper()
	w := &watched{endpoint: newEndpoint(t)}
	w.proxy = newProxy(t, w.endpoint)
	w.tagging = tagging
	w.b = open(t, settings(w.proxy.url(), w.endpoint.clock))
	w.key, w.other = ready(t, w.b, "key"), ready(t, w.b, "other")
	w.ears = listen(t, w.b)
	return w
}

// everyLook sweeps as often as it takes to look at each key.
func (w *watched) everyLook(t *testing.T) {
	t.Helper()
	for range 50 {
		sweep(t, w.b)
	}
}

func TestAQuietAccountIsToldOfNothing(t *testing.T) {
	for _, tagging := range []bool{true, false} {
		w := newWatched(t, tagging)
		w.everyLook(t)
		w.everyLook(t)
		for _, name := range w.ears.take() {
			t.Errorf("with tagging %t, %s is said to have changed", tagging, name)
		}
	}
}

func TestASweepFindsWhatListsTell(t *testing.T) {
	for name, do := range map[string]func(*testing.T, *watched){
		"an alias that was deleted": func(t *testing.T, w *watched) {
			if err := w.service.DeleteAlias(t.Context(), "alias/key", w.key.ID); err != nil {
				t.Fatal(err)
			}
		},
		"an alias that was added": func(t *testing.T, w *watched) {
			if err := w.service.CreateAlias(t.Context(), "alias/another", w.key.ID); err != nil {
				t.Fatal(err)
			}
		},
		"tags that were changed": func(t *testing.T, w *watched) {
			w.outside(t, w.key.ID, kms.TagResource(map[string]string{"team": "others"}))
		},
		"owner tags that were taken away": func(t *testing.T, w *watched) {
			w.outside(t, w.key.ID, kms.UntagResource("kms.chatelaine.dev/cluster", "kms.chatelaine.dev/namespace", "kms.chatelaine.dev/name",
				"kms.chatelaine.dev/uid"))
			w.b.credit = 1
		},
		"a key that is gone": func(t *testing.T, w *watched) { w.destroy(t, w.key.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, true)
			do(t, w)
			sweep(t, w.b)
			if heard := w.ears.take(); !slices.Equal(heard, []string{"key"}) {
				t.Errorf("heard of %v, want of key", heard)
			}
			want, err := w.service.DescribeKey(t.Context(), w.key.ID)
			if err != nil {
				if _, err := w.b.Get(t.Context(), w.key.ID); !backend.IsNotFound(err) {
					t.Errorf("it is gone, and told: %v", err)
				}
				return
			}
			got := get(t, w.b, w.key.ID)
			if !slices.Equal(got.Aliases, want.Aliases) || got.Tags["team"] != want.Tags["team"] || len(got.Tags) != len(want.Tags) {
				t.Errorf("it is told as %+v, and is %+v", got, want)
			}
		})
	}
}

func TestAKeyIsLookedAtInDepthInTurnOrWhenAsked(t *testing.T) {
	changed := policy.BaseDocument("arn:aws:iam::"+account+":root", account)
	changed.Statements[0].Sid = "changed"
	for name, change := range map[string]kms.Mutation{
		"disabled":             kms.DisableKey(),
		"described otherwise":  kms.UpdateKeyDescription("by somebody else"),
		"rotation turned off":  kms.DisableKeyRotation(),
		"rotated":              kms.RotateKeyOnDemand(),
		"another policy":       kms.PutKeyPolicy(changed.String()),
		"tagged":               kms.TagResource(map[string]string{"by": "somebody else"}),
		"scheduled to go":      kms.ScheduleKeyDeletion(7),
		"rotated otherwise":    kms.EnableKeyRotation(100),
		"tagged, and disabled": kms.DisableKey(),
	} {
		for way, look := range map[string]func(*testing.T, *watched){
			"in turn": func(t *testing.T, w *watched) { w.everyLook(t) },
			"asked": func(t *testing.T, w *watched) {
				if err := w.b.Verify(t.Context(), w.key.ID); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				w := newWatched(t, false)
				w.endpoint.clock.Step(time.Hour)
				w.outside(t, w.key.ID, change)
				look(t, w)
				if heard := w.ears.take(); !slices.Equal(heard, []string{"key"}) {
					t.Errorf("heard of %v, want of key", heard)
				}
				got, fresh := get(t, w.b, w.key.ID), get(t, open(t, settings(w.endpoint.url(), w.endpoint.clock)), w.key.ID)
				if diff := cmp.Diff(fresh, got, cmpopts.EquateApproxTime(time.Minute)); diff != "" {
					t.Errorf("it is told otherwise than it is (-is +told):\n%s", diff)
				}
				document, err := w.b.Policy(t.Context(), w.key.ID)
				if err != nil || (name == "another policy") != strings.Contains(document, `"changed"`) {
					t.Errorf("policy %s, %v", document, err)
				}
				if at, known := w.b.Verified(w.key.ID); !known || !at.Equal(w.endpoint.clock.Now()) {
					t.Errorf("verified at %s, known %t", at, known)
				}
			})
		}
	}
}

func TestTheTaggingAPIIsAskedAgainAfterAnHour(t *testing.T) {
	w := newWatched(t, false)
	if calls := w.counted(func() { sweep(t, w.b) }); calls["GetResources"] != 0 {
		t.Errorf("it is not there and was asked: %v", calls)
	}
	w.endpoint.clock.Step(61 * time.Minute)
	w.tagging = true
	if calls := w.counted(func() { sweep(t, w.b) }); calls["GetResources"] != 1 {
		t.Errorf("an hour later: %v", calls)
	}
}

func TestOnlyAnAnswerAboutTheTaggingAPIHasItLeftAlone(t *testing.T) {
	for code, refused := range map[string]bool{
		"ExpiredTokenException": false, "UnrecognizedClientException": false, "InvalidSignatureException": false, "RequestExpired": false,
		"MissingAuthenticationTokenException": false, "InternalServiceException": false, "ThrottledException": false,
		"AccessDeniedException": true, "UnknownOperationException": true,
	} {
		t.Run(code, func(t *testing.T) {
			w := newWatched(t, true)
			w.inject(fault{operation: "GetResources", code: code, status: 400})
			if err := w.b.Sweep(t.Context()); (err == nil) != refused {
				t.Errorf("a sweep: %v", err)
			}
			w.heal()
			calls := w.counted(func() { sweep(t, w.b) })
			if asked := calls["GetResources"] == 1; asked == refused {
				t.Errorf("at the next sweep it is asked again: %t", asked)
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// hollow has the answers to one operation be such as AWS never gives.
type hollow struct {
	mu        sync.Mutex
	operation string
	spoil     func(in, out map[string]any)
	asks      int
}

func (h *hollow) be(operation string, spoil func(in, out map[string]any)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operation, h.spoil, h.asks = operation, spoil, 0
}

func (h *hollow) asked(operation string, in map[string]any) (code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if operation == h.operation {
		h.asks++
		for _, marker := range []string{"Marker", "PaginationToken"} { // of those that it makes up our endpoint knows nothing
			delete(in, marker)
		}
	}
	return ""
}

func (h *hollow) answered(operation string, in, out map[string]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if operation == h.operation {
		h.spoil(in, out)
	}
}

// newHollow is a world with a Tagging API.
func newHollow(t *testing.T) (*endpoint, *hollow, *Backend) {
	t.Helper()
	w, h := newEndpoint(t), &hollow{}
	p := newProxy(t, w)
	p.tagging = true
	behind := *w
	behind.place = p.place
	return w, h, open(t, settings(newFront(t, &behind, &front{asked: h.asked, answered: h.answered}).url(), clock.RealClock{}))
}

func isLacking(t *testing.T, operation string, err error) {
	t.Helper()
	if backend.ClassOf(err) != backend.Unavailable || !strings.Contains(err.Error(), ":"+operation+": the answer lacks ") {
		t.Errorf("%s: %v", operation, err)
	}
}

func TestAnEmptyAnswerIsNone(t *testing.T) {
	w, h, b := newHollow(t)
	in := symmetric("key")
	in.Spec, in.Usage = "ECC_NIST_P256", "SIGN_VERIFY"
	id := create(t, b, in).ID
	apply(t, b, id, backend.PutAlias{Name: "alias/key"})
	for of, do := range map[string]func(context.Context) error{
		"DescribeKey": func(ctx context.Context) error { return b.Verify(ctx, id) },
		"DescribeKey of an alias": func(ctx context.Context) error {
			_, err := b.holderNow(ctx, id, "alias/key")
			return err
		},
		"GetKeyPolicy": func(ctx context.Context) error {
			_, err := b.Policy(ctx, id)
			return err
		},
		"GetPublicKey": func(ctx context.Context) error {
			_, err := b.PublicKey(ctx, id)
			return err
		},
		"CreateKey": func(ctx context.Context) error {
			_, err := b.Create(ctx, symmetric("another"))
			return err
		},
	} {
		operation, _, _ := strings.Cut(of, " ")
		h.be(operation, func(_, out map[string]any) { clear(out) })
		isLacking(t, operation, do(t.Context()))
		h.be("", nil)
		if err := do(t.Context()); err != nil {
			t.Errorf("%s is answered again: %v", operation, err)
		}
	}
	if w.keys() != 2 {
		t.Errorf("%d keys for two owners", w.keys())
	}
}

func TestWhoDoesNotSayWhoTheOperatorIsIsNotTakenForAWS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>")
	}))
	t.Cleanup(server.Close)
	_, err := open(t, settings(server.URL, clock.RealClock{})).Identify(t.Context())
	isLacking(t, "GetCallerIdentity", err)
}

func TestAListThatDoesNotSayWhereItGoesOnIsReadNoFurther(t *testing.T) {
	_, h, b := newHollow(t)
	id := create(t, b, symmetric("key")).ID
	for operation, do := range map[string]func(context.Context) error{
		"ListAliases": func(ctx context.Context) error {
			_, err := b.readAliases(ctx, b.clock.Now())
			return err
		},
		"ListKeys": func(ctx context.Context) error {
			_, err := b.listKeys(ctx)
			return err
		},
		"ListGrants":       func(ctx context.Context) error { return b.readGrants(ctx, id) },
		"ListKeyRotations": func(ctx context.Context) error { return b.readHistory(ctx, id) },
		"GetResources": func(ctx context.Context) error {
			_, err := b.readListing(ctx, b.clock.Now())
			return err
		},
	} {
		for marker, pages := range map[string]int{"": 1, "the same": 2} {
			h.be(operation, func(_, out map[string]any) {
				out["Truncated"], out["NextMarker"], out["PaginationToken"] = true, marker, marker
			})
			if operation == "GetResources" && marker == "" {
				continue // its end
			}
			isLacking(t, operation, do(t.Context()))
			if h.asks != pages {
				t.Errorf("%s was asked %d times, want %d", operation, h.asks, pages)
			}
		}
	}
}

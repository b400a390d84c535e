// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// declaredGrant is what a Key of that name declares.
func declaredGrant(key, name string, operations ...string) backend.Grant {
	return backend.Grant{
		Name: backend.GrantName(owner(key), name), Grantee: "arn:aws:iam::" + account + ":role/app", Operations: operations,
	}
}

func grantsNow(t *testing.T, b *Backend, keyID string) []backend.Grant {
	t.Helper()
	list, err := b.Grants(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// wantSame compares grants, in whatever order, by what they allow.
func wantSame(t *testing.T, has []backend.Grant, want ...backend.Grant) {
	t.Helper()
	if len(has) != len(want) {
		t.Fatalf("grants are %v, want %v", has, want)
	}
	for _, grant := range want {
		if !slices.ContainsFunc(has, grant.SameAs) {
			t.Fatalf("grants are %v, want %v", has, want)
		}
	}
}

func TestGrantsAreACallEachAndAreReadOnceByAnotherProcess(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), w.clock))
	id := ready(t, b, "orders").ID
	first, second := declaredGrant("orders", "first", "Decrypt"), declaredGrant("orders", "second", "Encrypt")
	changed := declaredGrant("orders", "first", "Encrypt")
	calls := p.counted(func() {
		wantSame(t, grantsNow(t, b, id))
		apply(t, b, id, backend.PutGrant{Grant: first}, backend.PutGrant{Grant: second})
		has := grantsNow(t, b, id)
		wantSame(t, has, first, second)
		apply(t, b, id, backend.PutGrant{Grant: first})
		i := slices.IndexFunc(has, first.SameAs)
		apply(t, b, id, backend.PutGrant{Grant: changed, Replaces: []string{has[i].ID}})
		wantSame(t, grantsNow(t, b, id), changed, second)
	})
	if diff := cmp.Diff(map[string]int{"CreateGrant": 3, "RevokeGrant": 1}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	restarted := open(t, settings(p.url(), w.clock))
	get(t, restarted, id)
	calls = p.counted(func() {
		for range 3 {
			wantSame(t, grantsNow(t, restarted, id), changed, second)
		}
	})
	if diff := cmp.Diff(map[string]int{"ListGrants": 1}, calls); diff != "" {
		t.Errorf("calls of another process (-want +got):\n%s", diff)
	}
}

func TestAGrantWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), w.clock))
	id := ready(t, b, "orders").ID
	grant := declaredGrant("orders", "app", "Decrypt", "Encrypt")
	p.inject(
		fault{operation: "CreateGrant", times: 2, afterEffect: true},
		fault{operation: "CreateGrant", times: 1, afterEffect: true, code: "KMSInternalException", status: http.StatusInternalServerError},
	)
	apply(t, b, id, backend.PutGrant{Grant: grant})
	wantSame(t, grantsNow(t, b, id), grant)
	wantSame(t, grantsNow(t, open(t, settings(p.url(), w.clock)), id), grant)
	if counts := p.counts(); counts["CreateGrant"] != 4 {
		t.Errorf("CreateGrant was called %d times", counts["CreateGrant"])
	}
	p.inject(fault{operation: "RevokeGrant", times: 1, afterEffect: true})
	apply(t, b, id, backend.RevokeGrant{ID: grantsNow(t, b, id)[0].ID, Name: grant.Name})
	wantSame(t, grantsNow(t, open(t, settings(p.url(), w.clock)), id))
}

func TestASweepFindsAGrantThatWasRevokedOutside(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), w.clock))
	id, none := ready(t, b, "orders").ID, ready(t, b, "payments").ID
	grant := declaredGrant("orders", "app", "Decrypt")
	apply(t, b, id, backend.PutGrant{Grant: grant})
	told := make(chan backend.Owner, 100)
	defer b.Watch(func(owner backend.Owner) { told <- owner })()
	key, err := w.service.Key(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.DeleteGrant(t.Context(), grantsNow(t, b, id)[0].ID); err != nil {
		t.Fatal(err)
	}
	for range 200 { // two keys gain a fifth of a call with each sweep
		w.clock.Step(10 * time.Minute)
		sweep(t, b)
	}
	wantSame(t, grantsNow(t, b, id))
	select {
	case who := <-told:
		if who != owner("orders") {
			t.Errorf("%s was told of", who)
		}
	default:
		t.Error("nobody was told")
	}
	wantSame(t, grantsNow(t, b, none))
	if lists := p.counts()["ListGrants"]; lists > 1 {
		t.Errorf("ListGrants was called %d times, also for keys without grants", lists)
	}
}

func TestVerifyReadsGrantsAtOnce(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	b := open(t, settings(w.url(), w.clock))
	id := ready(t, b, "orders").ID
	apply(t, b, id, backend.PutGrant{Grant: declaredGrant("orders", "app", "Decrypt")})
	key, err := w.service.Key(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.DeleteGrant(t.Context(), grantsNow(t, b, id)[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Verify(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wantSame(t, grantsNow(t, b, id))
}

func TestAListThatLagsBehindDoesNotUndoAGrant(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	now := clocktesting.NewFakeClock(time.Now())
	config := settings(w.url(), now)
	config.Lags.Grants = 0 // the default
	b := open(t, config)
	id := ready(t, b, "orders").ID
	grant := declaredGrant("orders", "app", "Decrypt")
	apply(t, b, id, backend.PutGrant{Grant: grant})
	key, err := w.service.Key(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.DeleteGrant(t.Context(), grantsNow(t, b, id)[0].ID); err != nil { // as if it were not shown yet
		t.Fatal(err)
	}
	verify := func() {
		t.Helper()
		if err := b.Verify(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	now.Step(4 * time.Minute)
	verify()
	wantSame(t, grantsNow(t, b, id), grant)
	now.Step(2 * time.Minute)
	verify()
	wantSame(t, grantsNow(t, b, id))
}

func TestAmongHundredsOfGrantsOfOthersAKeysOwnAreFound(t *testing.T) {
	t.Parallel()
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), w.clock))
	id := ready(t, b, "orders").ID
	own := declaredGrant("orders", "app", "Decrypt")
	for i := range 205 {
		if i == 150 {
			apply(t, b, id, backend.PutGrant{Grant: own})
		}
		key, err := w.service.Key(id)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = key.CreateGrant(t.Context(), kms.Grant{
			Name: fmt.Sprintf("of-others-%d", i), Grantee: own.Grantee, Operations: []string{"Encrypt"}, IssuingAccount: "arn:aws:iam::" + account + ":root",
		})
		if err != nil {
			t.Fatal(err)
		}
		w.clock.Step(time.Millisecond)
	}
	restarted := open(t, settings(p.url(), w.clock))
	get(t, restarted, id)
	calls := p.counted(func() { wantSame(t, grantsNow(t, restarted, id), own) })
	if calls["ListGrants"] != 3 {
		t.Errorf("calls are %v", calls)
	}
	if cost := restarted.view.costOfLook(id, false); cost < 4 {
		t.Errorf("a look at the key is reckoned to take %v calls", cost)
	}
}

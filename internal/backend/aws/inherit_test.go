// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// callers stands before an endpoint and says that each caller is the user whose access key signed the request.
func callers(t *testing.T, behind string, users map[string]string) string {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := ""
		for accessKeyID, name := range users {
			if strings.Contains(r.Header.Get("Authorization"), accessKeyID) {
				user = name
			}
		}
		if user != "" && r.Header.Get("X-Amz-Target") == "" {
			fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/%s</Arn><Account>%[1]s</Account>`+
				`</GetCallerIdentityResult></GetCallerIdentityResponse>`, account, user)
			return
		}
		onward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func identify(t *testing.T, b *Backend) backend.Identity {
	t.Helper()
	identity, err := b.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// furnished is a backend with a few keys that have all that a key can have.
func furnished(t *testing.T, config Config) (*Backend, []*backend.Key) {
	t.Helper()
	b := open(t, config)
	identify(t, b)
	var keys []*backend.Key
	for i := range 5 {
		in := symmetric(fmt.Sprintf("key-%d", i))
		in.Policy = policyOf(t, in.Owner.Name)
		key := create(t, b, in)
		keys = append(keys, apply(t, b, key.ID, backend.PutAlias{Name: "alias/" + in.Owner.Name}, backend.SetRotation{ToDays: 180}))
	}
	return b, keys
}

func policyOf(t *testing.T, sid string) string {
	t.Helper()
	return `{"Version": "2012-10-17", "Statement": [{"Sid": "` + sid + `", "Effect": "Allow", "Action": "kms:*", "Resource": "*", ` +
		`"Principal": {"AWS": "arn:aws:iam::` + account + `:root"}}]}`
}

func TestABackendWithOtherCredentialsReadsNothingThatTheOneBeforeKnew(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	before, keys := furnished(t, settings(p.url(), clock.RealClock{}))
	after := open(t, settings(p.url(), clock.RealClock{}))
	identify(t, after)
	if !after.Inherit(before) {
		t.Fatal("nothing was inherited")
	}
	calls := p.counted(func() {
		for _, key := range keys {
			if got := get(t, after, key.ID); got.Rotation.PeriodInDays != 180 || len(got.Aliases) != 1 {
				t.Errorf("key %+v", got)
			}
			owner, _ := backend.OwnerFromTags(key.Tags)
			if _, err := after.Policy(t.Context(), key.ID); err != nil {
				t.Error(err)
			}
			if _, err := after.Grants(t.Context(), key.ID); err != nil {
				t.Error(err)
			}
			if owned, err := after.Owned(t.Context(), owner); err != nil || len(owned) != 1 {
				t.Errorf("owned %v, %v", owned, err)
			}
			create(t, after, symmetric(owner.Name))
		}
	})
	if total(calls) != 0 {
		t.Errorf("calls %v", calls)
	}
	if calls := p.counted(func() { create(t, after, symmetric("another")) }); total(calls) != 1 {
		t.Errorf("to make another key: %v", calls)
	}
}

func TestWhatTheOneBeforeHasUnderWayIsKnownToTheOneAfter(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	before, keys := furnished(t, settings(p.url(), clock.RealClock{}))
	after := open(t, settings(p.url(), clock.RealClock{}))
	identify(t, after)
	var told []string
	stop := before.Watch(func(owner backend.Owner) { told = append(told, owner.Name) })
	defer stop()
	if !after.Inherit(before) {
		t.Fatal("nothing was inherited")
	}
	late := create(t, before, symmetric("late"))
	apply(t, before, keys[0].ID, backend.SetDescription{To: "written by the one before"})
	if calls := p.counted(func() {
		if got := get(t, after, keys[0].ID); got.Description != "written by the one before" {
			t.Errorf("description %q", got.Description)
		}
		if again := create(t, after, symmetric("late")); again.ID != late.ID {
			t.Error("a second key was made for one owner")
		}
	}); total(calls) != 0 {
		t.Errorf("calls %v", calls)
	}
	apply(t, after, keys[1].ID, backend.SetDescription{To: "new"})
	if !slices.Contains(told, "key-1") {
		t.Errorf("those who watch the one before were told of %v", told)
	}

	p.inject(fault{operation: "CreateKey", times: 1, afterEffect: true})
	if _, err := before.Create(t.Context(), symmetric("lost")); err == nil {
		t.Fatal("the answer arrived")
	}
	if made := create(t, after, symmetric("lost")); w.keys() != len(keys)+2 {
		t.Errorf("%d keys after %s was made again", w.keys(), made.ID)
	}
}

func TestManyWhoMakeKeysWhileCredentialsChangeMakeOneForEachOwner(t *testing.T) {
	w := newEndpoint(t)
	config := settings(w.url(), clock.RealClock{})
	config.Lags = Lags{Reads: time.Millisecond, Tagging: time.Millisecond, Grants: time.Millisecond}
	current := open(t, config)
	identify(t, current)
	const owners = 20
	var running sync.WaitGroup
	for range 5 {
		b := current
		for i := range owners {
			running.Go(func() {
				key, err := b.Create(t.Context(), symmetric(fmt.Sprintf("key-%d", i)))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := b.Apply(t.Context(), key.ID, []backend.Change{backend.SetRotation{ToDays: 90}}); err != nil {
					t.Error(err)
				}
			})
		}
		next := open(t, config)
		identify(t, next)
		if !next.Inherit(current) {
			t.Fatal("nothing was inherited")
		}
		current = next
	}
	running.Wait()
	if w.keys() != owners {
		t.Errorf("%d keys for %d owners", w.keys(), owners)
	}
}

func TestABackendOfAnotherPlaceInheritsNothing(t *testing.T) {
	w, other := newEndpoint(t), newEndpoint(t)
	before, _ := furnished(t, settings(w.url(), clock.RealClock{}))
	for name, config := range map[string]Config{
		"another endpoint": settings(other.url(), clock.RealClock{}),
		"another cluster": func() Config {
			c := settings(w.url(), clock.RealClock{})
			c.ClusterUID = "another"
			return c
		}(),
	} {
		after := open(t, config)
		identify(t, after)
		if after.Inherit(before) || after.memory == before.memory {
			t.Error(name)
		}
	}
	for name, identity := range map[string]backend.Identity{"another account": {AccountID: "444455556666"}, "nobody knows whose": {}} {
		after := open(t, settings(w.url(), clock.RealClock{}))
		after.identity.identity = identity
		if after.Inherit(before) {
			t.Error(name)
		}
	}
}

func TestWhatAnotherPrincipalMayReadIsLookedAtAgainBeforeAKeyIsMade(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	users := map[string]string{accessKey: "first"}
	config := settings(callers(t, p.url(), users), clock.RealClock{})
	hidden := create(t, open(t, config), symmetric("orders"))
	before := open(t, config)
	identify(t, before)
	create(t, before, symmetric("another")) // it scans; the tags of hidden are read
	before.view.remove(hidden.ID)
	before.view.meet(hidden.ID, nil, time.Now(), time.Now()) // as they are when its policy keeps the first user out

	same := open(t, config)
	identify(t, same)
	if !same.Inherit(before) || !same.opened.Equal(before.opened) {
		t.Error("the same principal starts anew")
	}
	users[accessKey] = "second"
	after := open(t, config)
	if identity := identify(t, after); !strings.HasSuffix(identity.PrincipalARN, ":user/second") {
		t.Fatalf("identity %+v", identity)
	}
	if !after.Inherit(before) {
		t.Fatal("nothing was inherited")
	}
	if key := create(t, after, symmetric("orders")); key.ID != hidden.ID || w.keys() != 2 {
		t.Errorf("made %s, and %s was there", key.ID, hidden.ID)
	}
}

// TestOneKeyThatKeepsTheOperatorOutStopsNothingAfterAChangeOfCredentials has a key of others whose tags nobody may read, the first
// of all that a backend meets which knows its own keys from the one before it.
func TestOneKeyThatKeepsTheOperatorOutStopsNothingAfterAChangeOfCredentials(t *testing.T) {
	for name, principal := range map[string]string{"the same principal": "first", "another principal": "second"} {
		t.Run(name, func(t *testing.T) {
			w := newEndpoint(t)
			p := newProxy(t, w)
			users := map[string]string{accessKey: "first"}
			config := settings(callers(t, p.url(), users), clock.RealClock{})
			config.Lags = Lags{Reads: time.Millisecond, Tagging: time.Millisecond, Grants: time.Millisecond}
			before := open(t, config)
			identify(t, before)
			create(t, before, symmetric("one"))
			before.tagsAllowed.Store(principal == "first")
			users[accessKey] = principal
			after := open(t, config)
			identify(t, after)
			if !after.Inherit(before) {
				t.Fatal("nothing was inherited")
			}
			other := config
			other.ClusterUID = "another"
			hidden := symmetric("hidden")
			hidden.Owner.Cluster = "another"
			create(t, open(t, other), hidden)
			time.Sleep(10 * time.Millisecond)
			p.inject(fault{operation: "ListResourceTags", code: "AccessDeniedException", status: 400, times: 1})
			if _, err := after.Create(t.Context(), symmetric("two")); err != nil {
				t.Errorf("no key can be made any more: %v", err)
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/plan"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// declared is what a Key and its KeyPolicies declare of a key.
type declared struct {
	plan.Key
	sid     string // of a statement of the key policy
	grants  []backend.Grant
	deleted bool
}

func (d declared) policy() string {
	document := policy.BaseDocument("arn:aws:iam::"+account+":root", account)
	document.Statements[0].Sid = d.sid
	return document.String()
}

// keeper does for a Key what its controller does, and remembers what its status does: which aliases and tags it gave the key.
type keeper struct {
	b       *Backend
	id      string
	aliases []string
	tags    []string
}

// pass makes the key as it is declared, and says whether nothing was left to do.
func (k *keeper) pass(t *testing.T, want declared) (settled bool, err error) {
	t.Helper()
	key, err := k.b.Get(t.Context(), k.id)
	if err != nil {
		return false, err
	}
	if want.deleted {
		_, err := k.b.ScheduleDeletion(t.Context(), k.id, 7)
		return err == nil && key.State == backend.StatePendingDeletion, err
	}
	want.ManagedAliases, want.ManagedTagKeys = k.aliases, k.tags
	changes := plan.Diff(want.Key, key, time.Now()).Now
	if len(changes) > 0 {
		after, applied := k.b.Apply(t.Context(), k.id, changes)
		if after != nil {
			key = after
		}
		err = applied
	}
	k.aliases = slices.DeleteFunc(slices.Concat(k.aliases, want.Aliases), func(name string) bool { return !slices.Contains(key.Aliases, name) })
	k.tags = slices.DeleteFunc(slices.AppendSeq(k.tags, maps.Keys(want.Tags)), func(name string) bool { _, has := key.Tags[name]; return !has })
	if err != nil {
		return false, err
	}
	others, err := k.restOf(t, want)
	if err != nil {
		return false, err
	}
	if len(others) > 0 {
		_, err = k.b.Apply(t.Context(), k.id, others)
	}
	return err == nil && len(changes)+len(others) == 0, err
}

// restOf are the changes of the key policy and of grants.
func (k *keeper) restOf(t *testing.T, want declared) (changes []backend.Change, err error) {
	t.Helper()
	document, err := k.b.Policy(t.Context(), k.id)
	if err != nil {
		return nil, err
	}
	if !samePolicy(t, document, want.policy()) {
		changes = append(changes, backend.SetPolicy{Document: want.policy()})
	}
	have, err := k.b.Grants(t.Context(), k.id)
	if err != nil {
		return nil, err
	}
	return append(changes, plan.Grants(owner("key"), want.grants, have, true).Now...), nil
}

func samePolicy(t *testing.T, one, other string) bool {
	t.Helper()
	a, err := policy.Read([]byte(one))
	if err != nil {
		t.Fatal(err)
	}
	b, err := policy.Read([]byte(other))
	if err != nil {
		t.Fatal(err)
	}
	return policy.Compare(a, b).Equal()
}

// settle has the key made as it is declared, however many passes that takes.
func (k *keeper) settle(t *testing.T, want declared) {
	t.Helper()
	persist(t, func() (struct{}, error) {
		settled, err := k.pass(t, want)
		if err == nil && !settled {
			err = &backend.Error{Class: backend.NotReady, Message: "there was something to do"}
		}
		return struct{}{}, err
	})
}

// state is a key as it is, as far as it can be declared.
type state struct {
	State       backend.State
	Description string
	Tags        map[string]string
	Aliases     []string
	Days        int
	Sid         string
	Grants      []string
}

// stateOf reads it past whatever is known, and what it lags behind.
func (w *endpoint) stateOf(t *testing.T, id string) state {
	t.Helper()
	fresh := w.open(t, settings(piped, clock.RealClock{}))
	key := get(t, fresh, id)
	s := state{State: key.State, Description: key.Description, Tags: map[string]string{}, Aliases: key.Aliases, Days: key.Rotation.PeriodInDays}
	for name, value := range key.Tags {
		if _, owners := owner("key").Tags()[name]; !owners {
			s.Tags[name] = value
		}
	}
	text, err := fresh.Policy(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	document, err := policy.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s.Sid = document.Statements[0].Sid
	for _, grant := range grantsNow(t, fresh, id) {
		s.Grants = append(s.Grants, grant.String())
	}
	return s
}

// doubts are the changes whose answers can be lost: what is declared at first and what next, and the operation that makes the change.
func doubts() map[string]struct {
	operation string
	from, to  declared
} {
	type change = struct {
		operation string
		from, to  declared
	}
	key := func(edits ...func(*declared)) declared {
		d := declared{Key: plan.Key{Owner: owner("key"), Enabled: true, RotationPeriodInDays: 365}, sid: "base"}
		for _, edit := range edits {
			edit(&d)
		}
		return d
	}
	disabled := func(d *declared) { d.Enabled = false }
	tagged := func(value string) func(*declared) {
		return func(d *declared) { d.Tags = map[string]string{"team": value} }
	}
	aliased := func(d *declared) { d.Aliases = []string{"alias/key"} }
	rotated := func(days int) func(*declared) { return func(d *declared) { d.RotationPeriodInDays = days } }
	granted := func(operation string) func(*declared) {
		return func(d *declared) { d.grants = []backend.Grant{declaredGrant("key", "app", operation)} }
	}
	return map[string]change{
		"a key is disabled":             {"DisableKey", key(), key(disabled)},
		"a key is enabled":              {"EnableKey", key(disabled), key()},
		"it is described":               {"UpdateKeyDescription", key(), key(func(d *declared) { d.Description = "another" })},
		"a tag is added":                {"TagResource", key(), key(tagged("payments"))},
		"a tag is changed":              {"TagResource", key(tagged("orders")), key(tagged("payments"))},
		"a tag is removed":              {"UntagResource", key(tagged("orders")), key()},
		"an alias is added":             {"CreateAlias", key(), key(aliased)},
		"an alias is removed":           {"DeleteAlias", key(aliased), key()},
		"rotation is turned on":         {"EnableKeyRotation", key(rotated(0)), key(rotated(90))},
		"rotation has another period":   {"EnableKeyRotation", key(rotated(90)), key(rotated(100))},
		"rotation is turned off":        {"DisableKeyRotation", key(rotated(90)), key(rotated(0))},
		"it has another policy":         {"PutKeyPolicy", key(), key(func(d *declared) { d.sid = "another" })},
		"a grant is made":               {"CreateGrant", key(), key(granted("Decrypt"))},
		"a grant is revoked":            {"RevokeGrant", key(granted("Decrypt")), key()},
		"a grant is made otherwise":     {"CreateGrant", key(granted("Decrypt")), key(granted("Encrypt"))},
		"an outdated grant is revoked":  {"RevokeGrant", key(granted("Decrypt")), key(granted("Encrypt"))},
		"its deletion is scheduled":     {"ScheduleKeyDeletion", key(), key(func(d *declared) { d.deleted = true })},
		"its deletion is cancelled":     {"CancelKeyDeletion", key(func(d *declared) { d.deleted = true }), key()},
		"it is enabled when taken back": {"EnableKey", key(func(d *declared) { d.deleted = true }), key()},
	}
}

// TestWhatIsTakenBackWhenItsAnswerWasLostIsUndone has each change carried out and its answer lost. What was declared before is declared
// again, while reads lag behind.
func TestWhatIsTakenBackWhenItsAnswerWasLostIsUndone(t *testing.T) {
	for way, faults := range map[string][]fault{
		"the connection breaks": {{afterEffect: true}},
		"AWS fails":             {{afterEffect: true, code: "KMSInternalException", status: http.StatusInternalServerError}},
		"it is refused when it is repeated": {
			{afterEffect: true, times: 1}, {code: "AccessDeniedException", status: http.StatusBadRequest},
		},
	} {
		for name, c := range doubts() {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, p, config := late(t, false)
					b := p.open(t, config)
					k := &keeper{b: b, id: create(t, b, symmetric("key")).ID}
					k.settle(t, c.from)
					was := w.stateOf(t, k.id)
					for _, f := range faults {
						f.operation = c.operation
						p.inject(f)
					}
					if _, err := k.pass(t, c.to); err == nil {
						t.Fatal("the answer was not lost")
					}
					p.heal()
					k.settle(t, c.from)
					if diff := cmp.Diff(was, w.stateOf(t, k.id)); diff != "" {
						t.Errorf("it is not what it was before (-before +now):\n%s", diff)
					}
				})
			})
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// must unwraps a call that can't fail in its test.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestRootKeysAreRandom(t *testing.T) {
	ids, secrets := map[string]bool{}, map[string]bool{}
	for range 100 {
		key := NewRootKey()
		if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(key.ID()) {
			t.Errorf("identifier %q is not 16 lower-case hex digits", key.ID())
		}
		if len(key.reveal()) != 32 {
			t.Errorf("the key has %d bytes", len(key.reveal()))
		}
		ids[key.ID()], secrets[string(key.reveal())] = true, true
	}
	if len(ids) != 100 || len(secrets) != 100 {
		t.Errorf("100 keys have %d identifiers and %d secrets", len(ids), len(secrets))
	}
}

func TestARootKeyIsReplacedWithoutAPause(t *testing.T) {
	set := must[RootKeys](t)
	next := NewRootKey()

	before := newSet(t)
	oldRecord := mustSeal(t, before, record, place)

	added := set(before.Add(next))
	if added.Current() != before.Current() {
		t.Error("Add changed the current key")
	}
	wantOpen(t, added, mustSeal(t, before, record, place)) // a process that lags behind seals with the old key

	switched := set(added.SetCurrent(next.ID()))
	newRecord := mustSeal(t, switched, record, place)
	if id, err := RootKeyID(newRecord); id != next.ID() || err != nil {
		t.Errorf("sealed by %q (%v) after SetCurrent(%q)", id, err, next.ID())
	}
	wantOpen(t, switched, oldRecord)
	wantOpen(t, added, newRecord) // the process that lags behind opens what the others seal

	last := set(switched.Without(before.Current()))
	wantOpen(t, last, newRecord)
	_, err := last.Open(oldRecord, place)
	var unknown *UnknownRootKeyError
	if !errors.As(err, &unknown) || unknown.ID != before.Current() || !slices.Equal(unknown.Have, []string{next.ID()}) {
		t.Errorf("a record left behind: got %v", err)
	}
}

func TestASetNeverChanges(t *testing.T) {
	set := must[RootKeys](t)
	first, second := NewRootKey(), NewRootKey()
	one := set(NewRootKeys(first))
	both := set(one.Add(second))
	set(both.SetCurrent(second.ID()))
	set(both.Without(second.ID()))

	if one.Has(second.ID()) || !both.Has(second.ID()) || both.Current() != first.ID() {
		t.Errorf("the sets are now %v and %v", one, both)
	}
	want := []string{first.ID(), second.ID()}
	slices.Sort(want)
	if diff := cmp.Diff(want, both.IDs()); diff != "" {
		t.Errorf("IDs (-want +got):\n%s", diff)
	}
}

func TestASetRefusesWhatWouldLoseAKey(t *testing.T) {
	set := newSet(t)
	_, err := set.SetCurrent("0123456789abcdef")
	var unknown *UnknownRootKeyError
	if !errors.As(err, &unknown) || unknown.ID != "0123456789abcdef" {
		t.Errorf("SetCurrent to an unknown key: got %v", err)
	}
	if _, err := set.Without(set.Current()); err == nil || !strings.Contains(err.Error(), set.Current()) {
		t.Errorf("Without the current key: got %v", err)
	}
	imposter := hide(set.Current(), bytes.Repeat([]byte{1}, 32))
	if _, err := set.Add(imposter); err == nil || !strings.Contains(err.Error(), set.Current()) {
		t.Errorf("Add of another key under a known identifier: got %v", err)
	}
	if _, err := set.Add(RootKey{}); err == nil {
		t.Error("Add accepted the empty key")
	}
	if _, err := NewRootKeys(RootKey{}); err == nil {
		t.Error("NewRootKeys accepted the empty key")
	}
}

func TestRepeatedChangesAreHarmless(t *testing.T) {
	set := must[RootKeys](t)
	key := NewRootKey()
	once := set(NewRootKeys(key))
	twice := set(set(once.Add(key)).Without("0123456789abcdef"))
	if diff := cmp.Diff(once.Encode(), twice.Encode()); diff != "" {
		t.Error("the set is another one now")
	}
}

func TestKeysComeBackFromASecretUnchanged(t *testing.T) {
	set := must[RootKeys](t)
	original := set(set(newSet(t).Add(NewRootKey())).Add(NewRootKey()))
	data := original.Encode()
	if want := original.IDs(); len(data) != 4 || string(data["current"]) != original.Current() || len(want) != 3 {
		t.Fatalf("entries %q for keys %q", slices.Sorted(maps.Keys(data)), want)
	}
	back := set(ParseRootKeys(data))
	wantOpen(t, back, mustSeal(t, original, record, place))
	if diff := cmp.Diff(data, back.Encode()); diff != "" {
		t.Error("a second Encode differs from the first")
	}

	for _, content := range data {
		clear(content)
	}
	wantOpen(t, back, mustSeal(t, original, record, place)) // neither set shares memory with the Secret
}

func TestOnlyWhatEncodeWritesIsParsed(t *testing.T) {
	const (
		a, b = "0123456789abcdef", "fedcba9876543210"
		good = "0123456789ABCDEFGHIJKLMNOPQRSTUV" // 32 bytes
	)
	type entries map[string]string
	tests := map[string]struct {
		data entries
		want string
	}{
		"nothing":               {entries{}, `entry "current": missing`},
		"no current":            {entries{"key-" + a: good}, `entry "current": missing`},
		"no key":                {entries{"current": a}, `entry "current": there is no entry "key-" and this identifier`},
		"current without key":   {entries{"current": b, "key-" + a: good}, `entry "current": there is no`},
		"current with newline":  {entries{"current": a + "\n", "key-" + a: good}, `entry "current": it is not 16`},
		"current in upper case": {entries{"current": strings.ToUpper(a), "key-" + a: good}, `entry "current": it is not 16`},
		"current is a key":      {entries{"current": good, "key-" + a: good}, `entry "current": it is not 16`},
		"current is empty":      {entries{"current": "", "key-" + a: good}, `entry "current": it is not 16`},
		"short key":             {entries{"current": a, "key-" + a: good[1:]}, `entry "key-` + a + `": it has 31 bytes, not 32`},
		"long key":              {entries{"current": a, "key-" + a: good + "\n"}, `entry "key-` + a + `": it has 33 bytes, not 32`},
		"empty key":             {entries{"current": a, "key-" + a: ""}, `entry "key-` + a + `": it has 0 bytes, not 32`},
		"no identifier":         {entries{"current": a, "key-": good}, `entry "key-": what follows`},
		"short identifier":      {entries{"current": a, "key-" + b[1:]: good}, `entry "key-` + b[1:] + `": what follows`},
		"identifier not hex":    {entries{"current": a, "key-old": good}, `entry "key-old": what follows`},
		"identifier upper case": {entries{"current": a, "key-FEDCBA9876543210": good}, `entry "key-FEDCBA9876543210": what`},
		"another entry":         {entries{"current": a, "key-" + a: good, "note": good}, `entry "note": unknown name`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := map[string][]byte{}
			for entry, content := range tt.data {
				data[entry] = []byte(content)
			}
			set, err := ParseRootKeys(data)
			if err == nil {
				t.Fatalf("accepted as %v", set)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), good[1:]) {
				t.Errorf("the error holds a key: %v", err)
			}
		})
	}
}

// FuzzParseRootKeys: what is accepted is exactly what Encode writes; an error depends on no key's content.
func FuzzParseRootKeys(f *testing.F) {
	const id = "0123456789abcdef"
	good := bytes.Repeat([]byte{7}, 32)
	f.Add([]byte(id), "key-"+id, good, "key-fedcba9876543210", good)
	f.Add([]byte(id), "key-"+id, good, "key-"+id, good)
	f.Add([]byte(id+"\n"), "key-"+id, good, "", []byte{})
	f.Add([]byte{}, "current", good, "key-", []byte{})
	f.Add([]byte("fedcba9876543210"), "key-"+id, good[1:], "KEY-"+id, append(good, 7))
	f.Fuzz(func(t *testing.T, current []byte, name1 string, content1 []byte, name2 string, content2 []byte) {
		data := map[string][]byte{name1: content1, name2: content2, "current": current}
		set, err := ParseRootKeys(data)
		if err == nil {
			if diff := cmp.Diff(data, set.Encode()); diff != "" {
				t.Errorf("Encode differs from what was parsed (-parsed +encoded):\n%s", diff)
			}
			wantOpen(t, set, mustSeal(t, set, record, place))
			return
		}
		for name, content := range data {
			if name != "current" {
				data[name] = make([]byte, len(content))
			}
		}
		if _, blank := ParseRootKeys(data); blank == nil || blank.Error() != err.Error() {
			t.Errorf("with other bytes for the keys it says\n%v\ninstead of\n%v", blank, err)
		}
	})
}

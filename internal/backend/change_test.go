// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"slices"
	"strings"
	"testing"
)

func TestEachChangeNamesItsFieldAndSaysWhatItDoes(t *testing.T) {
	for _, c := range []struct {
		change      Change
		field, says string
	}{
		{CancelDeletion{}, "enabled", "deletion was scheduled: cancelled"},
		{Enable{}, "enabled", "disabled: enabled"},
		{Disable{}, "enabled", "enabled: disabled"},
		{SetDescription{From: "old", To: "new"}, "description", `description "old": set to "new"`},
		{SetDescription{From: "old", To: ""}, "description", `description "old": set to ""`},
		{SetDescription{From: "two\nlines", To: `a "quote"`}, "description", `description "two\nlines": set to "a \"quote\""`},
		{SetTags{Tags: map[string]string{"z": "1", "a": "2", "m": "3"}}, "tags", "tags set: a, m, z"},
		{RemoveTags{Keys: []string{"z", "a", "m"}}, "tags", "tags removed: a, m, z"},
		{PutAlias{Name: "alias/orders"}, "aliases", "alias alias/orders added"},
		{RemoveAlias{Name: "alias/orders"}, "aliases", "alias alias/orders removed"},
		{SetRotation{FromDays: 0, ToDays: 365}, "rotation", "automatic rotation off: set to every 365 days"},
		{SetRotation{FromDays: 365, ToDays: 90}, "rotation", "automatic rotation every 365 days: set to every 90 days"},
		{SetRotation{FromDays: 90, ToDays: 0}, "rotation", "automatic rotation every 90 days: set to off"},
		{Rotate{}, "rotation.requestedAt", "rotated on demand"},
		{SetPolicy{Document: "{}", Differs: `statement "Use" is missing`}, "policy", `key policy replaced: statement "Use" is missing`},
	} {
		if got := c.change.Field(); got != c.field {
			t.Errorf("%T: field %q, want %q", c.change, got, c.field)
		}
		if got := c.change.String(); got != c.says {
			t.Errorf("%T says %q, want %q", c.change, got, c.says)
		}
	}
}

func TestALongDescriptionIsShownShortened(t *testing.T) {
	for name, c := range map[string]struct{ text, shown string }{
		"as long as it may be": {strings.Repeat("d", 40), strings.Repeat("d", 40)},
		"longer":               {strings.Repeat("d", 41), strings.Repeat("d", 40) + "…"},
		"much longer":          {strings.Repeat("d", 8192), strings.Repeat("d", 40) + "…"},
		"40 characters of several bytes": {
			strings.Repeat("ü", 40), strings.Repeat("ü", 40)},
		"more characters of several bytes": {
			strings.Repeat("🔑", 41), strings.Repeat("🔑", 40) + "…"},
	} {
		if got, want := (SetDescription{From: c.text, To: "new"}).String(), `description "`+c.shown+`": set to "new"`; got != want {
			t.Errorf("%s, from: %s", name, got)
		}
		if got, want := (SetDescription{From: "old", To: c.text}).String(), `description "old": set to "`+c.shown+`"`; got != want {
			t.Errorf("%s, to: %s", name, got)
		}
	}
}

func TestALongListOfDifferencesOfThePolicyIsShownShortened(t *testing.T) {
	for name, c := range map[string]struct{ differs, shown string }{
		"as long as it may be":             {strings.Repeat("d", 512), strings.Repeat("d", 512)},
		"longer":                           {strings.Repeat("d", 513), strings.Repeat("d", 512) + "…"},
		"characters of several bytes":      {strings.Repeat("鍵", 512), strings.Repeat("鍵", 512)},
		"more, of characters of several":   {strings.Repeat("鍵", 600), strings.Repeat("鍵", 512) + "…"},
		"several differences of some size": {strings.Repeat("a; ", 171), strings.Repeat("a; ", 170) + "a;…"},
	} {
		if got, want := (SetPolicy{Differs: c.differs}).String(), "key policy replaced: "+c.shown; got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestTheDocumentOfAPolicyIsNotTold(t *testing.T) {
	if says := (SetPolicy{Document: "the-document", Differs: "d"}).String(); strings.Contains(says, "the-document") {
		t.Errorf("got %q", says)
	}
}

func TestTheValuesOfTagsAreNotTold(t *testing.T) {
	if says := (SetTags{Tags: map[string]string{"cost": "value-of-the-tag"}}).String(); strings.Contains(says, "value-of-the-tag") {
		t.Errorf("got %q", says)
	}
}

func TestDescribingAChangeLeavesItAsItWas(t *testing.T) {
	keys := []string{"z", "a", "m"}
	_ = RemoveTags{Keys: keys}.String()
	if !slices.Equal(keys, []string{"z", "a", "m"}) {
		t.Errorf("the change's own keys were sorted: %v", keys)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// ConfigurationFields are the fields in which Differences can find a key to differ.
var ConfigurationFields = []string{"enabled", "description", "tags", "aliases", "rotation"}

// Difference is how one field of a key is not as declared.
type Difference struct {
	// Field is the field of Key.spec, or policy.
	Field string
	// From is what is declared, and To what was found; empty for nothing at all.
	From, To string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s from %s to %s", d.Field, quoted(d.From), quoted(d.To))
}

func quoted(text string) string {
	if text == "" {
		return "nothing"
	}
	return `"` + text + `"`
}

// Differences says what the changes that Diff returned mean, field by field: those of aliases and tags name the ones that
// differ only. A rotation that is due is no difference.
func Differences(want Key, seen *backend.Key, changes []backend.Change) []Difference {
	var all differences
	for _, change := range changes {
		field := change.Field()
		switch c := change.(type) {
		case backend.CancelDeletion, backend.Enable, backend.Disable:
			all.set(field, string(stateOf(want.Enabled)), string(seen.State))
		case backend.SetDescription:
			all.set(field, c.To, c.From)
		case backend.SetRotation:
			all.set(field, backend.RotationPeriod(c.ToDays), backend.RotationPeriod(c.FromDays))
		case backend.SetTags:
			for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
				all.add(field, key+"="+c.Tags[key], tagOf(seen, key))
			}
		case backend.RemoveTags:
			for _, key := range c.Keys {
				all.add(field, "", tagOf(seen, key))
			}
		case backend.PutAlias:
			all.add(field, c.Name, "")
		case backend.RemoveAlias:
			all.add(field, "", c.Name)
		case backend.Rotate:
		default:
			all.add(field, "", c.String())
		}
	}
	return all
}

func stateOf(enabled bool) backend.State {
	if enabled {
		return backend.StateEnabled
	}
	return backend.StateDisabled
}

// tagOf is a tag as it was seen on the key; empty when there is none of that key.
func tagOf(seen *backend.Key, key string) string {
	value, has := seen.Tags[key]
	if !has {
		return ""
	}
	return key + "=" + value
}

// differences is a list that has each field once.
type differences []Difference

func (l *differences) of(field string) *Difference {
	i := slices.IndexFunc(*l, func(d Difference) bool { return d.Field == field })
	if i < 0 {
		i = len(*l)
		*l = append(*l, Difference{Field: field})
	}
	return &(*l)[i]
}

func (l *differences) set(field, from, to string) {
	*l.of(field) = Difference{Field: field, From: from, To: to}
}

func (l *differences) add(field, from, to string) {
	d := l.of(field)
	d.From, d.To = joined(d.From, from), joined(d.To, to)
}

func joined(list, more string) string {
	if list == "" || more == "" {
		return list + more
	}
	return list + ", " + more
}

// Drift is what status says of drift, as one pass changes it. It has at most one entry for each field: the difference
// that there is or, where there is none, the one that there was last. What does not change is not touched, so that a pass
// which finds what the one before it found leaves status as it is.
type Drift struct {
	entries []v1alpha1.KeyDrift
	now     metav1.Time
	// noticed and repaired are what this pass has to tell of.
	noticed, repaired []Difference
}

// NewDrift starts from the entries in status; now is the time of the pass.
func NewDrift(entries []v1alpha1.KeyDrift, now time.Time) *Drift {
	return &Drift{entries: slices.Clone(entries), now: metav1.NewTime(now.Truncate(time.Second))}
}

// Differs notes that a field differs, and will after this pass.
func (d *Drift) Differs(difference Difference) {
	if entry, isNew := d.note(difference); isNew {
		d.noticed = append(d.noticed, differenceOf(entry))
	}
}

// Repaired notes that a field was found to differ, and was put right in this pass.
func (d *Drift) Repaired(difference Difference) {
	entry, _ := d.note(difference)
	entry.ResolvedAt = new(d.now)
	d.repaired = append(d.repaired, differenceOf(entry))
}

// note brings the field's entry up to date; it is new when it does not say what it said before.
func (d *Drift) note(difference Difference) (entry *v1alpha1.KeyDrift, isNew bool) {
	noted := v1alpha1.KeyDrift{
		Field: difference.Field, DetectedAt: new(d.now), From: bounded(difference.From), To: bounded(difference.To),
	}
	i := d.index(difference.Field)
	if i < 0 {
		d.entries = append(d.entries, noted)
		return &d.entries[len(d.entries)-1], true
	}
	entry = &d.entries[i]
	isNew = entry.ResolvedAt != nil || entry.From != noted.From || entry.To != noted.To
	if entry.ResolvedAt == nil {
		noted.DetectedAt = entry.DetectedAt
	}
	if isNew {
		*entry = noted
	}
	return entry, isNew
}

// AsDeclared notes that fields were looked at and do not differ: if one did, that is over.
func (d *Drift) AsDeclared(fields ...string) {
	for _, field := range fields {
		if d.Noted(field) {
			d.entries[d.index(field)].ResolvedAt = new(d.now)
		}
	}
}

// Noted says whether the field is known to differ.
func (d *Drift) Noted(field string) bool {
	i := d.index(field)
	return i >= 0 && d.entries[i].ResolvedAt == nil
}

// Remaining are the differences that there are, by field.
func (d *Drift) Remaining() []Difference {
	var remaining []Difference
	for i := range d.Entries() {
		if d.entries[i].ResolvedAt == nil {
			remaining = append(remaining, differenceOf(&d.entries[i]))
		}
	}
	return remaining
}

// News is what this pass noticed that remains, and what it put right.
func (d *Drift) News() (noticed, repaired []Difference) { return d.noticed, d.repaired }

// Entries are for status, by field.
func (d *Drift) Entries() []v1alpha1.KeyDrift {
	slices.SortFunc(d.entries, func(a, b v1alpha1.KeyDrift) int { return cmp.Compare(a.Field, b.Field) })
	return d.entries
}

func (d *Drift) index(field string) int {
	return slices.IndexFunc(d.entries, func(e v1alpha1.KeyDrift) bool { return e.Field == field })
}

func differenceOf(entry *v1alpha1.KeyDrift) Difference {
	return Difference{Field: entry.Field, From: entry.From, To: entry.To}
}

// bounded is text as status has room for it (KeyDrift), which must not come back from the API server as another one.
func bounded(text string) string {
	const most = 512
	text = strings.ToValidUTF8(text, "�")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// Drift of the key in another Region is noted in a list of its own, and stands in status under fields that begin with the Region.

// Of is a list that starts from the entries about one Region.
func (d *Drift) Of(region string, now time.Time) *Drift {
	var entries []v1alpha1.KeyDrift
	for _, entry := range d.entries {
		if field, ok := strings.CutPrefix(entry.Field, inRegion(region)); ok {
			entry.Field = field
			entries = append(entries, entry)
		}
	}
	return NewDrift(entries, now)
}

// Absorb takes over what a list made by Of came to.
func (d *Drift) Absorb(region string, of *Drift) {
	d.Forget(region)
	for _, entry := range of.entries {
		entry.Field = inRegion(region) + entry.Field
		d.entries = append(d.entries, entry)
	}
	named := func(differences []Difference) []Difference {
		for i := range differences {
			differences[i].Field = inRegion(region) + differences[i].Field
		}
		return differences
	}
	d.noticed = append(d.noticed, named(slices.Clone(of.noticed))...)
	d.repaired = append(d.repaired, named(slices.Clone(of.repaired))...)
}

// Forget drops the entries about one Region.
func (d *Drift) Forget(region string) {
	d.entries = slices.DeleteFunc(d.entries, func(e v1alpha1.KeyDrift) bool { return strings.HasPrefix(e.Field, inRegion(region)) })
}

func inRegion(region string) string { return "replicas[" + region + "]." }

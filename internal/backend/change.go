// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is one difference between a key as declared and as seen, and what to do about it. A list of changes is both
// the work to do and the report of what drifted.
type Change interface {
	// Field is the field of Key.spec that the change is about.
	Field() string
	// String says from what to what, in words for a person.
	String() string
}

// The changes that a backend can make.
type (
	// CancelDeletion takes a key out of PendingDeletion; it is Disabled afterwards, as in AWS.
	CancelDeletion struct{}
	// Enable makes a disabled key usable.
	Enable struct{}
	// Disable makes an enabled key unusable until it is enabled again.
	Disable struct{}
	// SetDescription replaces the description.
	SetDescription struct{ From, To string }
	// SetTags adds or replaces the tags given.
	SetTags struct{ Tags map[string]string }
	// RemoveTags removes the tags with the keys given; keys that are not there are no error.
	RemoveTags struct{ Keys []string }
	// PutAlias gives the key an alias. Conflict, and no change, when another key holds it.
	PutAlias struct{ Name string }
	// RemoveAlias removes an alias from the key; one that is gone or another key's is left as it is, without error.
	RemoveAlias struct{ Name string }
	// SetRotation turns automatic rotation on with a period, or off with period 0.
	SetRotation struct{ FromDays, ToDays int }
	// Rotate replaces the key's material once, on demand. A rotation on demand at or after RequestedAt is the one asked
	// for, and makes this one nothing to do; zero asks for one in any case.
	Rotate struct{ RequestedAt time.Time }
	// SetPolicy replaces the key policy, in every key state. InvalidInput, and no change, for a document that is no key
	// policy, is larger than policy.MaxBytes, names a principal that cannot be one, or would keep the operator from
	// replacing it. Differs says in what the one in force is another, for a person.
	SetPolicy struct{ Document, Differs string }
)

func (CancelDeletion) Field() string { return "enabled" }
func (Enable) Field() string         { return "enabled" }
func (Disable) Field() string        { return "enabled" }
func (SetDescription) Field() string { return "description" }
func (SetTags) Field() string        { return "tags" }
func (RemoveTags) Field() string     { return "tags" }
func (PutAlias) Field() string       { return "aliases" }
func (RemoveAlias) Field() string    { return "aliases" }
func (SetRotation) Field() string    { return "rotation" }
func (Rotate) Field() string         { return "rotation.requestedAt" }
func (SetPolicy) Field() string      { return "policy" }

func (CancelDeletion) String() string { return "deletion was scheduled: cancelled" }
func (Enable) String() string         { return "disabled: enabled" }
func (Disable) String() string        { return "enabled: disabled" }
func (c SetDescription) String() string {
	return fmt.Sprintf("description %q: set to %q", shorten(c.From), shorten(c.To))
}
func (c SetTags) String() string     { return "tags set: " + joinSorted(keysOf(c.Tags)) }
func (c RemoveTags) String() string  { return "tags removed: " + joinSorted(c.Keys) }
func (c PutAlias) String() string    { return "alias " + c.Name + " added" }
func (c RemoveAlias) String() string { return "alias " + c.Name + " removed" }
func (c SetRotation) String() string {
	return fmt.Sprintf("automatic rotation %s: set to %s", RotationPeriod(c.FromDays), RotationPeriod(c.ToDays))
}
func (Rotate) String() string { return "rotated on demand" }
func (c SetPolicy) String() string {
	return "key policy replaced: " + shortenTo(c.Differs, 512)
}

// RotationPeriod is a period of automatic rotation in words: off, or every so many days.
func RotationPeriod(days int) string {
	if days == 0 {
		return "off"
	}
	return fmt.Sprintf("every %d days", days)
}

// shorten keeps events and conditions readable: a description may have 8192 characters.
func shorten(s string) string { return shortenTo(s, 40) }

func shortenTo(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}

func keysOf(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func joinSorted(s []string) string {
	s = slices.Clone(s)
	slices.Sort(s)
	return strings.Join(s, ", ")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan decides, and does nothing: from a key as it is declared and as it was seen it makes the ordered list of
// changes that make the one like the other. The same list is the report of what drifted. No clock, no client, no I/O.
package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// DefaultRotationPeriodInDays is the period of automatic rotation where none is declared (AWS KMS EnableKeyRotation).
const DefaultRotationPeriodInDays = 365

// Key is a key as it is declared.
type Key struct {
	// Owner is the Key object; the key carries its tags.
	Owner       backend.Owner
	Description string
	Enabled     bool
	// Aliases and Tags that the key shall have. Others that it has are left alone, unless they are managed.
	Aliases []string
	Tags    map[string]string
	// ManagedAliases and ManagedTagKeys are what this Key gave the key earlier: what is listed here and no longer
	// declared is removed.
	ManagedAliases []string
	ManagedTagKeys []string
	// RotationPeriodInDays between automatic rotations; 0 turns them off.
	RotationPeriodInDays int
	// RotationRequestedAt asks for one rotation on demand; zero asks for none.
	RotationRequestedAt time.Time
	// RotationHandledAt is the last request that was carried out; zero when none was.
	RotationHandledAt time.Time
}

// Changes is what a key needs.
type Changes struct {
	// Now are the changes to make, in this order.
	Now []backend.Change
	// Deferred are changes that the key's declared state forbids for now: a disabled key takes no rotation settings.
	// They are due when the key is enabled.
	Deferred []backend.Change
	// NextAt is when a rotation that is requested for later becomes due; zero when there is none.
	NextAt time.Time
}

// Diff compares the key as declared with the key as seen at the time now. A key that is to be enabled is enabled first
// and one that is to be disabled is disabled last, since a disabled key takes no rotation (AWS KMS, key states). One in another
// state can be neither: one that waits for its key material is enabled by the import, others pass by themselves.
func Diff(want Key, seen *backend.Key, now time.Time) Changes {
	var out Changes
	if seen.State == backend.StatePendingDeletion {
		out.Now = append(out.Now, backend.CancelDeletion{})
	}
	if want.Enabled && (seen.State == backend.StateDisabled || seen.State == backend.StatePendingDeletion) {
		out.Now = append(out.Now, backend.Enable{})
	}
	if want.Description != seen.Description {
		out.Now = append(out.Now, backend.SetDescription{From: seen.Description, To: want.Description})
	}
	out.Now = append(out.Now, tags(want, seen)...)

	rotations, nextAt := rotation(want, seen, now)
	out.NextAt = nextAt
	if want.Enabled || seen.State == backend.StateEnabled {
		out.Now = append(out.Now, rotations...)
	} else {
		out.Deferred = rotations
	}

	out.Now = append(out.Now, aliases(want, seen)...)
	if !want.Enabled && seen.State == backend.StateEnabled {
		out.Now = append(out.Now, backend.Disable{})
	}
	return out
}

func tags(want Key, seen *backend.Key) []backend.Change {
	declared := want.Owner.TagsWith(want.Tags)
	set := map[string]string{}
	for key, value := range declared {
		if has, ok := seen.Tags[key]; !ok || has != value {
			set[key] = value
		}
	}
	var remove []string
	for _, key := range want.ManagedTagKeys {
		_, declared := declared[key]
		_, has := seen.Tags[key]
		if has && !declared {
			remove = append(remove, key)
		}
	}
	slices.Sort(remove)

	var changes []backend.Change
	if len(remove) > 0 {
		changes = append(changes, backend.RemoveTags{Keys: remove})
	}
	if len(set) > 0 {
		changes = append(changes, backend.SetTags{Tags: set})
	}
	return changes
}

func aliases(want Key, seen *backend.Key) []backend.Change {
	var changes []backend.Change
	for _, name := range want.ManagedAliases {
		if !slices.Contains(want.Aliases, name) && slices.Contains(seen.Aliases, name) {
			changes = append(changes, backend.RemoveAlias{Name: name})
		}
	}
	for _, name := range want.Aliases {
		if !slices.Contains(seen.Aliases, name) {
			changes = append(changes, backend.PutAlias{Name: name})
		}
	}
	return changes
}

// rotation carries each request out once. The request handled last is remembered, so that a backend whose clock is
// behind is not asked again and again; and a rotation on demand at or after the time requested is the one that was asked
// for, so that it is not repeated when the answer was lost and nothing could be remembered. A key made after that time
// is as fresh as the request wanted.
func rotation(want Key, seen *backend.Key, now time.Time) (changes []backend.Change, nextAt time.Time) {
	has := 0
	if seen.Rotation.Enabled {
		has = seen.Rotation.PeriodInDays
	}
	if want.RotationPeriodInDays != has {
		changes = append(changes, backend.SetRotation{FromDays: has, ToDays: want.RotationPeriodInDays})
	}

	requested := want.RotationRequestedAt
	switch {
	case requested.IsZero() || !requested.After(want.RotationHandledAt) ||
		!requested.After(seen.CreationTime) || !requested.After(seen.Rotation.LastOnDemandTime):
		return changes, time.Time{}
	case requested.After(now):
		return changes, requested
	case len(seen.Rotation.AwaitedRegions) > 0: // one is on its way, whose material nobody uses yet
		return changes, time.Time{}
	default:
		return append(changes, backend.Rotate{RequestedAt: requested}), time.Time{}
	}
}

// AliasesOutside are the aliases that are not within namespace's own prefix, alias/NAMESPACE/.
func AliasesOutside(namespace string, aliases []string) []string {
	prefix := "alias/" + namespace + "/"
	var outside []string
	for _, name := range aliases {
		if !strings.HasPrefix(name, prefix) || name == prefix {
			outside = append(outside, name)
		}
	}
	return outside
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"slices"
	"time"
)

// aliases are the aliases of the account and Region, as they are known. The view's mutex guards them.
type aliases struct {
	// listed says that all aliases were read once.
	listed bool
	holder map[string]string // of an alias: its key's ID
	byKey  map[string]map[string]struct{}
	wrote  map[string]time.Time // when this process last changed an alias
}

func newAliases() aliases {
	return aliases{holder: map[string]string{}, byKey: map[string]map[string]struct{}{}, wrote: map[string]time.Time{}}
}

func (a *aliases) known() bool { return a.listed }

// of are the aliases of a key, sorted; nil for none.
func (a *aliases) of(keyID string) []string { return slices.Sorted(maps.Keys(a.byKey[keyID])) }

// read takes what a list of all aliases that began at begun said, but for aliases whose change it may not show. It returns
// the IDs of the keys whose aliases changed by that.
func (a *aliases) read(all map[string]string, begun time.Time, lag time.Duration) map[string]struct{} {
	changed := map[string]struct{}{}
	names := maps.Clone(all)
	maps.Copy(names, a.holder)
	for name := range names {
		if wrote, ok := a.wrote[name]; ok && begun.Before(wrote.Add(lag)) {
			continue
		}
		delete(a.wrote, name)
		if before, after := a.holder[name], all[name]; before != after {
			changed[before], changed[after] = struct{}{}, struct{}{}
			a.set(name, after)
		}
	}
	maps.DeleteFunc(a.wrote, func(_ string, wrote time.Time) bool { return !begun.Before(wrote.Add(lag)) })
	a.listed = true
	return changed
}

// write takes what this process made the alias; without a key it is gone.
func (a *aliases) write(name, keyID string, now time.Time) {
	a.set(name, keyID)
	a.wrote[name] = now
}

func (a *aliases) set(name, keyID string) {
	if before, held := a.holder[name]; held {
		delete(a.byKey[before], name)
		if len(a.byKey[before]) == 0 {
			delete(a.byKey, before)
		}
		delete(a.holder, name)
	}
	if keyID == "" {
		return
	}
	a.holder[name] = keyID
	if a.byKey[keyID] == nil {
		a.byKey[keyID] = map[string]struct{}{}
	}
	a.byKey[keyID][name] = struct{}{}
}

func (a *aliases) removeKey(keyID string) {
	for _, name := range a.of(keyID) {
		a.set(name, "")
	}
}

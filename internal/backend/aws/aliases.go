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
	wrote  map[string]time.Time // when this process last changed an alias, or may have
	// doubts are aliases that the key with that ID may have or not: no answer came to what was written.
	doubts map[string]string
}

func newAliases() aliases {
	return aliases{
		holder: map[string]string{}, byKey: map[string]map[string]struct{}{}, wrote: map[string]time.Time{}, doubts: map[string]string{},
	}
}

func (a *aliases) known() bool { return a.listed }

// of are the aliases of a key, and those that it may have, sorted; nil for none.
func (a *aliases) of(keyID string) []string {
	names := slices.AppendSeq(a.inDoubt(keyID), maps.Keys(a.byKey[keyID]))
	slices.Sort(names)
	return slices.Compact(names)
}

// inDoubt are the aliases of which nobody knows whether the key has them.
func (a *aliases) inDoubt(keyID string) (names []string) {
	for name, of := range a.doubts {
		if of == keyID {
			names = append(names, name)
		}
	}
	return names
}

// shownAt is when reads tell what became of the key's aliases that are in doubt; zero when none is.
func (a *aliases) shownAt(keyID string, lag time.Duration) (at time.Time) {
	for _, name := range a.inDoubt(keyID) {
		at = later(at, a.wrote[name].Add(lag))
	}
	return at
}

// read takes what a list of all aliases that began at begun said, but for aliases whose change it may not show. It returns
// the IDs of the keys whose aliases changed by that.
func (a *aliases) read(all map[string]string, begun time.Time, lag time.Duration) map[string]struct{} {
	changed := map[string]struct{}{}
	names := maps.Clone(all)
	maps.Copy(names, a.holder)
	maps.Copy(names, a.doubts)
	for name := range names {
		if before, after := a.holder[name], all[name]; a.readOne(name, after, begun, lag) {
			changed[before], changed[after] = struct{}{}, struct{}{}
		}
	}
	maps.DeleteFunc(a.wrote, func(_ string, wrote time.Time) bool { return !begun.Before(wrote.Add(lag)) })
	a.listed = true
	return changed
}

// readOf takes what a list of one key's aliases that began at begun said.
func (a *aliases) readOf(keyID string, listed []string, begun time.Time, lag time.Duration) {
	for _, name := range a.of(keyID) {
		holder := a.holder[name]
		if holder == keyID {
			holder = ""
		}
		if !slices.Contains(listed, name) {
			a.readOne(name, holder, begun, lag)
		}
	}
	for _, name := range listed {
		a.readOne(name, keyID, begun, lag)
	}
}

// readOne takes whose a list said that an alias is, unless it may not show that; it says whether that was not known.
func (a *aliases) readOne(name, keyID string, begun time.Time, lag time.Duration) (changed bool) {
	if wrote, ok := a.wrote[name]; ok && begun.Before(wrote.Add(lag)) {
		return false
	}
	delete(a.wrote, name)
	delete(a.doubts, name)
	changed = a.holder[name] != keyID
	a.set(name, keyID)
	return changed
}

// write takes what this process made the alias; without a key it is gone.
func (a *aliases) write(name, keyID string, now time.Time) {
	a.set(name, keyID)
	a.wrote[name] = now
	delete(a.doubts, name)
}

// doubt notes that an alias was given to a key or taken from it, and that no answer came.
func (a *aliases) doubt(name, keyID string, now time.Time) {
	a.doubts[name], a.wrote[name] = keyID, now
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

// removeKey takes a key's aliases from it, but for those in doubt: these are as they were, or another key's, until they are read.
func (a *aliases) removeKey(keyID string) {
	for name := range maps.Clone(a.byKey[keyID]) {
		a.set(name, "")
	}
}

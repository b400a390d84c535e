// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"strings"
)

// orphaned are what a deleted principal's unique ID begins with (IAM User Guide, "Unique identifiers"), and what is in the
// ARN of such a principal.
var orphaned = []struct{ prefix, kind string }{{"AROA", ":role/"}, {"AIDA", ":user/"}}

// adopt takes the unique IDs of deleted roles and users from the principals that are not declared, and as many of such ARNs from
// the missing ones. Which belong together cannot be told; but where IDs are more than ARNs, or fewer, the surplus
// is a difference.
func adopt(missing, extra []string) (stillMissing, stillExtra []string, orphans []Orphan) {
	for _, kind := range orphaned {
		isID := func(principal string) bool { return IsUniqueID(principal) && strings.HasPrefix(principal, kind.prefix) }
		isARN := func(principal string) bool { return strings.Contains(principal, kind.kind) }
		ids, arns := only(extra, isID), only(missing, isARN)
		if len(ids) == 0 || len(arns) == 0 {
			continue
		}
		pairs := min(len(ids), len(arns))
		for _, id := range ids[:pairs] {
			orphans = append(orphans, Orphan{UniqueID: id, Candidates: slices.Clone(arns)})
		}
		extra = without(extra, ids[:pairs])
		// Which of the ARNs are missing is not known, if not all of them have an ID. The last ones are as good as any.
		missing = without(missing, arns[:pairs])
	}
	return missing, extra, orphans
}

func only(list []string, fit func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !fit(s) })
}

func without(list, some []string) []string {
	return only(list, func(s string) bool { return !slices.Contains(some, s) })
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskeys

import (
	"fmt"
	"slices"
	"strings"
)

// reportAll reports on Secrets whose state may have changed: those that shared an access key ID with the named one, the
// named one itself, and those that share its ID now. x.mu is held.
func (x *index) reportAll(freed []string, name string) {
	concerned := slices.Clone(freed)
	if e, ok := x.secrets[name]; ok {
		concerned = append(concerned, name)
		concerned = append(concerned, x.holders[e.accessKeyID()]...)
	}
	slices.Sort(concerned)
	for _, secret := range slices.Compact(concerned) {
		x.report(secret)
	}
}

// report logs what keeps a Secret from being used, or that nothing does any more, if it was not logged already. x.mu is
// held.
func (x *index) report(name string) {
	problem := x.problem(name)
	before, known := x.reported[name]
	if before == problem {
		return
	}
	if problem != "" {
		x.reported[name] = problem
		x.log.Error(nil, "access key refused", "secret", name, "problem", problem)
		return
	}
	delete(x.reported, name)
	if known {
		x.log.Info("access key accepted", "secret", name)
	}
}

// problem is empty for a Secret that can be used.
func (x *index) problem(name string) string {
	e := x.secrets[name]
	if e.problem != nil {
		return e.problem.Error()
	}
	others := slices.DeleteFunc(slices.Clone(x.holders[e.accessKeyID()]), func(holder string) bool { return holder == name })
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("accessKeyID: Secret %s has the same, and none of them is used; delete one, or give it another ID",
		strings.Join(others, ", "))
}

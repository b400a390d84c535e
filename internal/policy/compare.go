// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"
)

// mostDifferences is how many differences a comparison names.
const mostDifferences = 32

// Comparison is how the key policy that a key has differs from the one that it should have.
type Comparison struct {
	// Differences name the statement, the element and what is missing or not declared in it, in words for a person, such as
	// `statement "readers AllowDecrypt": Action: kms:Encrypt is missing`. They come in the order of the wanted document's
	// statements, then of the other's. There are none if both mean the same; beyond 32, one more says how many are not named.
	Differences []string
	// Orphans are the principals of the key's policy that are deleted roles or users, and no difference.
	Orphans []Orphan
}

// Orphan is a unique ID that AWS has put into a key's policy in place of the ARN of a role or user which was deleted.
// Whoever comes to have that ARN is not the principal until the policy is put again.
type Orphan struct {
	// Statement is the Sid of the wanted document's statement, or Statement[N] if it has none.
	Statement string
	UniqueID  string
	// Candidates are the ARNs for which it may stand, sorted: those of the wanted statement that the key's has not.
	Candidates []string
}

// Equal says that both documents mean the same, orphans aside.
func (c Comparison) Equal() bool { return len(c.Differences) == 0 }

// Compare says how the key policy that a key has differs from the wanted one in its meaning, whatever AWS has made of its
// text. These make no difference: the order of statements and of what is listed in them, one string or a list of one, an
// account by its 12 digits or its root's ARN, Principal "*" or {"AWS":"*"}, the case of actions and of condition keys, the
// Id, and a Version that is missing or the one which then stands. Sids do make one, since they say whose a statement is.
//
// Statements are told apart by their Sids; those without, or whose Sid the other document does not have, by what they say. A
// nil document has no statements.
func Compare(want, have *Document) Comparison {
	want, have = orEmpty(want), orEmpty(have)
	c := &comparer{want: normalAll(want), have: normalAll(have)}
	if want.version() != have.version() {
		c.differ("Version: %s is declared and %s is there", want.version(), have.version())
	}
	c.pair()
	for i := range c.want {
		c.compare(&c.want[i])
	}
	for i := range c.have {
		if c.have[i].twin == nil {
			c.differ("%s is not declared", c.have[i].label())
		}
	}
	if more := c.differences - mostDifferences; more > 0 {
		c.result.Differences = append(c.result.Differences, fmt.Sprintf("and %d more", more))
	}
	return c.result
}

func orEmpty(doc *Document) *Document {
	if doc == nil {
		return &Document{Version: Version2012}
	}
	return doc
}

// comparer is at work on two documents.
type comparer struct {
	want, have  []normal
	result      Comparison
	differences int
}

func (c *comparer) differ(format string, args ...any) {
	c.differences++
	if c.differences <= mostDifferences {
		c.result.Differences = append(c.result.Differences, fmt.Sprintf(format, args...))
	}
}

// compare notes how a wanted statement differs from its twin.
func (c *comparer) compare(want *normal) {
	if want.twin == nil {
		c.differ("%s is missing", want.label())
		return
	}
	found := want.diff(want.twin)
	for _, difference := range found.differences {
		c.differ("%s: %s", want.label(), difference)
	}
	for _, orphan := range found.orphans {
		orphan.Statement = cmp.Or(want.Sid, want.label())
		c.result.Orphans = append(c.result.Orphans, orphan)
	}
}

// pair finds each wanted statement's twin: the one with its Sid, or the same but for the Sid, or the same but for orphans, or
// one that differs in a single element.
func (c *comparer) pair() {
	c.pairBy(func(want, have *normal) int { return ifAlike(want.Sid != "" && want.Sid == have.Sid, 0) })
	c.pairBy(func(want, have *normal) int { return ifAlike(want.Sid == have.Sid && want.key == have.key, 0) })
	c.pairBy(func(want, have *normal) int { return ifAlike(want.key == have.key, 0) })
	c.pairBy(func(want, have *normal) int {
		found, alike := want.within(have, 0)
		return ifAlike(alike, len(found.orphans))
	})
	c.pairBy(func(want, have *normal) int {
		found, alike := want.within(have, 1)
		return ifAlike(alike, len(found.differences))
	})
}

// within says how a statement that is there differs from the wanted one; false if its Sid does, or more elements than so many.
func (n *normal) within(have *normal, elements int) (found, bool) {
	if n.Sid != have.Sid || n.isFar(have, elements) {
		return found{}, false
	}
	f := n.diff(have)
	return f, f.elements <= elements
}

const unlike = -1

func ifAlike(alike bool, distance int) int {
	if alike {
		return distance
	}
	return unlike
}

// pairBy pairs statements that are still alone: each wanted one, in their order, with the first of those which are the least
// far from it, and none with one that is unlike it.
func (c *comparer) pairBy(distance func(want, have *normal) int) {
	alone := func(n *normal) bool { return n.twin == nil }
	for i := range c.want {
		want, nearest, shortest := &c.want[i], (*normal)(nil), 0
		if !alone(want) {
			continue
		}
		for j := range c.have {
			have := &c.have[j]
			if !alone(have) {
				continue
			}
			if far := distance(want, have); far != unlike && (nearest == nil || far < shortest) {
				nearest, shortest = have, far
			}
		}
		if nearest != nil {
			want.twin, nearest.twin = nearest, want
		}
	}
}

// normalAll is the statements of a document, each in its normal form.
func normalAll(doc *Document) []normal {
	all := make([]normal, 0, len(doc.Statements))
	for i := range doc.Statements {
		all = append(all, newNormal(i, &doc.Statements[i]))
	}
	return slices.Clip(all)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"testing"
)

func BenchmarkLookupRemembered(b *testing.B) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(b, sessions)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sessions.Lookup(b.Context(), issued.Caller.AccessKeyID, issued.SessionToken); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupVerified(b *testing.B) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	issued := issueOne(b, sessions)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sessions.verify(b.Context(), issued.Caller.AccessKeyID, issued.SessionToken); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	sessions, _, _ := newTestSessions(NewKeys(start))
	b.ReportAllocs()
	for b.Loop() {
		issueOne(b, sessions)
	}
}

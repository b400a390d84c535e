// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

// Comparison is how the key policy that a key has differs from the one that it should have.
type Comparison struct {
	// Differences name the statement, the element and what is missing or not declared in it, in words for a person, such as
	// `statement "readers AllowDecrypt": Action: kms:Encrypt is missing`. They come in the order of the wanted document's
	// statements, then of the other's. There are none if both mean the same; there are at most 33, the last of which then
	// says how many more.
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
// text.
func Compare(want, have *Document) Comparison {
	if want.String() == have.String() {
		return Comparison{}
	}
	return Comparison{Differences: []string{"the documents differ"}}
}

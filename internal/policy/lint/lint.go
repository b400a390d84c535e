// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Severity says what is to be done about a finding.
type Severity string

// The severities, the graver first in their order.
const (
	// Error: the document is to be refused.
	Error Severity = "Error"
	// Warning: the document may be meant so.
	Warning Severity = "Warning"
)

// Finding is something to be said about a document.
type Finding struct {
	Severity Severity
	// Statement is the index of the statement, or -1 if it is about the document as a whole, and Sid its Sid.
	Statement int
	Sid       string
	// Element is the JSON element: Principal, NotPrincipal, Action, NotAction, Resource or Condition; empty if it is about
	// the statement as a whole.
	Element string
	// Problem is for a person, and says the way out.
	Problem string
}

// String is the finding and its place, such as `Error: Statement[1] (Sid "Use"): Action: ...`.
func (f Finding) String() string {
	text := string(f.Severity) + ": "
	if f.Statement >= 0 {
		text += fmt.Sprintf("Statement[%d]", f.Statement)
		if f.Sid != "" {
			text += fmt.Sprintf(" (Sid %q)", f.Sid)
		}
		text += ": "
	}
	if f.Element != "" {
		text += f.Element + ": "
	}
	return text + f.Problem
}

// About is what is known of the key that a document is for. The less is known, the less is found.
type About struct {
	// Spec and Usage are the key's; empty where unknown.
	Spec  keyspec.Spec
	Usage keyspec.Usage
	// OperatorARN is the operator's principal, an IAM role or user; empty where unknown. Then the document need only let
	// somebody replace the key policy, and no Deny strikes the operator.
	OperatorARN string
	// AccountID is the key's account, 12 digits; empty where unknown.
	AccountID string
	// Partition is that in which the key is, such as aws-cn; empty means OperatorARN's, or unknown if that is empty too.
	Partition string
	// NamesServiceAccounts says that ServiceAccounts are principals by themselves, as on the software backend, where
	// sessions are not.
	NamesServiceAccounts bool
}

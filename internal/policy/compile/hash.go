// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Hash is the first half of the SHA-256, in hexadecimal, of a document's statements. It is the same for a document and for
// what AWS makes of it when it is stored: the order of statements makes no difference, nor whether an account is written as
// its ID or as an ARN.
func Hash(document *policy.Document) string {
	statements := make([]string, 0, len(document.Statements))
	for _, statement := range document.Statements {
		statement.Principal.AWS = accountsAsIDs(statement.Principal.AWS)
		statement.NotPrincipal.AWS = accountsAsIDs(statement.NotPrincipal.AWS)
		alone := policy.Document{Statements: []policy.Statement{statement}}
		statements = append(statements, alone.String())
	}
	slices.Sort(statements)
	sum := sha256.Sum256([]byte(strings.Join(statements, "\n")))
	return hex.EncodeToString(sum[:len(sum)/2])
}

// accountsAsIDs leaves the list as it is and returns one whose accounts are IDs.
func accountsAsIDs(principals []string) []string {
	written := make([]string, 0, len(principals))
	for _, principal := range principals {
		if id, isRoot := strings.CutSuffix(principal, ":root"); isRoot {
			principal = id[strings.LastIndexByte(id, ':')+1:]
		}
		written = append(written, principal)
	}
	return written
}

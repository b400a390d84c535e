// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"strings"
)

// terminator ends every credential scope of this version of the signature.
const terminator = "aws4_request"

// Scope is what a signing key is bound to, besides the secret. Its values are comparable, to be (part of) a map's key.
type Scope struct {
	// Date is the day in UTC, as YYYYMMDD.
	Date string
	// Region is the Region, such as "eu-central-1".
	Region string
	// Service is the signing name of the service, such as "kms".
	Service string
}

// Endpoint says which signatures a server takes for its own.
type Endpoint struct {
	// Service is the signing name of the service that the request is for.
	Service string
	// HasRegion says whether a Region is served here. Without it, none is.
	HasRegion func(region string) bool
}

// credential is X-Amz-Credential: the access key and the scope that its signing key was derived for.
type credential struct {
	accessKeyID string
	scope       Scope
	terminator  string
}

func parseCredential(text string) (credential, error) {
	var parts [5]string
	rest := text
	for i := range parts {
		var more bool
		parts[i], rest, more = strings.Cut(rest, "/")
		if parts[i] == "" || more != (i < len(parts)-1) || !isVisible(parts[i]) {
			return credential{}, incomplete("Credential must have exactly 5 slash-delimited elements, "+
				"e.g. keyid/date/region/service/term, got %s", quote(text))
		}
	}
	return credential{
		accessKeyID: parts[0],
		scope:       Scope{Date: parts[1], Region: parts[2], Service: parts[3]},
		terminator:  parts[4],
	}, nil
}

// check lists everything that is wrong, as AWS does: a client with a wrong configuration has often more than one.
func (c *credential) check(endpoint Endpoint, stamp string) error {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if endpoint.HasRegion == nil || !endpoint.HasRegion(c.scope.Region) {
		add("Credential should be scoped to a valid region, not %s.", quote(c.scope.Region))
	}
	if c.scope.Service != endpoint.Service {
		add("Credential should be scoped to correct service: %s.", quote(endpoint.Service))
	}
	if c.terminator != terminator {
		add("Credential should be scoped with a valid terminator: 'aws4_request', not %s.", quote(c.terminator))
	}
	if day := stamp[:len("YYYYMMDD")]; c.scope.Date != day {
		add("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: %s != '%s', from '%s'.",
			quote(c.scope.Date), day, stamp)
	}
	if problems == nil {
		return nil
	}
	return &Error{Code: CodeScope, Message: strings.Join(problems, " ")}
}

// isVisible is true if the text has only ASCII that is neither a blank nor a control character.
func isVisible(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

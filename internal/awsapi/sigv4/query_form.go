// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"net/http"
	"net/url"
	"strings"
)

// param is a query parameter, decoded.
type param struct{ name, value string }

// parseQuery reads a query as url.ParseQuery does, in order, and refuses where that would drop something: a handler that
// asks r.URL.Query() must see exactly what was verified.
func parseQuery(raw string) ([]param, error) {
	if raw == "" {
		return nil, nil
	}
	params := make([]param, 0, strings.Count(raw, "&")+1)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		decodedName, nameErr := url.QueryUnescape(name)
		decodedValue, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil || strings.Contains(pair, ";") {
			return nil, incomplete("The query string is malformed.")
		}
		params = append(params, param{decodedName, decodedValue})
	}
	return params, nil
}

// The parameters of a presigned request, in the order in which AWS lists those that are missing.
const (
	queryAlgorithm = iota
	queryCredential
	querySignature
	querySignedHeaders
	queryDate
	queryExpires
	queryToken
	queryCount
	queryRequired = queryExpires // those before it
)

var queryNames = [queryCount]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date",
	"X-Amz-Expires", "X-Amz-Security-Token",
}

// queryAuth are the values of queryNames; found is true if there is any.
type queryAuth struct {
	found  bool
	values [queryCount]string
}

// findQueryAuth collects the parameters that authenticate. Their names are case-sensitive; one in another case would be
// an ordinary parameter here and perhaps not to the next reader, so it is refused.
func findQueryAuth(query []param) (queryAuth, error) {
	var auth queryAuth
	if len(query) == 0 {
		return auth, nil
	}
	var seen [queryCount]bool
	for _, p := range query {
		for i, name := range queryNames {
			if !strings.EqualFold(p.name, name) {
				continue
			}
			switch {
			case p.name != name:
				return auth, incomplete("Query-string parameter %s must be written '%s'.", quote(p.name), name)
			case seen[i]:
				return auth, incomplete("Query-string parameter '%s' must not be repeated.", name)
			case p.value == "" && i >= queryRequired:
				return auth, incomplete("Query-string parameter '%s' must not be empty.", name)
			}
			auth.found, seen[i], auth.values[i] = true, true, p.value
		}
	}
	return auth, nil
}

// readQuery reads the presigned form. The signature covers all of the query but itself.
func (s *Signature) readQuery(auth queryAuth, header http.Header) error {
	if missing := auth.missing(); missing != "" {
		return incomplete("%s", missing)
	}
	for _, name := range []string{"X-Amz-Date", "X-Amz-Security-Token"} {
		if len(header[name]) > 0 {
			return invalid("A presigned request must not have '%s' as HTTP header.", name)
		}
	}
	if auth.values[queryAlgorithm] != algorithm {
		return unsupported(auth.values[queryAlgorithm])
	}
	var err error
	if s.Time, err = parseBasic(auth.values[queryDate]); err != nil {
		return err
	}
	if s.Expires, err = parseExpires(auth.values[queryExpires]); err != nil {
		return err
	}
	s.Presigned, s.stamp = true, auth.values[queryDate]
	s.SessionToken = auth.values[queryToken]
	return s.readParts(auth.values[queryCredential], auth.values[querySignature], auth.values[querySignedHeaders])
}

func (a *queryAuth) missing() string {
	var problems []string
	for i, name := range queryNames[:queryRequired] {
		if a.values[i] == "" {
			problems = append(problems, "AWS query-string parameters must include '"+name+"'.")
		}
	}
	if problems == nil {
		return ""
	}
	return strings.Join(append(problems, "Re-examine the query-string parameters."), " ")
}

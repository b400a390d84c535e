// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"net/http"
	"slices"
	"strings"
)

// readHeader reads the form with an Authorization header:
//
//	AWS4-HMAC-SHA256 Credential=A/B/C/D/E, SignedHeaders=a;b;c, Signature=hex
//
// The parameters may come in any order, with or without blanks after the commas.
func (s *Signature) readHeader(authorization string, header http.Header) error {
	name, rest, _ := strings.Cut(authorization, " ")
	if name != algorithm {
		return unsupported(name)
	}
	parameters, err := parseAuthorization(rest)
	if err != nil {
		return err
	}
	if s.Time, s.stamp, err = headerTime(header); err != nil {
		return err
	}
	if missing := parameters.missing(s.stamp != ""); missing != "" {
		return incomplete("%s", missing)
	}
	if s.SessionToken, err = sessionToken(header); err != nil {
		return err
	}
	return s.readParts(parameters[0], parameters[1], parameters[2])
}

// headerParameters are the parameters of an Authorization header, in the order in which AWS lists those that are missing.
var headerParameters = [...]string{"Credential", "Signature", "SignedHeaders"}

// authorization has the values of headerParameters.
type authorization [len(headerParameters)]string

func parseAuthorization(text string) (authorization, error) {
	var values authorization
	var seen [len(headerParameters)]bool
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !ok {
			return values, incomplete("Invalid key=value pair (missing equal-sign) in Authorization header.")
		}
		i := slices.Index(headerParameters[:], name)
		if i < 0 {
			return values, incomplete("Authorization header has an unknown parameter %s.", quote(name))
		}
		if seen[i] {
			return values, incomplete("Authorization header must not repeat the '%s' parameter.", name)
		}
		seen[i], values[i] = true, value
	}
	return values, nil
}

// missing names everything that is absent, in AWS's words.
func (a *authorization) missing(hasTime bool) string {
	var problems []string
	for i, name := range headerParameters {
		if a[i] == "" {
			problems = append(problems, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if !hasTime {
		problems = append(problems, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	return strings.Join(problems, " ")
}

// sessionToken reads the header form's token. That it is signed, bindHeaders sees to, as for every X-Amz-* header.
func sessionToken(header http.Header) (string, error) {
	token, ok, err := single(header, "X-Amz-Security-Token")
	if err == nil && ok && token == "" {
		err = incomplete("Header 'X-Amz-Security-Token' must not be empty.")
	}
	return token, err
}

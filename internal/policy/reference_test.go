// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"encoding/json"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// reference decides on a request a second time, from the JSON itself and with none of the package's code: regular
// expressions for wildcards, net for addresses, a case per operator, no thought of speed. It takes well-formed documents.
func reference(document string, request policy.Request) policy.Verdict {
	var doc map[string]any
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		panic(err)
	}
	var denied, direct, delegated bool
	for _, item := range many(doc["Statement"]) {
		statement := as[map[string]any](item)
		name := refPrincipal(statement, request.Principal)
		if name == "" || !refAction(statement, request.Action) || !refResource(statement, request.Resource) ||
			!refConditions(statement, request.Context) {
			continue
		}
		switch {
		case statement["Effect"] == "Deny":
			denied = true
		case name == "account":
			delegated = true
		default:
			direct = true
		}
	}
	switch {
	case denied:
		return policy.ExplicitDeny
	case direct:
		return policy.AllowedDirectly
	case delegated:
		return policy.AllowedToAccount
	default:
		return policy.ImplicitDeny
	}
}

// as is the value as a T, which a well-formed document has in this place.
func as[T any](value any) T {
	typed, ok := value.(T)
	if !ok {
		panic("the document is not well formed")
	}
	return typed
}

func many(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// refPrincipal is "direct", "account" or "" for a statement that does not concern the caller.
func refPrincipal(statement map[string]any, caller policy.Principal) string {
	if not, ok := statement["NotPrincipal"]; ok {
		needed := []string{}
		if caller.Service != "" {
			needed = append(needed, "Service "+caller.Service)
		} else {
			needed = append(needed, "account "+caller.Account)
			if caller.ARN != "" && !strings.HasSuffix(caller.ARN, ":root") {
				needed = append(needed, "AWS "+caller.ARN)
			}
			if caller.SessionARN != "" {
				needed = append(needed, "AWS "+caller.SessionARN)
			}
		}
		listed := refEntries(not)
		for _, need := range needed {
			if !listed[need] && !listed["AWS *"] {
				return "direct"
			}
		}
		return ""
	}
	listed := refEntries(statement["Principal"])
	switch {
	case listed["AWS *"], caller.ARN != "" && listed["AWS "+caller.ARN],
		caller.SessionARN != "" && listed["AWS "+caller.SessionARN],
		caller.Service != "" && listed["Service "+caller.Service],
		caller.Federated != "" && listed["Federated "+caller.Federated],
		strings.HasSuffix(caller.ARN, ":root") && listed["account "+caller.Account]:
		return "direct"
	case caller.Account != "" && listed["account "+caller.Account]:
		return "account"
	default:
		return ""
	}
}

func refEntries(principal any) map[string]bool {
	listed := map[string]bool{}
	if principal == "*" {
		principal = map[string]any{"AWS": "*"}
	}
	for kind, entries := range as[map[string]any](principal) {
		for _, entry := range many(entries) {
			listed[kind+" "+as[string](entry)] = true
			if found := regexp.MustCompile(`^(?:arn:aws:iam::)?(\d{12})(?::root)?$`).FindStringSubmatch(as[string](entry)); found != nil {
				listed["account "+found[1]] = true
			}
		}
	}
	return listed
}

func refGlob(flags, pattern, text string) bool {
	quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s` + flags + `)\A` + quoted + `\z`).MatchString(text)
}

func refARN(pattern, arn string) bool {
	wanted, got := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(wanted) != 6 || len(got) != 6 {
		return false
	}
	for i := range wanted {
		if !refGlob("", wanted[i], got[i]) {
			return false
		}
	}
	return true
}

func refAction(statement map[string]any, action string) bool {
	for _, pattern := range many(statement["Action"]) {
		if pattern != nil && refGlob("i", as[string](pattern), action) {
			return true
		}
	}
	not, negated := statement["NotAction"]
	if !negated {
		return false
	}
	for _, pattern := range many(not) {
		if refGlob("i", as[string](pattern), action) {
			return false
		}
	}
	return true
}

func refResource(statement map[string]any, resource string) bool {
	for _, pattern := range many(statement["Resource"]) {
		if pattern == "*" || refARN(as[string](pattern), resource) {
			return true
		}
	}
	return false
}

func refConditions(statement map[string]any, context map[string][]string) bool {
	block, _ := statement["Condition"].(map[string]any)
	for operator, keys := range block {
		for key, wanted := range as[map[string]any](keys) {
			var got []string
			for name, values := range context {
				if strings.EqualFold(name, key) {
					got = append(got, values...)
				}
			}
			if !refCondition(operator, many(wanted), got) {
				return false
			}
		}
	}
	return true
}

func refCondition(operator string, wanted []any, got []string) bool {
	prefix, base, found := strings.Cut(operator, ":")
	if !found {
		prefix, base = "", operator
	}
	if base == "Null" {
		for _, value := range wanted {
			if refText(value) == "true" && len(got) == 0 || refText(value) == "false" && len(got) > 0 {
				return true
			}
		}
		return false
	}
	base, ifExists := strings.CutSuffix(base, "IfExists")
	negated := strings.Contains(base, "Not")
	if len(got) == 0 {
		return ifExists || prefix == "ForAllValues" || prefix == "" && negated
	}
	hits := 0 // the values of the request that match any in the policy
	for _, value := range got {
		for _, want := range wanted {
			if refMatch(strings.Replace(base, "Not", "", 1), refText(want), value) {
				hits++
				break
			}
		}
	}
	switch {
	case prefix == "ForAllValues" && negated, prefix == "" && negated:
		return hits == 0
	case prefix == "ForAllValues":
		return hits == len(got)
	case prefix == "ForAnyValue" && negated:
		return hits < len(got)
	default:
		return hits > 0
	}
}

func refText(value any) string {
	switch value := value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		return as[string](value)
	}
}

func refMatch(operator, want, got string) bool {
	switch operator {
	case "StringEquals":
		return want == got
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold(want, got)
	case "StringLike":
		return refGlob("", want, got)
	case "ArnEquals", "ArnLike":
		return refARN(want, got)
	case "IpAddress":
		if !strings.Contains(want, "/") {
			return net.ParseIP(got) != nil && net.ParseIP(want).Equal(net.ParseIP(got))
		}
		_, network, err := net.ParseCIDR(want)
		return err == nil && net.ParseIP(got) != nil && network.Contains(net.ParseIP(got))
	}
	read := refNumber
	relation, ok := strings.CutPrefix(operator, "Numeric")
	if !ok {
		relation, read = strings.TrimPrefix(operator, "Date"), refSeconds
	}
	a, err1 := read(got)
	b, err2 := read(want)
	if err1 != nil || err2 != nil {
		return false
	}
	return map[string]bool{
		"Equals": a == b, "LessThan": a < b, "LessThanEquals": a <= b, "GreaterThan": a > b, "GreaterThanEquals": a >= b,
	}[relation]
}

func refNumber(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func refSeconds(s string) (float64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return float64(n), nil
	}
	if len(s) == len("2026-01-01") {
		s += "T00:00:00Z"
	}
	date, err := time.Parse(time.RFC3339, s)
	return float64(date.Unix()), err
}

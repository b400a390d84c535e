// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

// actions looks for actions that do not exist or can do nothing. What policy.Base lists is the same for every key.
func (l *linter) actions(s *policy.Statement) {
	isBase := slices.Equal(s.Action, policy.Administration())
	for _, pattern := range s.Action {
		if matches := l.known("Action", pattern); len(matches) > 0 && !isBase {
			l.useless(pattern, matches)
		}
	}
	for _, pattern := range s.NotAction {
		l.known("NotAction", pattern)
	}
}

// known is the actions for which one in a statement stands; none, and an error, if there are none.
func (l *linter) known(element, pattern string) []vocabulary.Action {
	names := vocabulary.Match(pattern)
	if len(names) == 0 {
		l.err(element, "%q is no action of AWS KMS%s", pattern, instead(pattern))
	}
	matches := make([]vocabulary.Action, len(names))
	for i, name := range names {
		matches[i], _ = vocabulary.Lookup(name) // Match knows only such
	}
	return matches
}

// instead is what the writer of an unknown action may have meant.
func instead(pattern string) string {
	name := pattern[strings.Index(pattern, ":")+1:]
	for _, attempt := range []string{"kms:" + name, "kms:" + name + "*", "kms:*" + name + "*"} {
		if likely := vocabulary.Match(attempt); name != "" && len(likely) > 0 {
			return "; did you mean " + some(likely) + "?"
		}
	}
	return "; its actions are named like kms:Decrypt"
}

// useless looks for an action that can do nothing, whatever of those that it stands for is asked for.
func (l *linter) useless(pattern string, matches []vocabulary.Action) {
	effective := slices.DeleteFunc(slices.Clone(matches), func(action vocabulary.Action) bool {
		return action.Scope == vocabulary.ScopeAccount || action.Scope == vocabulary.ScopeGrant
	})
	switch {
	case len(effective) == 0 && slices.ContainsFunc(matches, isForGrants):
		l.warn("Action", "%s has no effect in a key policy: who may retire a grant is said by the grant", pattern)
	case len(effective) == 0:
		l.warn("Action", "%s has no effect in a key policy: it is not about a key, and only IAM policies give it", pattern)
	case l.about.Spec != "" && l.about.Usage != "" && !slices.ContainsFunc(effective, l.possible):
		l.err("Action", "%s is nothing that a key with keySpec %s and keyUsage %s can do", pattern, l.about.Spec, l.about.Usage)
	}
}

func isForGrants(action vocabulary.Action) bool { return action.Scope == vocabulary.ScopeGrant }

func (l *linter) possible(action vocabulary.Action) bool {
	return action.Possible(l.about.Spec, l.about.Usage)
}

// conditions looks for conditions that AWS KMS never meets as they are meant.
func (l *linter) conditions(s *policy.Statement) {
	for _, condition := range s.Conditions {
		kind, known := vocabulary.ConditionKey(condition.Key)
		operator, exists := policy.ParseOperator(condition.Operator)
		switch {
		case !known:
			l.err("Condition", "%s is no condition key of a request to AWS KMS", condition.Key)
		case !exists:
			l.err("Condition", "%s is no condition operator", condition.Operator)
		case vocabulary.IAMOnly(condition.Key):
			l.warn("Condition", "%s works in IAM policies only; in a key policy no request has it", condition.Key)
		case l.hasNoEncryptionContext() && isEncryptionContext(condition.Key):
			l.warn("Condition", "%s: requests for a key with keySpec %s have no encryption context", condition.Key, l.about.Spec)
		case !compares(operator.Comparison, kind):
			l.warn("Condition", "%s never matches %s, whose value is %s", condition.Operator, condition.Key, kind)
		}
	}
}

func (l *linter) hasNoEncryptionContext() bool {
	return l.about.Spec != "" && !l.about.Spec.Symmetric()
}

func isEncryptionContext(key string) bool {
	key = strings.ToLower(key)
	return strings.HasPrefix(key, "kms:encryptioncontext:") || key == "kms:encryptioncontextkeys"
}

// compares says whether a comparison can match values of the key's type. Those of strings can match all.
func compares(comparison string, kind vocabulary.Type) bool {
	if kind == vocabulary.Text {
		return true
	}
	switch {
	case strings.HasPrefix(comparison, "Arn"):
		return kind == vocabulary.ARN || kind == vocabulary.String || kind == vocabulary.List
	case strings.HasPrefix(comparison, "Numeric"):
		return kind == vocabulary.Number || kind == vocabulary.Date
	case strings.HasPrefix(comparison, "Date"):
		return kind == vocabulary.Date
	case strings.HasSuffix(comparison, "IpAddress"):
		return kind == vocabulary.IP
	case comparison == "Bool":
		return kind == vocabulary.Bool
	default:
		return true
	}
}

// resources looks for a Resource that is not the key by its customary name.
func (l *linter) resources(s *policy.Statement) {
	for _, resource := range s.Resource {
		if resource != "*" {
			l.warn("Resource", `%s: write "*", which in a key policy is this key and no other`, resource)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"regexp"
	"strings"
)

var (
	documentElements  = []string{"Version", "Id", "Statement"}
	statementElements = []string{
		"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition",
	}
	principalKinds = []string{"AWS", "Service", "Federated"}

	actionPattern = regexp.MustCompile(`^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`)
)

// Parse reads a key policy. What is wrong with one is an *Error.
func Parse(document []byte) (*Document, error) {
	if len(document) > MaxBytes {
		return nil, fail("", "has %d bytes; AWS KMS takes %d, so shorten it or move permissions into grants",
			len(document), MaxBytes)
	}
	return Read(document)
}

// Read reads a key policy that is in force. It is Parse without a bound on the size: a document that fits may come back from
// AWS with white space, and with its accounts written as ARNs.
func Read(document []byte) (*Document, error) {
	root, err := decode(document)
	if err != nil {
		return nil, err
	}
	found, err := elements("", root, documentElements)
	if err != nil {
		return nil, err
	}
	doc := &Document{Version: Version2008}
	if err := parseVersion(doc, found); err != nil {
		return nil, err
	}
	if doc.ID, err = optionalText("Id", found); err != nil {
		return nil, err
	}
	if doc.Statements, err = parseStatements(doc.Version, found); err != nil {
		return nil, err
	}
	return doc, nil
}

func parseVersion(doc *Document, found map[string]any) error {
	value, present := found["Version"]
	if !present {
		return nil
	}
	if value != Version2012 && value != Version2008 {
		return fail("Version", "is not a version of the policy language; write %q", Version2012)
	}
	doc.Version = Version2012
	if value == Version2008 {
		doc.Version = Version2008
	}
	return nil
}

func parseStatements(version string, found map[string]any) ([]Statement, error) {
	value, present := found["Statement"]
	if !present {
		return nil, fail("Statement", "is missing; a key policy needs one statement or more")
	}
	items, ok := value.([]any)
	if !ok {
		items = []any{value}
	}
	if len(items) == 0 {
		return nil, fail("Statement", "is empty; a key policy needs one statement or more")
	}
	statements := make([]Statement, 0, len(items))
	sids := map[string]int{}
	for i, item := range items {
		statement, err := parseStatement(version, item)
		if err == nil && statement.Sid != "" {
			err = checkSid(sids, statement.Sid, i)
		}
		if err != nil {
			return nil, locate(err, i, item)
		}
		statements = append(statements, statement)
	}
	return statements, nil
}

func checkSid(sids map[string]int, sid string, index int) error {
	if first, taken := sids[sid]; taken {
		return fail("Sid", "is that of Statement[%d] too; each Sid names one statement", first)
	}
	sids[sid] = index
	return nil
}

// locate adds to an error the statement that it is about.
func locate(err error, index int, statement any) error {
	problem, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	problem.Statement = index
	members, _ := statement.(object)
	for _, m := range members {
		if sid, ok := m.value.(string); ok && m.name == "Sid" {
			problem.Sid = sid
		}
	}
	return problem
}

func parseStatement(version string, value any) (Statement, error) {
	var s Statement
	found, err := elements("", value, statementElements)
	if err != nil {
		return s, err
	}
	if s.Sid, err = optionalText("Sid", found); err != nil {
		return s, err
	}
	if s.Effect, err = parseEffect(found); err != nil {
		return s, err
	}
	if err := parsePrincipals(&s, found); err != nil {
		return s, err
	}
	if err := parseActions(&s, found); err != nil {
		return s, err
	}
	if s.Resource, err = parseResources(version, found); err != nil {
		return s, err
	}
	s.Conditions, err = parseConditions(version, found)
	return s, err
}

func parseEffect(found map[string]any) (Effect, error) {
	switch found["Effect"] {
	case string(Allow):
		return Allow, nil
	case string(Deny):
		return Deny, nil
	default:
		return "", fail("Effect", `must be "Allow" or "Deny"`)
	}
}

// oneOf is the name of the one of two elements that is there.
func oneOf(found map[string]any, name, not string) (string, error) {
	_, plain := found[name]
	_, negated := found[not]
	switch {
	case plain && negated:
		return "", fail(name, "stands beside %s; keep one of them", not)
	case negated:
		return not, nil
	case plain:
		return name, nil
	default:
		return "", fail(name, "is missing; every statement of a key policy needs it")
	}
}

func parseActions(s *Statement, found map[string]any) error {
	name, err := oneOf(found, "Action", "NotAction")
	if err != nil {
		return err
	}
	actions, err := texts(name, found[name])
	if err != nil {
		return err
	}
	for _, action := range actions {
		if !actionPattern.MatchString(action) {
			return fail(name, `%q is not an action; write one such as "kms:Decrypt", "kms:Describe*" or "*"`, action)
		}
	}
	if name == "Action" {
		s.Action = actions
	} else {
		s.NotAction = actions
	}
	return nil
}

func parseResources(version string, found map[string]any) ([]string, error) {
	value, present := found["Resource"]
	if !present {
		return nil, fail("Resource", `is missing; write "*", which in a key policy means this key`)
	}
	resources, err := texts("Resource", value)
	if err != nil {
		return nil, err
	}
	for _, resource := range resources {
		if resource != "*" && !strings.HasPrefix(resource, "arn:") {
			return nil, fail("Resource", `%q is not an ARN; write "*", which in a key policy means this key`, resource)
		}
		if err := checkVariable("Resource", version, resource); err != nil {
			return nil, err
		}
	}
	return resources, nil
}

func checkVariable(element, version, value string) error {
	if version == Version2012 && strings.Contains(value, "${") {
		return fail(element, "%q holds a policy variable, which is not supported; write a statement for each value", value)
	}
	return nil
}

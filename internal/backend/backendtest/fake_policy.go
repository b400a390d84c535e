// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backendtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Policy implements backend.Backend. Like AWS it does not answer the document as it was put, but one of the same meaning:
// see rewrite.
func (f *Fake) Policy(ctx context.Context, keyID string) (string, error) {
	return call(ctx, f, VerbPolicy, func() (string, error) {
		key, err := f.find(keyID)
		if err != nil {
			return "", err
		}
		return rewrite(key.policy), nil
	})
}

// PolicyPuts is how often the policy of a key that was there was replaced (AWS's PutKeyPolicy), whether or not by another
// one. What was refused does not count.
func (f *Fake) PolicyPuts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.puts
}

// NamesServiceAccounts sets Identity's field of that name; it takes effect when the backend is identified next.
func (f *Fake) NamesServiceAccounts(names bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.namesServiceAccounts = names
}

// DeleteRole has an IAM role vanish: key policies that name it name its unique ID from now on, which is returned, and a
// policy that names the role is refused until CreateRole.
func (f *Fake) DeleteRole(arn string) (uniqueID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rolesGone[arn] = true
	uniqueID = "AROA" + strings.ToUpper(strings.ReplaceAll(newID(), "-", ""))[:17]
	for _, there := range f.regions {
		for _, key := range there.keys {
			key.forget(arn, uniqueID)
		}
	}
	return uniqueID
}

// forget makes the key's policy name a role by its unique ID.
func (k *fakeKey) forget(role, uniqueID string) {
	document, err := policy.Parse([]byte(k.policy))
	if err != nil {
		panic("a key's policy cannot be read: " + err.Error()) // it was, when it was put
	}
	for _, principals := range awsPrincipals(document) {
		for i, principal := range principals {
			if principal == role {
				principals[i] = uniqueID
			}
		}
	}
	k.policy = document.String()
}

// CreateRole ends DeleteRole. It is another role: the unique IDs of the deleted one stay in policies.
func (f *Fake) CreateRole(arn string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.rolesGone, arn)
}

// checkPolicy takes a policy by AWS's rules: it must be one, name nobody who does not exist, and leave the operator able to
// replace it.
func (f *Fake) checkPolicy(key *fakeKey, document string) error {
	if len(document) > policy.MaxBytes {
		return invalid("the key policy has %d bytes, of which it may have %d", len(document), policy.MaxBytes)
	}
	parsed, err := policy.Parse([]byte(document))
	if err != nil {
		return invalid("%v", err)
	}
	for _, principal := range slices.Concat(awsPrincipals(parsed)...) {
		if f.rolesGone[principal] || strings.HasPrefix(principal, "A") {
			return invalid("Policy contains a statement with one or more invalid principals. %q does not exist.", principal)
		}
	}
	operator, err := policy.NewPrincipal(fakeOperator)
	if err != nil {
		return fmt.Errorf("reading the operator's principal: %w", err)
	}
	// What the policy leaves to the account, the operator's identity policy allows: it could not make keys otherwise.
	request := policy.Request{Principal: operator, Action: "kms:PutKeyPolicy", Resource: key.ARN}
	verdict := policy.Evaluate(parsed, request).Verdict
	if verdict != policy.AllowedDirectly && verdict != policy.AllowedToAccount {
		return invalid("The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// createPolicy gives a key that is being made its policy.
func (f *Fake) createPolicy(key *fakeKey, document string) error {
	if document == "" {
		key.policy = policy.Default(fakeAccount).String()
		return nil
	}
	key.policy = document
	return f.checkPolicy(key, document)
}

// putPolicy replaces a key's policy.
func (f *Fake) putPolicy(key *fakeKey, document string) error {
	if err := f.checkPolicy(key, document); err != nil {
		return err
	}
	key.policy = document
	f.puts++
	return nil
}

// awsPrincipals are the lists in which the document names principals of AWS. What is written into them is in the document.
func awsPrincipals(document *policy.Document) [][]string {
	all := make([][]string, 0, 2*len(document.Statements))
	for i := range document.Statements {
		all = append(all, document.Statements[i].Principal.AWS, document.Statements[i].NotPrincipal.AWS)
	}
	return all
}

// rewrite is a document of the same meaning as AWS might answer it: statements, their elements and lists in another order,
// an element as a list of one and a list of one as its element, accounts by their ARNs, white space.
func rewrite(document string) string {
	parsed, err := policy.Parse([]byte(document))
	if err != nil {
		panic("a key's policy cannot be read: " + err.Error()) // it was, when it was put
	}
	for _, principals := range awsPrincipals(parsed) {
		for i, principal := range principals {
			if len(principal) == len(fakeAccount) && strings.Trim(principal, "0123456789") == "" {
				principals[i] = policy.AccountARN("", principal)
			}
		}
	}
	var tree map[string]any
	if err := json.Unmarshal([]byte(parsed.String()), &tree); err != nil {
		panic("a key policy is no JSON: " + err.Error()) // the parser's own text is
	}
	statements, _ := tree["Statement"].([]any)
	slices.Reverse(statements)
	for _, statement := range statements {
		if elements, ok := statement.(map[string]any); ok {
			turn(elements)
		}
	}
	text, err := json.MarshalIndent(tree, "", "  ")
	if err != nil {
		panic("writing a key policy: " + err.Error()) // it was read as JSON
	}
	if rewritten := ascii(string(text)); len(rewritten) <= policy.MaxBytes {
		return rewritten
	}
	return document // there is no room to rewrite it
}

// turn writes the elements of a statement, and those within them, the other way round.
func turn(elements map[string]any) {
	for name, value := range elements {
		switch value := value.(type) {
		case map[string]any:
			turn(value)
		case []any:
			slices.Reverse(value)
		case string:
			if name != "Sid" && name != "Effect" {
				elements[name] = []any{value}
			}
		}
	}
}

// ascii writes what AWS does not take in a document as escapes.
func ascii(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		}
	}
	return out.String()
}

var _ backend.Backend = (*Fake)(nil)

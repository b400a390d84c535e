// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

func TestAGrantAllowsItsGranteeWhatItSays(t *testing.T) {
	session, foreign := pod(), as("arn:aws:iam::"+stranger+":user/zoe")
	encrypt := func(context object) object { return object{"Plaintext": []byte("x"), "EncryptionContext": context} }
	tenant := object{"tenant": "42"}
	for name, tt := range map[string]struct {
		grantee     string
		constraints object
		policy      []object
		caller      string // by ARN; empty: the grantee
		operation   string
		in          object
		allowed     bool
	}{
		"what it says":                    {user("ann").ARN(), nil, nil, "", "Encrypt", encrypt(nil), true},
		"what it does not say":            {user("ann").ARN(), nil, nil, "", "GenerateDataKey", object{"NumberOfBytes": 1}, false},
		"what no grant can":               {user("ann").ARN(), nil, nil, "", "ListGrants", object{}, false},
		"to somebody else":                {user("ann").ARN(), nil, nil, user("bob").ARN(), "Encrypt", encrypt(nil), false},
		"to a role's session":             {roleARN, nil, nil, sessionARN, "Encrypt", encrypt(nil), true},
		"to another role's session":       {roleARN + "x", nil, nil, sessionARN, "Encrypt", encrypt(nil), false},
		"to a session":                    {sessionARN, nil, nil, sessionARN, "Encrypt", encrypt(nil), true},
		"to another session":              {sessionARN + "x", nil, nil, sessionARN, "Encrypt", encrypt(nil), false},
		"to a foreign user":               {foreign.ARN(), nil, nil, "", "Encrypt", encrypt(nil), true},
		"to a foreign account's root":     {rootOf(stranger), nil, nil, "", "Encrypt", encrypt(nil), true},
		"to a foreign account, its user":  {rootOf(stranger), nil, nil, foreign.ARN(), "Encrypt", encrypt(nil), false},
		"to a user who is denied":         {user("ann").ARN(), nil, []object{rule("Deny", aws(user("ann").ARN()), "kms:Encrypt")}, "", "Encrypt", encrypt(nil), false},
		"to a user whom nothing allows":   {user("ann").ARN(), nil, []object{rule("Allow", aws(account), "*")}, "", "Encrypt", encrypt(nil), true},
		"the equal context":               {user("ann").ARN(), object{"EncryptionContextEquals": tenant}, nil, "", "Encrypt", encrypt(object{"Tenant": "42"}), true},
		"more than the equal context":     {user("ann").ARN(), object{"EncryptionContextEquals": tenant}, nil, "", "Encrypt", encrypt(object{"tenant": "42", "x": "y"}), false},
		"no context":                      {user("ann").ARN(), object{"EncryptionContextEquals": tenant}, nil, "", "Encrypt", encrypt(nil), false},
		"more than the subset":            {user("ann").ARN(), object{"EncryptionContextSubset": tenant}, nil, "", "Encrypt", encrypt(object{"tenant": "42", "x": "y"}), true},
		"another value":                   {user("ann").ARN(), object{"EncryptionContextSubset": tenant}, nil, "", "Encrypt", encrypt(object{"tenant": "43"}), false},
		"an operation without context":    {user("ann").ARN(), object{"EncryptionContextEquals": tenant}, nil, "", "DescribeKey", object{}, true},
		"on behalf of a resource":         {user("ann").ARN(), object{"SourceArn": "arn:aws:s3:::b"}, nil, "", "Encrypt", encrypt(nil), false},
		"described on behalf of resource": {user("ann").ARN(), object{"SourceArn": "arn:aws:s3:::b"}, nil, "", "DescribeKey", object{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := kms.CreateKeyInput{}
			if tt.policy != nil {
				in.Policy = statements(tt.policy...)
			}
			keyID := w.newKey(in)
			grantID, _ := w.grant(keyID, tt.grantee, []string{"Encrypt", "DescribeKey"}, object{"Constraints": tt.constraints})
			caller := as(tt.grantee)
			switch tt.caller {
			case "":
			case sessionARN:
				caller = session
			default:
				caller = as(tt.caller)
			}
			if tt.grantee == sessionARN && tt.caller == sessionARN {
				caller = session
			}
			got := w.refusal(caller, tt.operation, plus(tt.in, "KeyId", arnOf(keyID)))
			if tt.allowed != (got == allowed) {
				t.Errorf("got %q because %q", got, w.events.last().Reason)
			}
			reason := w.events.last().Reason
			if tt.allowed && reason != "allowed by grant "+grantID {
				t.Errorf("the reason is %q", reason)
			}
			if !tt.allowed && tt.constraints != nil && !strings.Contains(reason, "grant "+grantID+" does not go so far") {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}

func TestAGrantTokenWorksInAProcessThatHasNotHeardOfTheGrant(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{})
	id := keyring.ID{AccountID: account, Region: home}
	second := w.openDeaf(id)
	grantID, token := w.grant(keyID, ann.ARN(), []string{"Encrypt"}, nil)
	w.partition.Add(second)
	in := plus(forms("Encrypt", keyID), "GrantTokens", []string{token})
	w.refused(ann, "Encrypt", forms("Encrypt", keyID), kms.AccessDeniedException)
	w.must(ann, "Encrypt", in)
	if parameters := w.events.last().RequestParameters; parameters["grantTokens"] != nil {
		t.Errorf("the record has the token: %v", parameters)
	}
	third := w.openDeaf(id)
	w.must(root(), "RevokeGrant", object{"KeyId": keyID, "GrantId": grantID})
	w.partition.Add(third)
	w.must(ann, "Encrypt", in) // has not heard of the revocation yet
	w.partition.Add(w.open(id))
	w.refused(ann, "Encrypt", in, kms.AccessDeniedException)
}

func TestAGrantTokenHelpsNobodyButItsGranteeAndOnNoOtherKey(t *testing.T) {
	w := newWorld(t)
	keyID, other := w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{})
	_, token := w.grant(keyID, user("ann").ARN(), []string{"Encrypt"}, nil)
	with := func(keyID string, tokens ...string) object {
		return plus(forms("Encrypt", keyID), "GrantTokens", tokens)
	}
	w.must(user("ann"), "Encrypt", with(keyID, token, token))
	w.refused(user("bob"), "Encrypt", with(keyID, token), kms.AccessDeniedException)
	w.refused(user("ann"), "Encrypt", with(other, token), kms.AccessDeniedException)
	w.refused(user("ann"), "Encrypt", with(keyID, token, token+"A"), kms.InvalidGrantTokenException)
	w.refused(user("ann"), "Encrypt", with(keyID, strings.Repeat("A", 8193)), kms.ValidationException)
	w.refused(user("ann"), "Encrypt", with(keyID, slices.Repeat([]string{token}, 11)...), kms.ValidationException)
}

func TestTheHolderOfAGrantDelegatesNoMoreThanItHas(t *testing.T) {
	ann, bob := user("ann"), user("bob")
	tenant := object{"tenant": "42"}
	for name, tt := range map[string]struct {
		constraints object
		operations  []string
		delegated   object
		policy      []object
		allowed     bool
	}{
		"the same":                {nil, []string{"Encrypt", "CreateGrant"}, nil, nil, true},
		"less":                    {nil, []string{"Encrypt"}, nil, nil, true},
		"more":                    {nil, []string{"Encrypt", "Decrypt"}, nil, nil, false},
		"the same constraint":     {object{"EncryptionContextEquals": tenant}, []string{"Encrypt"}, object{"EncryptionContextEquals": tenant}, nil, true},
		"a stricter one":          {object{"EncryptionContextSubset": tenant}, []string{"Encrypt"}, object{"EncryptionContextEquals": tenant}, nil, true},
		"a looser one":            {object{"EncryptionContextEquals": tenant}, []string{"Encrypt"}, object{"EncryptionContextSubset": tenant}, nil, false},
		"none":                    {object{"EncryptionContextSubset": tenant}, []string{"Encrypt"}, nil, nil, false},
		"an empty one":            {object{"EncryptionContextSubset": tenant}, []string{"Encrypt"}, object{"EncryptionContextEquals": object{}}, nil, false},
		"more, but by the policy": {nil, []string{"Decrypt"}, nil, []object{rule("Allow", aws(ann.ARN()), "kms:CreateGrant")}, true},
		"less, but denied":        {nil, []string{"Encrypt"}, nil, []object{rule("Deny", "*", "kms:CreateGrant")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			keyID := w.newKey(kms.CreateKeyInput{})
			w.grant(keyID, ann.ARN(), []string{"DescribeKey", "Encrypt"}, nil) // cannot create any
			w.grant(keyID, ann.ARN(), []string{"CreateGrant", "Encrypt"}, object{"Constraints": tt.constraints})
			if tt.policy != nil {
				w.update(keyID, kms.PutKeyPolicy(statements(tt.policy...)))
			}
			in := object{"KeyId": keyID, "GranteePrincipal": bob.ARN(), "Operations": tt.operations, "Constraints": tt.delegated}
			got := w.refusal(ann, "CreateGrant", in)
			if tt.allowed != (got == allowed) {
				t.Fatalf("got %q because %q", got, w.events.last().Reason)
			}
			if grants := w.grants(keyID, object{"GranteePrincipal": bob.ARN()}); tt.allowed != (len(grants) == 1) {
				t.Errorf("bob has %d grants", len(grants))
			}
		})
	}
}

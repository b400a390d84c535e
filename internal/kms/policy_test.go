// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const (
	rootARN    = "arn:aws:iam::123456789012:root"
	userARN    = "arn:aws:iam::123456789012:user/ana"
	roleARN    = "arn:aws:iam::123456789012:role/shop/app"
	sessionARN = "arn:aws:sts::123456789012:assumed-role/app/pod"
)

// document is a key policy of one statement, with the rest of it (Principal, Action, ...) as JSON.
func document(statement string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"S","Resource":"*",` + statement + `}]}`
}

const lockedOut = "The new key policy will not allow you to update the key policy in the future."

func TestAPolicyMustLetItsAuthorPutTheNextOne(t *testing.T) {
	service, _ := newService(t)
	root, user := policy.Principal{ARN: rootARN}, policy.Principal{ARN: userARN}
	session := policy.Principal{ARN: roleARN, SessionARN: sessionARN}
	const allow, put = `"Effect":"Allow",`, `,"Action":"kms:Put*"`
	for name, c := range map[string]struct {
		caller    policy.Principal
		statement string
		able      bool
	}{
		"the caller by name":               {user, allow + `"Principal":{"AWS":"` + userARN + `"}` + put, true},
		"everybody":                        {user, allow + `"Principal":"*"` + put, true},
		"the role of a session":            {session, allow + `"Principal":{"AWS":"` + roleARN + `"}` + put, true},
		"the session":                      {session, allow + `"Principal":{"AWS":"` + sessionARN + `"}` + put, true},
		"the root user by the account":     {root, allow + `"Principal":{"AWS":"123456789012"}` + put, true},
		"somebody else":                    {user, allow + `"Principal":{"AWS":"` + roleARN + `"}` + put, false},
		"the root user, others allowed":    {root, allow + `"Principal":{"AWS":"` + userARN + `"}` + put, false},
		"a user by the account":            {user, allow + `"Principal":{"AWS":"` + rootARN + `"}` + put, false},
		"the caller, without PutKeyPolicy": {user, allow + `"Principal":{"AWS":"` + userARN + `"},"Action":"kms:Get*"`, false},
		"by NotAction":                     {user, allow + `"Principal":"*","NotAction":"kms:Decrypt"`, true},
		"a condition on who calls":         {user, allow + `"Principal":"*","Condition":{"StringEquals":{"kms:CallerAccount":"123456789012"}}` + put, true},
		"a condition on the request":       {user, allow + `"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}` + put, false},
		"denied but from one address":      {user, `"Effect":"Deny","Principal":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}` + put, false},
	} {
		t.Run(name, func(t *testing.T) {
			text := document(c.statement)
			if strings.Contains(c.statement, "Deny") {
				text = strings.Replace(text, `[{`, `[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{`, 1)
			}
			got, err := service.CheckPolicy(c.caller, text, false)
			switch {
			case c.able && (err != nil || got != text):
				t.Errorf("got %q, %v", got, err)
			case !c.able && (!kms.HasCode(err, kms.MalformedPolicyException) || !strings.HasSuffix(err.Error(), lockedOut)):
				t.Errorf("got %v", err)
			}
			if _, err := service.CheckPolicy(c.caller, text, true); err != nil {
				t.Errorf("with the check bypassed: %v", err)
			}
		})
	}
}

func TestAPolicyMayNameItsKey(t *testing.T) {
	service, _ := newService(t)
	key, err := service.Key(create(t, service, kms.CreateKeyInput{}).KeyID)
	if err != nil {
		t.Fatal(err)
	}
	user := policy.Principal{ARN: userARN}
	text := strings.Replace(document(`"Effect":"Allow","Principal":"*","Action":"*"`), `"*"`, `"`+key.ARN()+`"`, 1)
	if _, err := key.CheckPolicy(user, text, false); err != nil {
		t.Errorf("the key's own: %v", err)
	}
	if _, err := service.CheckPolicy(user, text, false); !kms.HasCode(err, kms.MalformedPolicyException) {
		t.Errorf("a new key's: %v", err)
	}
}

func TestWhatIsNoPolicyIsRefusedAndSaidWhy(t *testing.T) {
	service, _ := newService(t)
	const all = `"Effect":"Allow","Action":"*",`
	for name, c := range map[string]struct {
		document string
		code     kms.Code
		want     string
	}{
		"no JSON":              {"{", kms.MalformedPolicyException, "is not JSON"},
		"no statement":         {"{}", kms.MalformedPolicyException, "Statement: is missing"},
		"a partial wildcard":   {document(all + `"Principal":{"AWS":"` + roleARN + `*"}`), kms.MalformedPolicyException, `Statement[0] (Sid "S"): Principal AWS`},
		"an ARN of no caller":  {document(all + `"Principal":{"AWS":"arn:aws:s3:::bucket"}`), kms.MalformedPolicyException, "is not a principal"},
		"a deleted role":       {document(all + `"Principal":{"AWS":"AROAEXAMPLEEXAMPLE12"}`), kms.MalformedPolicyException, "one or more invalid principals. Statement[0]: \"AROAEXAMPLEEXAMPLE12\""},
		"a deleted user, Deny": {document(`"Effect":"Deny","Action":"*","NotPrincipal":{"AWS":["*","AIDAEXAMPLEEXAMPLE12"]}`), kms.MalformedPolicyException, "invalid principals"},
		"too long":             {document(all+`"Principal":"*"`) + strings.Repeat(" ", policy.MaxBytes), kms.LimitExceededException, "of which it may have 32768"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := service.CheckPolicy(policy.Principal{ARN: userARN}, c.document, true)
			if !kms.HasCode(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s: ...%s", err, c.code, c.want)
			}
		})
	}
	exact := document(all + `"Principal":"*"`)
	exact += strings.Repeat(" ", policy.MaxBytes-len(exact))
	if _, err := service.CheckPolicy(policy.Principal{ARN: userARN}, exact, false); err != nil {
		t.Errorf("32768 bytes: %v", err)
	}
}

func TestAKeysPolicyIsAsItWasPutOrTheOneThatSaysWhatIsTheCase(t *testing.T) {
	h := newHouse(t)
	service, ring, _ := h.open(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	text := func(s *kms.Service) string {
		key, err := s.Key(keyID)
		if err != nil {
			t.Fatal(err)
		}
		return key.PolicyText()
	}
	if got, want := text(service), policy.Default("123456789012").String(); got != want {
		t.Errorf("without a default: %s", got)
	}
	fallback, err := policy.Parse([]byte(document(`"Effect":"Allow","Principal":"*","Action":"kms:Encrypt"`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(kms.New(ring, h.clock, kms.Options{DefaultPolicy: fallback})); got != fallback.String() {
		t.Errorf("with a default: %s", got)
	}
	put := " " + document(`"Effect":"Allow","Principal":"*","Action":"kms:*"`)
	update(t, service, keyID, kms.DisableKey(), kms.ScheduleKeyDeletion(7), kms.PutKeyPolicy(put))
	if got := text(service); got != put {
		t.Errorf("after PutKeyPolicy of a key pending deletion: %s", got)
	}
}

// A session's ARN has no path, so where roles are ServiceAccounts' it does not say whose session it is.
func TestWhereRolesHaveNamespacesSessionsCannotBeNamed(t *testing.T) {
	h := newHouse(t)
	h.options.NamespacedRoles = true
	service, _, _ := h.open(t)
	session := "arn:aws:sts::123456789012:assumed-role/api/session"
	caller, err := policy.NewPrincipal("arn:aws:iam::123456789012:root")
	if err != nil {
		t.Fatal(err)
	}
	document := `{"Statement":[{"Effect":"Deny","Principal":{"AWS":"` + session + `"},"Action":"kms:*","Resource":"*"}]}`
	if _, err := service.CheckPolicy(caller, document, true); !kms.HasCode(err, kms.MalformedPolicyException) {
		t.Errorf("a policy: got %v", err)
	}
	key, err := service.Key(create(t, service, kms.CreateKeyInput{}).KeyID)
	if err != nil {
		t.Fatal(err)
	}
	for _, grant := range []*kms.Grant{
		{Grantee: session, Operations: []string{"Decrypt"}},
		{Grantee: "arn:aws:iam::123456789012:role/shop/api", Retiring: session, Operations: []string{"Decrypt"}},
	} {
		if err := key.CheckGrant(grant); !kms.HasCode(err, kms.InvalidArnException) {
			t.Errorf("a grant: got %v", err)
		}
	}
}

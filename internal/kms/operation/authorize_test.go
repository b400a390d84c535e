// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// The ends of AWS's refusals, spelt out again. ACTION stands for the permission.
const (
	allowed      = ""
	byDeny       = "with an explicit deny in a resource-based policy"
	byNoPolicy   = "because no resource-based policy allows the ACTION action"
	byNoIdentity = "because no identity-based policy allows the ACTION action"
	byUnknown    = "because the resource does not exist in this Region, no resource-based policies allow access, or a " +
		"resource-based policy explicitly denies access"
)

const (
	roleARN    = "arn:aws:iam::" + account + ":role/shop/app"
	sessionARN = "arn:aws:sts::" + account + ":assumed-role/app/pod-1"
)

// pod is a session of a role with a path.
func pod() identity.Caller {
	caller := as(sessionARN)
	caller.Principal.ARN = roleARN
	return caller
}

func rule(effect string, principal any, actions ...string) object {
	return object{"Effect": effect, "Principal": principal, "Action": actions, "Resource": "*"}
}

func aws(principals ...string) object { return object{"AWS": principals} }

// refusal is what refused the call; empty if nothing did, whatever else became of it.
func (w *world) refusal(caller identity.Caller, name string, in any) string {
	w.t.Helper()
	_, err := w.call(caller, name, in)
	known, ok := errors.AsType[*kms.Error](err)
	if !ok || known.Code != kms.AccessDeniedException {
		return allowed
	}
	return known.Message
}

// forms are the requests of this test on a key.
func forms(operation, keyID string) object {
	in := object{"KeyId": keyID}
	switch operation {
	case "Encrypt":
		in["Plaintext"] = []byte("x")
	case "GenerateDataKey":
		in["NumberOfBytes"] = 1
	case "PutKeyPolicy":
		in["Policy"] = statements(rule("Allow", "*", "*"))
	default:
	}
	return in
}

func TestTheKeyPolicyDecides(t *testing.T) {
	ann, bob := user("ann"), user("bob")
	other := as("arn:aws:sts::" + account + ":assumed-role/app/pod-2")
	other.Principal.ARN = roleARN
	foreigner, foreignRoot := as("arn:aws:iam::"+stranger+":user/zoe"), as(rootOf(stranger))
	named := rule("Allow", aws(ann.ARN()), "kms:*")
	everybody := rule("Allow", "*", "kms:*")
	account12 := rule("Allow", aws(account), "kms:*")
	sparing := func(principals ...string) object {
		return object{"Effect": "Deny", "NotPrincipal": aws(principals...), "Action": "kms:Encrypt", "Resource": "*"}
	}
	on := func(resource string) object { return plus(everybody, "Resource", resource) }
	not := func(action string) object {
		return object{"Effect": "Allow", "Principal": aws(ann.ARN()), "NotAction": action, "Resource": "*"}
	}
	tests := map[string]struct {
		policy    []object
		caller    identity.Caller
		operation string
		want      string
		reason    string
	}{
		"no policy, a user":                     {nil, ann, "Encrypt", byNoPolicy, "no statement of the key policy allows the caller this, and no grant"},
		"no policy, the root user":              {nil, root(), "Encrypt", allowed, "allowed to the account's root user"},
		"no policy, the root user puts one":     {nil, root(), "PutKeyPolicy", allowed, "allowed to the account's root user"},
		"a user by name":                        {[]object{named}, ann, "Encrypt", allowed, "allowed by statement 0 of the key policy"},
		"another user":                          {[]object{named}, bob, "Encrypt", byNoPolicy, "allows the caller this"},
		"the root user, not named":              {[]object{named}, root(), "Encrypt", allowed, "root user"},
		"the account, its user":                 {[]object{account12}, ann, "Encrypt", byNoIdentity, "statement 0 () allows it to the account"},
		"the account by its ARN, its user":      {[]object{rule("Allow", aws(rootOf(account)), "*")}, ann, "PutKeyPolicy", byNoIdentity, "allows it to the account"},
		"the account, its root user":            {[]object{account12}, root(), "Encrypt", allowed, "allowed by statement 0"},
		"the account and a user":                {[]object{account12, plus(named, "Sid", "Ann")}, ann, "Encrypt", allowed, "allowed by statement 1 (Ann) of the key policy"},
		"a role, its session":                   {[]object{rule("Allow", aws(roleARN), "kms:Encrypt")}, pod(), "Encrypt", allowed, "statement 0"},
		"a role of another path":                {[]object{rule("Allow", aws("arn:aws:iam::"+account+":role/app"), "*")}, pod(), "Encrypt", byNoPolicy, ""},
		"a session":                             {[]object{rule("Allow", aws(sessionARN), "kms:Encrypt")}, pod(), "Encrypt", allowed, ""},
		"another session":                       {[]object{rule("Allow", aws(sessionARN), "kms:Encrypt")}, other, "Encrypt", byNoPolicy, ""},
		"everybody":                             {[]object{everybody}, bob, "GenerateDataKey", allowed, ""},
		"everybody as AWS":                      {[]object{rule("Allow", aws("*"), "*")}, pod(), "Encrypt", allowed, ""},
		"a service":                             {[]object{rule("Allow", object{"Service": "s3.amazonaws.com"}, "*")}, ann, "Encrypt", byNoPolicy, ""},
		"another action":                        {[]object{rule("Allow", aws(ann.ARN()), "kms:Decrypt")}, ann, "Encrypt", byNoPolicy, ""},
		"an action in other case":               {[]object{rule("Allow", aws(ann.ARN()), "KMS:enCRYPT")}, ann, "Encrypt", allowed, ""},
		"actions by pattern":                    {[]object{rule("Allow", aws(ann.ARN()), "kms:Generate*")}, ann, "GenerateDataKey", allowed, ""},
		"actions by another pattern":            {[]object{rule("Allow", aws(ann.ARN()), "kms:Generate?")}, ann, "GenerateDataKey", byNoPolicy, ""},
		"all actions but others":                {[]object{not("kms:Decrypt")}, ann, "Encrypt", allowed, ""},
		"all actions but this":                  {[]object{not("kms:Enc*")}, ann, "Encrypt", byNoPolicy, ""},
		"this key by its ARN":                   {[]object{on("arn:aws:kms:" + home + ":" + account + ":key/*")}, ann, "Encrypt", allowed, ""},
		"another key":                           {[]object{on("arn:aws:kms:" + home + ":" + account + ":key/x*")}, ann, "Encrypt", byNoPolicy, "statement 0 () is about another resource"},
		"denied by name above all":              {[]object{everybody, plus(rule("Deny", aws(ann.ARN()), "kms:Encrypt"), "Sid", "No")}, ann, "Encrypt", byDeny, "denied by statement 1 (No) of the key policy"},
		"denied first":                          {[]object{rule("Deny", "*", "kms:Encrypt"), everybody}, ann, "Encrypt", byDeny, "denied by statement 0"},
		"denied another action":                 {[]object{rule("Deny", "*", "kms:Encrypt"), everybody}, ann, "GenerateDataKey", allowed, "allowed by statement 1"},
		"denied above the root user":            {[]object{rule("Deny", "*", "kms:Encrypt")}, root(), "Encrypt", byDeny, "denied by statement 0"},
		"denied by the account, its root user":  {[]object{rule("Deny", aws(account), "kms:Encrypt")}, root(), "Encrypt", byDeny, ""},
		"denied by the account, its user":       {[]object{everybody, rule("Deny", aws(account), "kms:Encrypt")}, ann, "Encrypt", byDeny, ""},
		"denied by the role, its session":       {[]object{everybody, rule("Deny", aws(roleARN), "kms:Encrypt")}, pod(), "Encrypt", byDeny, ""},
		"all denied but the caller":             {[]object{everybody, sparing(ann.ARN(), account)}, ann, "Encrypt", allowed, ""},
		"all denied but another":                {[]object{everybody, sparing(bob.ARN(), account)}, ann, "Encrypt", byDeny, "denied by statement 1"},
		"all denied but a session":              {[]object{everybody, sparing(sessionARN, roleARN, account)}, pod(), "Encrypt", allowed, ""},
		"all denied but another session":        {[]object{everybody, sparing(sessionARN, roleARN, account)}, other, "Encrypt", byDeny, ""},
		"a foreign user by name":                {[]object{rule("Allow", aws(foreigner.ARN()), "*")}, foreigner, "Encrypt", allowed, ""},
		"a foreign user by account":             {[]object{rule("Allow", aws(stranger), "*")}, foreigner, "Encrypt", byUnknown, "allows it to the account"},
		"a foreign root user by account":        {[]object{rule("Allow", aws(stranger), "*")}, foreignRoot, "Encrypt", allowed, ""},
		"a foreign root user, not named":        {[]object{account12}, foreignRoot, "Encrypt", byUnknown, "allows the caller this"},
		"a foreign user denied":                 {[]object{everybody, rule("Deny", aws(stranger), "*")}, foreigner, "Encrypt", byUnknown, "denied by statement 1"},
		"a foreign user, key's own operation":   {[]object{everybody}, foreigner, "PutKeyPolicy", byUnknown, "no such key is served here for the caller"},
		"a foreign root, key's own operation":   {[]object{everybody}, foreignRoot, "DisableKey", byUnknown, "no such key is served here for the caller"},
		"a foreign user, what he may see of it": {[]object{everybody}, foreigner, "DescribeKey", allowed, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := kms.CreateKeyInput{}
			if tt.policy != nil {
				in.Policy = statements(tt.policy...)
			}
			arn := arnOf(w.newKey(in))
			got := w.refusal(tt.caller, tt.operation, forms(tt.operation, arn))
			want := tt.want
			if want != allowed {
				permission := "kms:" + tt.operation
				want = "User: " + tt.caller.ARN() + " is not authorized to perform: " + permission + " on resource: " + arn + " " +
					strings.Replace(tt.want, "ACTION", permission, 1)
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if event := w.events.last(); !strings.Contains(event.Reason, tt.reason) || event.Reason == "" {
				t.Errorf("the reason is %q, want ...%s", event.Reason, tt.reason)
			}
		})
	}
}

func TestARefusalIsRecordedWithItsReasonWhichTheCallerIsNotTold(t *testing.T) {
	w := newWorld(t)
	conditional := plus(rule("Allow", "*", "kms:Encrypt"), "Condition", object{"StringEquals": object{"kms:ViaService": "s3"}})
	keyID := w.newKey(kms.CreateKeyInput{Policy: statements(plus(conditional, "Sid", "ViaS3"))})
	got := w.refused(user("ann"), "Encrypt", forms("Encrypt", keyID), kms.AccessDeniedException)
	event := w.events.last()
	const reason = "statement 0 (ViaS3) wants StringEquals kms:ViaService, which the request does not have"
	if !strings.Contains(event.Reason, reason) || strings.Contains(got, "ViaS3") || strings.Contains(got, "ViaService") {
		t.Errorf("the reason is %q, the caller is told %q", event.Reason, got)
	}
	if event.ErrorCode != "AccessDenied" || event.ErrorMessage != got || event.Resources[0].ARN != arnOf(keyID) {
		t.Errorf("the record is %+v", event)
	}
}

// Two namespaces may have ServiceAccounts of one name, and callers choose the names of their sessions.
func TestTheSessionOfAServiceAccountIsNotWhoHasItsARNInAnotherNamespace(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":
		"arn:aws:sts::` + account + `:assumed-role/api/session"},"Action":"kms:Encrypt","Resource":"*"}]}`})
	pod := as("arn:aws:sts::" + account + ":assumed-role/api/session")
	encrypt := object{"KeyId": keyID, "Plaintext": []byte("x")}
	w.must(pod, "Encrypt", encrypt)
	pod.Principal.ARN = "arn:aws:iam::" + account + ":role/shop/api"
	pod.Session.ServiceAccount = identity.ServiceAccount{Namespace: "shop", Name: "api"}
	w.refused(pod, "Encrypt", encrypt, kms.AccessDeniedException)
}

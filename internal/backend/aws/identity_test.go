// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"testing"
	"time"

	"k8s.io/utils/clock"
)

func TestThePrincipalBehindACallerIsWhomPoliciesName(t *testing.T) {
	const session = "arn:aws:sts::111122223333:assumed-role/operator/chatelaine"
	for name, c := range map[string]struct{ caller, known, want string }{
		"a user":                         {"arn:aws:iam::111122223333:user/path/dev", "", "arn:aws:iam::111122223333:user/path/dev"},
		"the account":                    {"arn:aws:iam::111122223333:root", "", "arn:aws:iam::111122223333:root"},
		"a role's session":               {session, "", "arn:aws:iam::111122223333:role/operator"},
		"a session of the role told":     {session, "arn:aws:iam::111122223333:role/team/operator", "arn:aws:iam::111122223333:role/team/operator"},
		"a session of another role":      {session, "arn:aws:iam::111122223333:role/team/the-operator", "arn:aws:iam::111122223333:role/operator"},
		"a session of another account's": {session, "arn:aws:iam::444455556666:role/team/operator", "arn:aws:iam::111122223333:role/operator"},
		"a session in another partition": {"arn:aws-cn:sts::111122223333:assumed-role/operator/s", "", "arn:aws-cn:iam::111122223333:role/operator"},
		"what is no ARN":                 {"nobody", "", "nobody"},
	} {
		if got := principalOf(c.caller, c.known); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestTheIdentityIsAskedForAgainWhenItIsOldOrTheCredentialsAreOthers(t *testing.T) {
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), w.clock))
	identify := func() map[string]int {
		return p.counted(func() {
			identity, err := b.Identify(t.Context())
			if err != nil || identity.AccountID != account || identity.Region != region || identity.NamesServiceAccounts {
				t.Errorf("%+v, %v", identity, err)
			}
		})
	}
	if calls := identify(); calls["GetCallerIdentity"] != 1 || calls["ListKeys"] != 1 {
		t.Errorf("asked first: %v", calls)
	}
	if calls := identify(); total(calls) != 0 {
		t.Errorf("asked again at once: %v", calls)
	}
	w.clock.Step(11 * time.Minute)
	if calls := identify(); calls["GetCallerIdentity"] != 1 {
		t.Errorf("asked again later: %v", calls)
	}
	b.identity.accessKeyID = "an earlier one"
	if calls := identify(); calls["GetCallerIdentity"] != 1 {
		t.Errorf("asked with other credentials: %v", calls)
	}
}

func TestAnAssumedRoleKeepsItsPath(t *testing.T) {
	url, err := moto()
	if err != nil {
		t.Fatal(err)
	}
	config := settings(url, clock.RealClock{})
	config.AssumeRole = &AssumeRole{ARN: "arn:aws:iam::444455556666:role/team/operator", ExternalID: "shared"}
	identity, err := open(t, config).Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if identity.AccountID != "444455556666" || identity.PrincipalARN != config.AssumeRole.ARN ||
		identity.CallerARN != "arn:aws:sts::444455556666:assumed-role/operator/chatelaine" {
		t.Errorf("identity %+v", identity)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
)

func TestTheGrantSaysWhoMayRetireIt(t *testing.T) {
	ann, bob, eve := user("ann"), user("bob"), user("eve")
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	for name, tt := range map[string]struct {
		grantee    identity.Caller
		operations []string
		retiring   string
		policy     []object
		caller     identity.Caller
		reason     string // empty: refused
	}{
		"the retiring principal":            {ann, []string{"Encrypt"}, bob.ARN(), nil, bob, "allowed to the retiring principal of grant"},
		"a session of the retiring role":    {ann, []string{"Encrypt"}, roleARN, nil, pod(), "allowed to the retiring principal of grant"},
		"a foreign retiring principal":      {ann, []string{"Encrypt"}, zoe.ARN(), nil, zoe, "allowed to the retiring principal of grant"},
		"the grantee who may":               {ann, []string{"Encrypt", "RetireGrant"}, bob.ARN(), nil, ann, "allowed to the grantee by grant"},
		"the grantee who may not":           {ann, []string{"Encrypt"}, bob.ARN(), nil, ann, ""},
		"the grantee who retires":           {ann, []string{"Encrypt"}, ann.ARN(), nil, ann, "allowed to the retiring principal"},
		"the root user of the account":      {ann, []string{"Encrypt"}, "", nil, root(), "allowed to the root user of the account that created grant"},
		"the root user of another account":  {ann, []string{"Encrypt"}, "", nil, as(rootOf(stranger)), ""},
		"somebody else":                     {ann, []string{"RetireGrant", "Encrypt"}, bob.ARN(), nil, eve, ""},
		"somebody whom the policy allows":   {ann, []string{"Encrypt"}, bob.ARN(), []object{rule("Allow", "*", "kms:*")}, eve, ""},
		"the retiring principal, forbidden": {ann, []string{"Encrypt"}, bob.ARN(), []object{rule("Deny", "*", "kms:RetireGrant")}, bob, "allowed to the retiring principal"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, byToken := range []bool{true, false} {
				w := newWorld(t)
				in := kms.CreateKeyInput{}
				if tt.policy != nil {
					in.Policy = statements(tt.policy...)
				}
				keyID := w.newKey(in)
				more := object{}
				if tt.retiring != "" {
					more["RetiringPrincipal"] = tt.retiring
				}
				grantID, token := w.grant(keyID, tt.grantee.ARN(), tt.operations, more)
				request := object{"KeyId": arnOf(keyID), "GrantId": grantID}
				if byToken {
					request = object{"GrantToken": token}
				}
				w.checkRetirement(tt.caller, request, keyID, grantID, tt.reason)
			}
		})
	}
}

// checkRetirement tries to retire a grant and looks at what came of it.
func (w *world) checkRetirement(caller identity.Caller, request object, keyID, grantID, reason string) {
	w.t.Helper()
	dry := kms.DryRunOperationException
	if reason == "" {
		dry = kms.AccessDeniedException
	}
	w.refused(caller, "RetireGrant", plus(request, "DryRun", true), dry)
	got := w.refusal(caller, "RetireGrant", request)
	event := w.events.last()
	left := len(w.grants(keyID, nil))
	if (reason == "") != (got != allowed) || (reason == "") != (left == 1) || !strings.HasPrefix(event.Reason, reason) {
		w.t.Errorf("got %q because %q, and there are %d grants", got, event.Reason, left)
	}
	if reason == "" && caller.AccountID() == account && !strings.HasSuffix(got, strings.Replace(byNoIdentity, "ACTION", "kms:RetireGrant", 1)) {
		w.t.Errorf("got %q", got)
	}
	// A refused caller of another account who knows no token is not told that the key is there.
	told := reason != "" || caller.AccountID() == account || request["GrantToken"] != nil
	if len(event.Resources) > 0 != told || told && event.Resources[0].ARN != arnOf(keyID) {
		w.t.Errorf("the resources are %v", event.Resources)
	}
	if event.RequestParameters != nil || event.AdditionalEventData["grantId"] != grantID {
		w.t.Errorf("the record is %+v", event)
	}
	if reason != "" && event.ResponseElements["keyId"] != arnOf(keyID) {
		w.t.Errorf("the recorded answer is %v", event.ResponseElements)
	}
}

func TestAGrantIsRetiredByItsTokenWhereverItWasMade(t *testing.T) {
	w := newWorld(t)
	bob := user("bob")
	keyID := w.newKey(kms.CreateKeyInput{})
	id := keyring.ID{AccountID: account, Region: home}
	second := w.openDeaf(id)
	_, token := w.grant(keyID, user("ann").ARN(), []string{"Encrypt"}, object{"RetiringPrincipal": bob.ARN()})
	w.partition.Add(second)
	w.must(bob, "RetireGrant", object{"GrantToken": token})
	w.refused(bob, "RetireGrant", object{"GrantToken": token}, kms.NotFoundException)
	if _, err := w.callIn(abroad, bob, "RetireGrant", object{"GrantToken": token}); !kms.HasCode(err, kms.InvalidGrantTokenException) {
		t.Errorf("in another Region: %v", err)
	}
}

func TestBadRetirementsAreRefused(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{})
	grantID, token := w.grant(keyID, user("ann").ARN(), []string{"Encrypt"}, nil)
	either := "You must specify either a GrantToken, or a KeyId and a GrantId."
	for name, tt := range map[string]struct {
		in   object
		code kms.Code
		want string
	}{
		"nothing":            {object{}, kms.ValidationException, either},
		"a key alone":        {object{"KeyId": keyID}, kms.ValidationException, either},
		"a grant alone":      {object{"GrantId": grantID}, kms.ValidationException, either},
		"a token and a key":  {object{"GrantToken": token, "KeyId": keyID}, kms.ValidationException, either},
		"a token and all":    {object{"GrantToken": token, "KeyId": keyID, "GrantId": grantID}, kms.ValidationException, either},
		"no token":           {object{"GrantToken": "x"}, kms.InvalidGrantTokenException, "The grant token is not valid."},
		"a changed token":    {object{"GrantToken": token + "A"}, kms.InvalidGrantTokenException, "The grant token is not valid."},
		"no grant ID":        {object{"KeyId": keyID, "GrantId": "x"}, kms.InvalidGrantIDException, "64 hexadecimal digits"},
		"no such grant":      {object{"KeyId": keyID, "GrantId": nobodysGrant}, kms.NotFoundException, "Grant ID " + nobodysGrant + " not found"},
		"no such key":        {object{"KeyId": zeroKeyID, "GrantId": grantID}, kms.NotFoundException, "does not exist"},
		"an alias":           {object{"KeyId": "alias/a", "GrantId": grantID}, kms.NotFoundException, "Invalid keyId"},
		"an ARN of no key":   {object{"KeyId": "arn:aws:s3:::b", "GrantId": grantID}, kms.InvalidArnException, ""},
		"another account's":  {object{"KeyId": strings.Replace(arnOf(keyID), account, stranger, 1), "GrantId": grantID}, kms.AccessDeniedException, byUnknown},
		"a foreign, unknown": {object{"KeyId": "arn:aws:kms:" + home + ":999999999999:key/" + keyID, "GrantId": grantID}, kms.AccessDeniedException, byUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if got := w.refused(root(), "RetireGrant", tt.in, tt.code); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want ...%s", got, tt.want)
			}
			if strings.Contains(w.events.last().ErrorMessage+w.events.last().Reason, token) {
				t.Error("the record has the token")
			}
		})
	}
}

// A caller of another account learns by trying to retire grants neither which keys there are nor which grants.
func TestRetireGrantTellsAForeignerNothing(t *testing.T) {
	w := newWorld(t)
	zoe := as("arn:aws:iam::" + stranger + ":user/zoe")
	keyID := w.newKey(kms.CreateKeyInput{})
	grantID, _ := w.grant(keyID, user("ann").ARN(), []string{"Encrypt"}, nil)
	for _, in := range []object{
		{"KeyId": arnOf(keyID), "GrantId": grantID}, {"KeyId": arnOf(keyID), "GrantId": nobodysGrant}, {"KeyId": arnOf(zeroKeyID), "GrantId": grantID},
	} {
		want := "User: " + zoe.ARN() + " is not authorized to perform: kms:RetireGrant on resource: " + text(t, in, "KeyId") + " " + byUnknown
		if got := w.refused(zoe, "RetireGrant", in, kms.AccessDeniedException); got != want {
			t.Errorf("got %q", got)
		}
	}
}

func TestListRetirableGrantsIsForTheRetiringPrincipalAndItsRootUser(t *testing.T) {
	w := newWorld(t)
	bob, zoe := user("bob"), as("arn:aws:iam::"+stranger+":user/zoe")
	keys := []string{w.newKey(kms.CreateKeyInput{}), w.newKey(kms.CreateKeyInput{Disabled: false})}
	var want []string
	for i := range 60 {
		w.clock.Step(time.Second)
		id, _ := w.grant(keys[i%2], user("ann").ARN(), []string{"Encrypt"}, object{"RetiringPrincipal": bob.ARN()})
		want = append(want, id)
		w.grant(keys[i%2], bob.ARN(), []string{"Encrypt"}, object{"RetiringPrincipal": user("eve").ARN()})
	}
	zoesKey := w.newKeyIn(stranger, home, kms.CreateKeyInput{})
	zoesARN := "arn:aws:kms:" + home + ":" + stranger + ":key/" + zoesKey
	w.clock.Step(time.Second)
	foreign := w.must(as(rootOf(stranger)), "CreateGrant", object{
		"KeyId": zoesKey, "GranteePrincipal": zoe.ARN(), "RetiringPrincipal": bob.ARN(), "Operations": []string{"Encrypt"},
	})
	want = append(want, text(t, foreign, "GrantId"))
	for _, caller := range []identity.Caller{bob, root()} {
		var got []string
		first := w.must(caller, "ListRetirableGrants", object{"RetiringPrincipal": bob.ARN()})
		second := w.must(caller, "ListRetirableGrants", object{"RetiringPrincipal": bob.ARN(), "Marker": first["NextMarker"], "Limit": 1000})
		for _, entry := range append(items(t, first, "Grants"), items(t, second, "Grants")...) {
			got = append(got, text(t, entry, "GrantId"))
		}
		if diff := cmp.Diff(want, got); diff != "" || len(items(t, first, "Grants")) != 50 || first["Truncated"] != true || second["Truncated"] != false {
			t.Errorf("%s (-want +got):\n%s", caller.ARN(), diff)
		}
		last := items(t, second, "Grants")[10]
		if last["KeyId"] != zoesARN || last["RetiringPrincipal"] != bob.ARN() {
			t.Errorf("another account's grant is %v", last)
		}
	}
	event := w.events.last()
	if !event.ReadOnly || len(event.Resources) != 0 || event.RequestParameters["retiringPrincipal"] != bob.ARN() {
		t.Errorf("the record is %+v", event)
	}
	refusal := "User: " + zoe.ARN() + " is not authorized to perform: kms:ListRetirableGrants on resource: " + bob.ARN() +
		" because no identity-based policy allows the kms:ListRetirableGrants action"
	if got := w.refused(zoe, "ListRetirableGrants", object{"RetiringPrincipal": bob.ARN()}, kms.AccessDeniedException); got != refusal {
		t.Errorf("got %q", got)
	}
	w.refused(as(rootOf(stranger)), "ListRetirableGrants", object{"RetiringPrincipal": bob.ARN()}, kms.AccessDeniedException)
	w.refused(root(), "ListRetirableGrants", object{}, kms.ValidationException)
	w.refused(root(), "ListRetirableGrants", object{"RetiringPrincipal": "bob"}, kms.InvalidArnException)
	w.refused(root(), "ListRetirableGrants", object{"RetiringServicePrincipal": "s3.amazonaws.com"}, kms.ValidationException)
	w.refused(bob, "ListRetirableGrants", object{"RetiringPrincipal": bob.ARN(), "Marker": "x"}, kms.InvalidMarkerException)
}

// openDeaf is a process that has loaded what there is and hears of nothing after it.
func (w *world) openDeaf(id keyring.ID) *kms.Service {
	w.t.Helper()
	ring := keyring.New(id, w.stores[id], w.roots, keyring.Options{})
	keyringtest.Start(w.t, ring)()
	return kms.New(ring, w.clock, kms.Options{})
}

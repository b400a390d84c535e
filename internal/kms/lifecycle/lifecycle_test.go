// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// published is AWS's table as its developer guide prints it, for the actions that exist here, written by hand: ok,
// D for DisabledException, I for KMSInvalidStateException, U for UnsupportedOperationException; and the state that
// follows.
const published = `
                           Enabled             Disabled            PendingDeletion     PendingReplicaDeletion     PendingImport
DescribeKey                ok:Enabled          ok:Disabled         ok:PendingDeletion  ok:PendingReplicaDeletion  ok:PendingImport
Cryptography               ok:Enabled          D                   I                   I                          I
GetPublicKey               ok:Enabled          D                   I                   I                          I
CreateGrant                ok:Enabled          D                   I                   I                          I
EnableKey                  ok:Enabled          ok:Enabled          I                   I                          I
DisableKey                 ok:Disabled         ok:Disabled         I                   I                          I
GetKeyRotationStatus       ok:Enabled          ok:Disabled         ok:PendingDeletion  ok:PendingReplicaDeletion  U
SetKeyRotation             ok:Enabled          D                   I                   I                          U
RotateKey                  ok:Enabled          D                   I                   I                          I
RotateKeyOnDemand          ok:Enabled          D                   I                   I                          I
ScheduleKeyDeletion        ok:PendingDeletion  ok:PendingDeletion  I                   I                          ok:PendingDeletion
CancelKeyDeletion          I                   I                   ok:Disabled         ok:Disabled                I
TagResource                ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
UntagResource              ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
UpdateKeyDescription       ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
CreateAlias                ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
UpdateAlias                ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
DeleteAlias                ok:Enabled          ok:Disabled         ok:PendingDeletion  ok:PendingReplicaDeletion  ok:PendingImport
GetParametersForImport     ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
ImportKeyMaterial          ok:Enabled          ok:Disabled         I                   I                          ok:PendingImport
DeleteImportedKeyMaterial  ok:Enabled          ok:Disabled         ok:PendingDeletion  ok:PendingReplicaDeletion  ok:PendingImport
ReplicateKey               ok:Enabled          D                   I                   I                          I
UpdatePrimaryRegion        ok:Enabled          D                   I                   I                          I
`

func TestEveryStateTakesExactlyTheActionsOfAWSsTable(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(published), "\n")
	states := strings.Fields(lines[0])
	if len(lines)-1 != len(rules) {
		t.Errorf("%d actions tested, %d exist", len(lines)-1, len(rules))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		action := Action(cells[0])
		for i, want := range cells[1:] {
			state := State(states[i])
			t.Run(fmt.Sprintf("%s when %s", action, state), func(t *testing.T) {
				next, err := Next(state, action)
				if allowedErr := Allowed(state, action); fmt.Sprint(allowedErr) != fmt.Sprint(err) {
					t.Errorf("Allowed says %v, Next says %v", allowedErr, err)
				}
				if got := cell(next, err); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

// cell writes a result as the table does.
func cell(next State, err error) string {
	if err == nil {
		return "ok:" + string(next)
	}
	var refused *StateError
	if !errors.As(err, &refused) {
		return "not a StateError: " + err.Error()
	}
	switch {
	case refused.Disabled():
		return "D"
	case refused.Unsupported():
		return "U"
	default:
		return "I"
	}
}

func TestARefusalNamesStateActionAndReason(t *testing.T) {
	tests := []struct {
		state  State
		action Action
		want   string
	}{
		{Disabled, RotateOnDemand, "RotateKeyOnDemand: the key is disabled"},
		{PendingDeletion, Enable, "EnableKey: the key is pending deletion"},
		{PendingDeletion, ScheduleDeletion, "ScheduleKeyDeletion: the key is pending deletion"},
		{Enabled, CancelDeletion, "CancelKeyDeletion: the key is not pending deletion"},
		{Disabled, CancelDeletion, "CancelKeyDeletion: the key is not pending deletion"},
		{PendingReplicaDeletion, Tag, "TagResource: the key is pending replica deletion"},
		{PendingImport, Cryptography, "Cryptography: the key is pending import"},
		{"Vanished", Tag, "TagResource: the key is in state Vanished"},
	}
	for _, tt := range tests {
		err := Allowed(tt.state, tt.action)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s when %s: got %v, want %s", tt.action, tt.state, err, tt.want)
			continue
		}
		var refused *StateError
		if !errors.As(err, &refused) || refused.State != tt.state || refused.Action != tt.action {
			t.Errorf("%s when %s: the error carries %+v", tt.action, tt.state, refused)
		}
	}
}

func TestUnknownStatesAndActionsAreRefused(t *testing.T) {
	for action := range rules {
		for _, state := range []State{"", "enabled", "Unavailable"} {
			if Allowed(state, action) == nil {
				t.Errorf("%s was allowed in the unknown state %q", action, state)
			}
		}
	}
	for _, state := range []State{Enabled, Disabled, PendingDeletion} {
		if Allowed(state, "DeleteKey") == nil {
			t.Errorf("an unknown action was allowed when %s", state)
		}
	}
}

func TestAKeyOfImportedMaterialWaitsUntilAllOfItIsThere(t *testing.T) {
	for _, tt := range []struct{ state, complete, incomplete State }{
		{Enabled, Enabled, PendingImport},
		{Disabled, Disabled, PendingImport},
		{PendingImport, Enabled, PendingImport},
		{PendingDeletion, PendingDeletion, PendingDeletion},
		{PendingReplicaDeletion, PendingReplicaDeletion, PendingReplicaDeletion},
	} {
		if got := WithMaterial(tt.state, true); got != tt.complete {
			t.Errorf("%s with all material: %s, want %s", tt.state, got, tt.complete)
		}
		if got := WithMaterial(tt.state, false); got != tt.incomplete {
			t.Errorf("%s without some: %s, want %s", tt.state, got, tt.incomplete)
		}
	}
}

func TestOnlyTheKnownStatesAreValid(t *testing.T) {
	for state, want := range map[State]bool{
		Enabled: true, Disabled: true, PendingDeletion: true, PendingReplicaDeletion: true, PendingImport: true,
		"": false, "enabled": false, "Updating": false,
	} {
		if state.Valid() != want {
			t.Errorf("State(%q).Valid() = %t", state, !want)
		}
	}
}

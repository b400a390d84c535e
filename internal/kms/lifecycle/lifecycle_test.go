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
// D for DisabledException, I for KMSInvalidStateException; and the state that follows.
const published = `
                      Enabled             Disabled            PendingDeletion
DescribeKey           ok:Enabled          ok:Disabled         ok:PendingDeletion
GetPublicKey          ok:Enabled          D                   I
EnableKey             ok:Enabled          ok:Enabled          I
DisableKey            ok:Disabled         ok:Disabled         I
SetKeyRotation        ok:Enabled          D                   I
RotateKey             ok:Enabled          D                   I
RotateKeyOnDemand     ok:Enabled          D                   I
ScheduleKeyDeletion   ok:PendingDeletion  ok:PendingDeletion  I
CancelKeyDeletion     I                   I                   ok:Disabled
TagResource           ok:Enabled          ok:Disabled         I
UntagResource         ok:Enabled          ok:Disabled         I
UpdateKeyDescription  ok:Enabled          ok:Disabled         I
CreateAlias           ok:Enabled          ok:Disabled         I
DeleteAlias           ok:Enabled          ok:Disabled         ok:PendingDeletion
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
	if refused.Disabled() {
		return "D"
	}
	return "I"
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

func TestOnlyTheThreeStatesAreValid(t *testing.T) {
	for state, want := range map[State]bool{
		Enabled: true, Disabled: true, PendingDeletion: true,
		"": false, "enabled": false, "PendingImport": false,
	} {
		if state.Valid() != want {
			t.Errorf("State(%q).Valid() = %t", state, !want)
		}
	}
}

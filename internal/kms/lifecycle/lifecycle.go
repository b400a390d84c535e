// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lifecycle holds AWS KMS's rules about a key's life: in which state which action is allowed, what state follows,
// the bounds of the waiting window before deletion, and the calendar of rotation. It is pure: no clock, no I/O, no key.
//
// The table of states and actions is that of "Key states of AWS KMS keys" in the AWS KMS developer guide. A key is born
// Enabled:
//
//	Enabled <--EnableKey / DisableKey--> Disabled
//	Enabled, Disabled --ScheduleKeyDeletion--> PendingDeletion --CancelKeyDeletion--> Disabled
//
// A key whose window has passed is gone; that is no state. The states PendingImport, Creating, Updating, Unavailable and
// PendingReplicaDeletion belong to imported, multi-Region and custom-store keys, which do not exist here yet.
package lifecycle

// State is AWS KMS's KeyState.
type State string

// The key states, by AWS's names.
const (
	Enabled         State = "Enabled"
	Disabled        State = "Disabled"
	PendingDeletion State = "PendingDeletion"
)

// Valid reports whether s is a known state.
func (s State) Valid() bool {
	switch s {
	case Enabled, Disabled, PendingDeletion:
		return true
	default:
		return false
	}
}

// Action is something done to a key as a whole. Where AWS has one operation for it, the name is that operation's.
type Action string

// The actions.
const (
	Describe          Action = "DescribeKey"
	GetPublicKey      Action = "GetPublicKey"
	Enable            Action = "EnableKey"
	Disable           Action = "DisableKey"
	SetRotation       Action = "SetKeyRotation" // EnableKeyRotation and DisableKeyRotation
	Rotate            Action = "RotateKey"      // the automatic rotation, done by the service itself
	RotateOnDemand    Action = "RotateKeyOnDemand"
	ScheduleDeletion  Action = "ScheduleKeyDeletion"
	CancelDeletion    Action = "CancelKeyDeletion"
	Tag               Action = "TagResource"
	Untag             Action = "UntagResource"
	UpdateDescription Action = "UpdateKeyDescription"
	CreateAlias       Action = "CreateAlias"
	DeleteAlias       Action = "DeleteAlias"
)

// verdict is the content of one cell of the table. The zero value refuses, so an unknown state or action is refused.
type verdict int

const (
	invalidState verdict = iota // KMSInvalidStateException
	disabled                    // DisabledException
	allowed
)

// verdicts holds one action's row; its order is that of the table in the developer guide.
type verdicts struct{ enabled, disabled, pendingDeletion verdict }

// rules is the table. RotateOnDemand and Rotate are newer than AWS's own table: the first refuses a disabled key with
// DisabledException, as recorded from AWS; its answer for PendingDeletion follows EnableKeyRotation. The automatic
// rotation waits in both states, as AWS documents.
var rules = map[Action]verdicts{
	Describe:          {allowed, allowed, allowed},
	GetPublicKey:      {allowed, disabled, invalidState},
	Enable:            {allowed, allowed, invalidState},
	Disable:           {allowed, allowed, invalidState},
	SetRotation:       {allowed, disabled, invalidState},
	Rotate:            {allowed, disabled, invalidState},
	RotateOnDemand:    {allowed, disabled, invalidState},
	ScheduleDeletion:  {allowed, allowed, invalidState},
	CancelDeletion:    {invalidState, invalidState, allowed},
	Tag:               {allowed, allowed, invalidState},
	Untag:             {allowed, allowed, invalidState},
	UpdateDescription: {allowed, allowed, invalidState},
	CreateAlias:       {allowed, allowed, invalidState},
	DeleteAlias:       {allowed, allowed, allowed},
}

// Allowed returns nil when a key in this state takes the action, else a *StateError. Repeating EnableKey on an enabled
// key (and DisableKey on a disabled one) is allowed and changes nothing; repeating ScheduleKeyDeletion is not, because
// it would move the date. An unknown state or action is refused.
func Allowed(state State, action Action) error {
	if lookup(state, action) == allowed {
		return nil
	}
	return &StateError{State: state, Action: action}
}

// Next returns the state of the key after the action, or Allowed's error.
func Next(state State, action Action) (State, error) {
	if err := Allowed(state, action); err != nil {
		return "", err
	}
	switch action {
	case Enable:
		return Enabled, nil
	case Disable, CancelDeletion: // a key comes back from deletion Disabled, to be enabled on purpose
		return Disabled, nil
	case ScheduleDeletion:
		return PendingDeletion, nil
	default:
		return state, nil
	}
}

// StateError says that a key's state does not allow an action.
type StateError struct {
	State  State
	Action Action
}

// Error names the action and the reason; the reason is worded as AWS words it after the key's ARN.
func (e *StateError) Error() string { return string(e.Action) + ": the key " + e.Reason() }

// Reason returns what AWS writes after the key's ARN, without the full stop: "is disabled", "is pending deletion", "is
// not pending deletion".
func (e *StateError) Reason() string {
	switch {
	case e.Action == CancelDeletion && e.State != PendingDeletion:
		return "is not pending deletion"
	case e.State == PendingDeletion:
		return "is pending deletion"
	case e.State == Disabled:
		return "is disabled"
	default:
		return "is in state " + string(e.State)
	}
}

// Disabled reports which error AWS answers with: DisabledException if true, else KMSInvalidStateException.
func (e *StateError) Disabled() bool { return lookup(e.State, e.Action) == disabled }

func lookup(state State, action Action) verdict {
	row := rules[action]
	switch state {
	case Enabled:
		return row.enabled
	case Disabled:
		return row.disabled
	case PendingDeletion:
		return row.pendingDeletion
	default:
		return invalidState
	}
}

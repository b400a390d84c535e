// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package lifecycle holds AWS KMS's rules about a key's life: in which state which action is allowed, what state follows,
// the bounds of the waiting window before deletion, and the calendar of rotation. It is pure: no clock, no I/O, no key.
//
// The table of states and actions is that of "Key states of AWS KMS keys" in the AWS KMS developer guide. A key is born
// Enabled, or PendingImport if its material is to be imported:
//
//	Enabled <--EnableKey / DisableKey--> Disabled
//	PendingImport --ImportKeyMaterial--> Enabled
//	Enabled, Disabled --DeleteImportedKeyMaterial, or expiry--> PendingImport
//	Enabled, Disabled, PendingImport --ScheduleKeyDeletion--> PendingDeletion --CancelKeyDeletion--> Disabled
//
// A multi-Region primary that has replicas waits for their end in PendingReplicaDeletion before its own window begins. A
// key whose window has passed is gone; that is no state. Of AWS's states, Creating and Updating do not occur, because what
// they wait for is done at once here, and Unavailable belongs to custom key stores.
package lifecycle

// State is AWS KMS's KeyState.
type State string

// The key states, by AWS's names.
const (
	Enabled                State = "Enabled"
	Disabled               State = "Disabled"
	PendingImport          State = "PendingImport"
	PendingDeletion        State = "PendingDeletion"
	PendingReplicaDeletion State = "PendingReplicaDeletion"
)

// Valid reports whether s is a known state.
func (s State) Valid() bool {
	switch s {
	case Enabled, Disabled, PendingImport, PendingDeletion, PendingReplicaDeletion:
		return true
	default:
		return false
	}
}

// ToBeDeleted reports whether a key in this state goes unless somebody cancels it.
func (s State) ToBeDeleted() bool { return s == PendingDeletion || s == PendingReplicaDeletion }

// Action is something done to a key as a whole. Where AWS has one operation for it, the name is that operation's.
type Action string

// The actions.
const (
	Describe          Action = "DescribeKey"
	Cryptography      Action = "Cryptography" // every use of the key's material
	GetPublicKey      Action = "GetPublicKey"
	CreateGrant       Action = "CreateGrant"
	Enable            Action = "EnableKey"
	Disable           Action = "DisableKey"
	GetRotation       Action = "GetKeyRotationStatus"
	SetRotation       Action = "SetKeyRotation" // EnableKeyRotation and DisableKeyRotation
	Rotate            Action = "RotateKey"      // the automatic rotation, done by the service itself
	RotateOnDemand    Action = "RotateKeyOnDemand"
	ScheduleDeletion  Action = "ScheduleKeyDeletion"
	CancelDeletion    Action = "CancelKeyDeletion"
	Tag               Action = "TagResource"
	Untag             Action = "UntagResource"
	UpdateDescription Action = "UpdateKeyDescription"
	CreateAlias       Action = "CreateAlias"
	UpdateAlias       Action = "UpdateAlias" // of the key that the alias is to name
	DeleteAlias       Action = "DeleteAlias"
	GetImport         Action = "GetParametersForImport"
	Import            Action = "ImportKeyMaterial"
	DeleteImported    Action = "DeleteImportedKeyMaterial"
	Replicate         Action = "ReplicateKey"
	UpdatePrimary     Action = "UpdatePrimaryRegion"
)

// verdict is the content of one cell of the table. The zero value refuses, so an unknown state or action is refused.
type verdict int

const (
	invalidState verdict = iota // KMSInvalidStateException
	disabled                    // DisabledException
	unsupported                 // UnsupportedOperationException
	allowed
)

// verdicts holds one action's row; its order is that of the table in the developer guide.
type verdicts struct{ enabled, disabled, pendingDeletion, pendingImport verdict }

// rules is the table. What is newer than AWS's own table follows its neighbours: RotateOnDemand refuses a disabled key
// with DisabledException and one pending import with KMSInvalidStateException, as recorded from AWS; its answer for
// PendingDeletion is EnableKeyRotation's. The automatic rotation waits wherever it is not allowed, as AWS documents.
//
// Whether a key's origin suits an action at all (rotation wants AWS_KMS, import EXTERNAL) is not the table's business.
var rules = map[Action]verdicts{
	Describe:          {allowed, allowed, allowed, allowed},
	Cryptography:      {allowed, disabled, invalidState, invalidState},
	GetPublicKey:      {allowed, disabled, invalidState, invalidState},
	CreateGrant:       {allowed, disabled, invalidState, invalidState},
	Enable:            {allowed, allowed, invalidState, invalidState},
	Disable:           {allowed, allowed, invalidState, invalidState},
	GetRotation:       {allowed, allowed, allowed, unsupported},
	SetRotation:       {allowed, disabled, invalidState, unsupported},
	Rotate:            {allowed, disabled, invalidState, invalidState},
	RotateOnDemand:    {allowed, disabled, invalidState, invalidState},
	ScheduleDeletion:  {allowed, allowed, invalidState, allowed},
	CancelDeletion:    {invalidState, invalidState, allowed, invalidState},
	Tag:               {allowed, allowed, invalidState, allowed},
	Untag:             {allowed, allowed, invalidState, allowed},
	UpdateDescription: {allowed, allowed, invalidState, allowed},
	CreateAlias:       {allowed, allowed, invalidState, allowed},
	UpdateAlias:       {allowed, allowed, invalidState, allowed},
	DeleteAlias:       {allowed, allowed, allowed, allowed},
	GetImport:         {allowed, allowed, invalidState, allowed},
	Import:            {allowed, allowed, invalidState, allowed},
	DeleteImported:    {allowed, allowed, allowed, allowed},
	Replicate:         {allowed, disabled, invalidState, invalidState},
	UpdatePrimary:     {allowed, disabled, invalidState, invalidState},
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

// Next returns the state of the key after the action, or Allowed's error. What follows from the import or the deletion of
// material depends on whether all of it is there then: that is WithMaterial's.
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

// WithMaterial returns the state of a key whose material is imported, given whether all of it is there. AWS makes such a key
// Enabled when the last of it has come, also when it was disabled before it lost some. A key that is to be deleted stays
// so; one that is taken back is Disabled, or PendingImport without its material.
func WithMaterial(state State, complete bool) State {
	switch {
	case complete && state == PendingImport:
		return Enabled
	case !complete && (state == Enabled || state == Disabled):
		return PendingImport
	default:
		return state
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
// not pending deletion", "is pending import".
func (e *StateError) Reason() string {
	switch {
	case e.Action == CancelDeletion && !e.State.ToBeDeleted():
		return "is not pending deletion"
	case e.State == PendingDeletion:
		return "is pending deletion"
	case e.State == PendingReplicaDeletion:
		return "is pending replica deletion"
	case e.State == PendingImport:
		return "is pending import"
	case e.State == Disabled:
		return "is disabled"
	default:
		return "is in state " + string(e.State)
	}
}

// Disabled reports that AWS answers with DisabledException.
func (e *StateError) Disabled() bool { return lookup(e.State, e.Action) == disabled }

// Unsupported reports that AWS answers with UnsupportedOperationException. What is neither this nor Disabled is a
// KMSInvalidStateException.
func (e *StateError) Unsupported() bool { return lookup(e.State, e.Action) == unsupported }

func lookup(state State, action Action) verdict {
	row := rules[action]
	switch state {
	case Enabled:
		return row.enabled
	case Disabled:
		return row.disabled
	case PendingDeletion, PendingReplicaDeletion:
		return row.pendingDeletion
	case PendingImport:
		return row.pendingImport
	default:
		return invalidState
	}
}

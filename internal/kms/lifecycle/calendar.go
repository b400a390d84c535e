// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"fmt"
	"time"
)

// Bounds that AWS KMS sets, all in days.
const (
	MinWindowDays     int32 = 7
	MaxWindowDays     int32 = 30
	DefaultWindowDays int32 = 30

	MinPeriodDays     int32 = 90
	MaxPeriodDays     int32 = 2560
	DefaultPeriodDays int32 = 365
)

// MaxOnDemandRotations is how often one key may be rotated on demand in its whole life.
const MaxOnDemandRotations = 25

// ErrOnDemandLimit is AWS's LimitExceededException for RotateKeyOnDemand.
var ErrOnDemandLimit = errors.New("the limit of 25 on-demand rotations has been reached for this key")

// day is 24 hours: AWS counts in UTC, which has no other days.
const day = 24 * time.Hour

// CheckWindow refuses a waiting window before deletion outside 7 to 30 days. AWS's API model would allow 1 to 365; the
// service does not.
func CheckWindow(days int32) error {
	return checkBounds("pendingWindowInDays", days, MinWindowDays, MaxWindowDays)
}

// CheckPeriod refuses a rotation period outside 90 to 2560 days.
func CheckPeriod(days int32) error {
	return checkBounds("rotationPeriodInDays", days, MinPeriodDays, MaxPeriodDays)
}

func checkBounds(name string, days, lowest, highest int32) error {
	if days < lowest || days > highest {
		return fmt.Errorf("%s is %d: it must be from %d to %d days", name, days, lowest, highest)
	}
	return nil
}

// CheckOnDemandRotation returns ErrOnDemandLimit when a key that was rotated on demand so many times already may not be
// again. Automatic rotations do not count.
func CheckOnDemandRotation(done int) error {
	if done >= MaxOnDemandRotations {
		return ErrOnDemandLimit
	}
	return nil
}

// DeletionDate returns when a key scheduled for deletion at that time, with that window, is gone for good.
func DeletionDate(scheduledAt time.Time, windowDays int32) time.Time {
	return scheduledAt.Add(time.Duration(windowDays) * day)
}

// NextRotation returns when the next automatic rotation is due: one period after rotation was enabled or after the last
// automatic rotation, whichever was later. It is the zero time when enabledAt is zero, that is, when automatic rotation
// is off; lastAutomatic is zero for a key that was never rotated automatically.
//
// Rotations on demand do not enter: they leave the automatic schedule alone, as in AWS. A rotation that came late counts
// from the day it was done, so periods missed altogether are not made up for. After a change of the period (where AWS's
// behaviour is not documented) the same day counts with the new period; so a key already older than a shortened period
// is due at once, and no series of changes puts a rotation off for ever.
func NextRotation(enabledAt, lastAutomatic time.Time, periodDays int32) time.Time {
	if enabledAt.IsZero() {
		return time.Time{}
	}
	from := enabledAt
	if lastAutomatic.After(from) {
		from = lastAutomatic
	}
	return from.Add(time.Duration(periodDays) * day)
}

// RotationDue reports whether the automatic rotation due at next (from NextRotation) is to be done now. A disabled key,
// or one pending deletion, waits: if its date passes meanwhile, it is due as soon as it is enabled again.
func RotationDue(now time.Time, state State, next time.Time) bool {
	return !next.IsZero() && !now.Before(next) && Allowed(state, Rotate) == nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// date is a shorthand: noon on the nth day of 2026.
func date(dayOfYear int) time.Time {
	return time.Date(2026, 1, dayOfYear, 12, 0, 0, 0, time.UTC)
}

func TestBoundsAreThoseOfTheService(t *testing.T) {
	tests := []struct {
		name     string
		check    func(int32) error
		accepted []int32
		refused  []int32
		mustSay  string
	}{
		{"window", CheckWindow, []int32{7, 8, 30, DefaultWindowDays}, []int32{-1, 0, 6, 31, 365}, "from 7 to 30 days"},
		{"period", CheckPeriod, []int32{90, 2560, DefaultPeriodDays}, []int32{-90, 0, 89, 2561}, "from 90 to 2560 days"},
	}
	for _, tt := range tests {
		for _, days := range tt.accepted {
			if err := tt.check(days); err != nil {
				t.Errorf("%s of %d days: %v", tt.name, days, err)
			}
		}
		for _, days := range tt.refused {
			if err := tt.check(days); err == nil || !strings.Contains(err.Error(), tt.mustSay) {
				t.Errorf("%s of %d days: got %v, want an error that says %q", tt.name, days, err, tt.mustSay)
			}
		}
	}
	if DefaultWindowDays != 30 || DefaultPeriodDays != 365 {
		t.Errorf("defaults are %d and %d, AWS's are 30 and 365", DefaultWindowDays, DefaultPeriodDays)
	}
}

func TestTheTwentySixthOnDemandRotationIsRefused(t *testing.T) {
	for done, want := range map[int]error{0: nil, 24: nil, 25: ErrOnDemandLimit, 26: ErrOnDemandLimit} {
		if err := CheckOnDemandRotation(done); !errors.Is(err, want) {
			t.Errorf("after %d rotations: got %v, want %v", done, err, want)
		}
	}
}

func TestAKeyIsGoneAWindowAfterScheduling(t *testing.T) {
	if got, want := DeletionDate(date(1), 7), date(8); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := DeletionDate(date(1), DefaultWindowDays), date(31); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNextRotationCountsFromTheLaterOfEnablingAndLastRotation(t *testing.T) {
	never := time.Time{}
	tests := map[string]struct {
		enabledAt, last time.Time
		period          int32
		want            time.Time
	}{
		"rotation is off":                           {never, never, 90, never},
		"rotation is off, rotated before":           {never, date(1), 90, never},
		"first time, from the day of enabling":      {date(1), never, 90, date(91)},
		"then from the last automatic rotation":     {date(1), date(91), 90, date(181)},
		"a late rotation moves the next":            {date(1), date(120), 90, date(210)},
		"switched off and on again: from enabling":  {date(150), date(91), 90, date(240)},
		"a changed period counts from the same day": {date(1), date(91), 365, date(456)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := NextRotation(tt.enabledAt, tt.last, tt.period); !got.Equal(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTheLongestPeriodDoesNotOverflow(t *testing.T) {
	if got, want := NextRotation(date(1), time.Time{}, MaxPeriodDays), date(1+2560); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestARotationIsDueFromItsDateOnAndOnlyWhileEnabled(t *testing.T) {
	next := date(91)
	tests := map[string]struct {
		now   time.Time
		state State
		next  time.Time
		want  bool
	}{
		"a moment before":                    {next.Add(-time.Nanosecond), Enabled, next, false},
		"on the date":                        {next, Enabled, next, true},
		"after the date":                     {date(200), Enabled, next, true},
		"disabled":                           {date(200), Disabled, next, false},
		"pending deletion":                   {date(200), PendingDeletion, next, false},
		"in an unknown state":                {date(200), "Vanished", next, false},
		"automatic rotation is switched off": {date(200), Enabled, time.Time{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := RotationDue(tt.now, tt.state, tt.next); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestAManagerThatWasDownForSeveralPeriodsRotatesOnce(t *testing.T) {
	enabledAt, last := date(1), time.Time{}
	rotations := 0
	for now := date(400); now.Before(date(500)); now = now.Add(time.Hour) { // first pass after 4 missed dates
		if RotationDue(now, Enabled, NextRotation(enabledAt, last, 90)) {
			rotations++
			last = now
		}
	}
	if want := 2; rotations != want { // on day 400, and on day 490
		t.Errorf("%d rotations in 100 days of uptime, want %d", rotations, want)
	}
	if want := date(490); !last.Equal(want) {
		t.Errorf("last rotation at %v, want %v", last, want)
	}
}

func TestAnOverdueRotationHappensOnReEnable(t *testing.T) {
	next := NextRotation(date(1), time.Time{}, 90)
	state, now := Disabled, date(100)
	if RotationDue(now, state, next) {
		t.Fatal("a disabled key would be rotated")
	}
	state, err := Next(state, Enable)
	if err != nil {
		t.Fatal(err)
	}
	if !RotationDue(now, state, next) {
		t.Error("the overdue rotation was forgotten")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func self(s string) string { return s }

func TestPagesHoldEveryItemOnceInTheOrderOfNames(t *testing.T) {
	for _, size := range []int32{1, 2, 3, 7, 8} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var got []string
			marker, pages := "", 0
			for {
				part, next, err := page([]string{"g", "c", "a", "e", "b", "f", "d"}, &size, marker, 50, 100, self)
				if err != nil {
					t.Fatal(err)
				}
				got, pages = append(got, part...), pages+1
				if next == "" {
					break
				}
				marker = next
			}
			if diff := cmp.Diff(strings.Split("abcdefg", ""), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := (7 + int(size) - 1) / int(size); pages != want {
				t.Errorf("%d pages, want %d", pages, want)
			}
		})
	}
}

func TestAMarkerIsGoodForWhateverWasAddedAndRemovedInBetween(t *testing.T) {
	_, next, err := page([]string{"b", "d", "f"}, new(int32(2)), "", 50, 100, self)
	if err != nil || next == "" {
		t.Fatalf("got %q, %v", next, err)
	}
	for name, tt := range map[string]struct{ items, want []string }{
		"the last one returned is gone":  {[]string{"b", "f"}, []string{"f"}},
		"one was added behind it":        {[]string{"b", "d", "e", "f"}, []string{"e", "f"}},
		"one was added before it":        {[]string{"a", "b", "c", "d", "f"}, []string{"f"}},
		"all that was to come is gone":   {[]string{"b", "d"}, []string{}},
		"nothing is left":                {nil, []string{}},
		"everything before it went away": {[]string{"f"}, []string{"f"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, next, err := page(slices.Clone(tt.items), nil, next, 50, 100, self)
			if err != nil || next != "" {
				t.Fatalf("next %q, %v", next, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPageIsOfTheDefaultSizeAndNeverAboveTheGreatest(t *testing.T) {
	items := make([]int, 300)
	for i := range items {
		items[i] = i
	}
	for _, tt := range []struct {
		limit *int32
		want  int
	}{{nil, 50}, {new(int32(1)), 1}, {new(int32(100)), 100}, {new(int32(1000)), 100}} {
		part, _, err := page(slices.Clone(items), tt.limit, "", 50, 100, func(i int) string { return fmt.Sprintf("%03d", i) })
		if err != nil || len(part) != tt.want {
			t.Errorf("%d items, %v, want %d", len(part), err, tt.want)
		}
	}
}

func TestATextThatIsNoMarkerOfOursIsRefused(t *testing.T) {
	good := newMarker("name")
	for _, marker := range []string{
		"x", "name", " ", good + "=", good[1:], good + "\n",
		base64.RawURLEncoding.EncodeToString([]byte("name")), base64.StdEncoding.EncodeToString([]byte(good)),
	} {
		if _, _, err := page([]string{"name"}, nil, marker, 50, 100, self); !kms.HasCode(err, kms.InvalidMarkerException) {
			t.Errorf("%q: got %v", marker, err)
		}
	}
	if got, _, err := page([]string{"name", "next"}, nil, good, 50, 100, self); err != nil || len(got) != 1 {
		t.Errorf("the good one: %v, %v", got, err)
	}
}

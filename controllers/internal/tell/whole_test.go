// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package tell

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestNoteIsSplitIntoNumberedPartsOfWhichNothingIsLost(t *testing.T) {
	for name, note := range map[string]string{
		"empty":                        "",
		"that fits":                    strings.Repeat("x", maxNote),
		"that just does not fit":       strings.Repeat("x", maxNote+1),
		"of characters of three bytes": strings.Repeat("鍵", 5000),
		"of a hundred parts and more":  strings.Repeat("0123456789", 15_000),
		"with percent signs":           strings.Repeat("%s%d", 600),
	} {
		parts := split(note)
		var whole strings.Builder
		for i, part := range parts {
			if len(part) > maxNote || !utf8.ValidString(part) {
				t.Errorf("a note %s: part %d has %d bytes, is it valid: %t", name, i, len(part), utf8.ValidString(part))
			}
			if len(parts) > 1 {
				var numbered bool
				if part, numbered = strings.CutPrefix(part, fmt.Sprintf("(%d/%d) ", i+1, len(parts))); !numbered {
					t.Errorf("a note %s: part %d is not numbered: %.20s", name, i, part)
				}
			}
			whole.WriteString(part)
		}
		if whole.String() != note {
			t.Errorf("a note %s came out as %d bytes, and had %d", name, whole.Len(), len(note))
		}
	}
}

func TestNoteThatIsNoTextIsSplitAllTheSame(t *testing.T) {
	parts := split(strings.Repeat("\xff", 3*maxNote) + "end")
	if last := parts[len(parts)-1]; !strings.HasSuffix(last, "end") {
		t.Errorf("the last part is %q", last)
	}
}

func TestEventIsNamedByItsWords(t *testing.T) {
	named := func(name, uid, reason, note string) string {
		return eventName(&v1alpha1.Key{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid)}}, reason, note)
	}
	first := named("orders", "a", "Replaced", "was")
	if again := named("orders", "a", "Replaced", "was"); again != first {
		t.Errorf("named %s and then %s", first, again)
	}
	for what, other := range map[string]string{
		"object": named("orders", "b", "Replaced", "was"), "reason": named("orders", "a", "Changed", "was"),
		"note": named("orders", "a", "Replaced", "is"), "name": named("bills", "a", "Replaced", "was"),
	} {
		if other == first {
			t.Errorf("the same name with another %s", what)
		}
	}
	for _, name := range []string{"a", strings.Repeat("a", 253), strings.Repeat("a", 219) + "." + strings.Repeat("b", 33)} {
		if problems := validation.IsDNS1123Subdomain(named(name, "a", "Replaced", "was")); len(problems) > 0 {
			t.Errorf("of an object named %s: %s", name, problems)
		}
	}
}

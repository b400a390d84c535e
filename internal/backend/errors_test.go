// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestAnErrorSaysItsMessageOrElseItsCause(t *testing.T) {
	cause := errors.New("the cause")
	for name, c := range map[string]struct {
		err  *Error
		says string
	}{
		"message":           {&Error{Class: InvalidInput, Message: "what is wrong"}, "what is wrong"},
		"message and cause": {&Error{Class: InvalidInput, Message: "what is wrong", Err: cause}, "what is wrong"},
		"cause":             {&Error{Class: InvalidInput, Err: cause}, "the cause"},
	} {
		if got := c.err.Error(); got != c.says {
			t.Errorf("%s: says %q, want %q", name, got, c.says)
		}
		if errors.Is(c.err, cause) != (c.err.Err != nil) {
			t.Errorf("%s: the cause is not found where it is, or is where it is not", name)
		}
	}
}

func TestClassOfFindsTheClassWhereverItIs(t *testing.T) {
	denied := &Error{Class: AccessDenied, Message: "denied"}
	missing := &Error{Class: NotFound, Message: "missing"}
	changes := &ChangesError{Failed: []ChangeError{{Enable{}, missing}, {Rotate{}, denied}}}
	for _, c := range []struct {
		name string
		err  error
		want Class
	}{
		{"no error", nil, ""},
		{"an error that no backend classified", errors.New("odd"), Unavailable},
		{"a deadline that passed", context.DeadlineExceeded, Unavailable},
		{"a classified error", denied, AccessDenied},
		{"one inside another", fmt.Errorf("enabling: %w", denied), AccessDenied},
		{"one joined with another", errors.Join(errors.New("odd"), denied), AccessDenied},
		{"a classified error around another: the outer one", &Error{Class: Throttled, Err: denied}, Throttled},
		{"failed changes: the first one", changes, NotFound},
		{"failed changes inside another error", fmt.Errorf("applying: %w", changes), NotFound},
		{"failed changes that no backend classified", &ChangesError{Failed: []ChangeError{{Enable{}, errors.New("odd")}}}, Unavailable},
	} {
		if got := ClassOf(c.err); got != c.want {
			t.Errorf("%s: class %q, want %q", c.name, got, c.want)
		}
		if got := IsNotFound(c.err); got != (c.want == NotFound) {
			t.Errorf("%s: IsNotFound is %t", c.name, got)
		}
	}
}

func TestFailedChangesAreNamedInOrderWithTheirCauses(t *testing.T) {
	cause := errors.New("the cause")
	failed := []ChangeError{
		{PutAlias{Name: "alias/orders"}, &Error{Class: Conflict, Message: "alias/orders is another key's"}},
		{SetTags{}, &Error{Class: InvalidInput, Message: "too many tags", Err: cause}},
	}
	err := fmt.Errorf("applying: %w", &ChangesError{Failed: failed})
	if want := "applying: aliases: alias/orders is another key's; tags: too many tags"; err.Error() != want {
		t.Errorf("says %q, want %q", err, want)
	}
	if !errors.Is(err, cause) || !errors.Is(err, failed[0].Err) {
		t.Error("a cause is hidden")
	}
	changes, ok := errors.AsType[*ChangesError](err)
	if !ok || len(changes.Failed) != 2 || changes.Failed[0] != failed[0] {
		t.Errorf("read back as %v", changes)
	}
	if first, ok := errors.AsType[*Error](err); !ok || first.Class != Conflict {
		t.Errorf("the first classified cause is %v, not the first change's", first)
	}
}

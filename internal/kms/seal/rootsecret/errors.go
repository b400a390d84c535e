// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package rootsecret

import (
	"fmt"
	"strings"
)

// MissingError says that there is no Secret although key records need it.
type MissingError struct{ Namespace, Name string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("the root key is missing: key records need it, and Secret %s/%s does not exist; restore it from a backup",
		e.Namespace, e.Name)
}

// InvalidError says that the Secret cannot be read as one with root keys.
type InvalidError struct {
	Namespace, Name string
	Err             error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("Secret %s/%s does not hold root keys: %v; restore it from a backup", e.Namespace, e.Name, e.Err)
}

func (e *InvalidError) Unwrap() error { return e.Err }

// MismatchError says that the Secret lacks root keys under which records are sealed. Who knows the records finds out.
type MismatchError struct {
	Namespace, Name string
	// Need are the IDs of the root keys that records need and that are not there; Have those that are. Both are sorted.
	Need, Have []string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("key records are sealed under root key %s, which Secret %s/%s lacks (it has %s); "+
		"restore the Secret, or its entry key-%s, from a backup",
		strings.Join(e.Need, ", "), e.Namespace, e.Name, strings.Join(e.Have, ", "), e.Need[0])
}

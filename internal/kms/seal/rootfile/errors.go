// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package rootfile

import (
	"fmt"
	"io/fs"
)

// MissingError says that there is no file although records need it.
type MissingError struct{ Path string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("the root key is missing: key records cannot be opened without it, and %s does not exist; "+
		"restore it from a backup", e.Path)
}

// ExposedError says that others than its owner may read or write the file.
type ExposedError struct {
	Path string
	Mode fs.FileMode
}

func (e *ExposedError) Error() string {
	return fmt.Sprintf("the root key in %s is open to other users (mode %#o); run: chmod 600 %s", e.Path, e.Mode, e.Path)
}

// InvalidError says that the file cannot be read as one with root keys.
type InvalidError struct {
	Path string
	Err  error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("%s does not hold root keys: %v; restore it from a backup", e.Path, e.Err)
}

func (e *InvalidError) Unwrap() error { return e.Err }

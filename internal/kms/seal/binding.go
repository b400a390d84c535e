// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Binding is the place a record belongs to. It is authenticated and not stored: to open a record, one has to know where it
// should be, and a record of another place does not open there. No field may be empty.
type Binding struct {
	Account string // the keyring's account
	Region  string // the keyring's region
	Kind    string // what kind of record it is
	Name    string // the record's name, unique within its kind and keyring
}

// authenticate returns the additional data of a record: its header and its place. Each field has its length before it, so
// no two places give the same bytes, however their fields are cut.
func (b Binding) authenticate(header []byte) ([]byte, error) {
	data := bytes.Clone(header)
	for _, field := range []struct{ name, value string }{
		{"account", b.Account}, {"region", b.Region}, {"kind", b.Kind}, {"name", b.Name},
	} {
		if field.value == "" {
			return nil, fmt.Errorf("the binding's %s is empty", field.name)
		}
		data = binary.BigEndian.AppendUint64(data, uint64(len(field.value)))
		data = append(data, field.value...)
	}
	return data, nil
}

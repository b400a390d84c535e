// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Elements are named values of a record, in the order in which they are written. They are an object in JSON, and null where
// there are none. A map would be the same to whoever reads them; every request has some, and a map takes several times as
// much memory.
type Elements []Element

// Element is one of them. Its name occurs once.
type Element struct {
	Name  string
	Value any
}

// MarshalJSONTo implements json.MarshalerTo.
func (e Elements) MarshalJSONTo(encoder *jsontext.Encoder) error {
	if e == nil {
		return encoder.WriteToken(jsontext.Null)
	}
	if err := encoder.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, element := range e {
		if err := encoder.WriteToken(jsontext.String(element.Name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(encoder, element.Value); err != nil {
			return err
		}
	}
	return encoder.WriteToken(jsontext.EndObject)
}

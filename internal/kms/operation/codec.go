// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// decode reads a request's body into a new value of the operation's input type. Members that are not in the shape are
// ignored, as AWS does; names are compared exactly, and a name that occurs twice is refused, so that what is checked and
// recorded is what the client sent. Errors quote nothing of the body, which may be secret.
//
// Blobs of operations that use a key are decoded into the room behind the body, if it has any: such operations keep nothing
// of what they are given, and whoever overwrites that room leaves no plaintext behind.
func (op *Operation) decode(body []byte) (any, error) {
	value := reflect.New(op.input.typ)
	in := value.Interface()
	if !op.Uses {
		body = slices.Clip(body)
	}
	if len(body) == 0 || op.input.decodeSimple(body, value.Elem()) {
		return in, nil
	}
	value.Elem().SetZero()
	err := json.Unmarshal(body, in)
	if err == nil {
		return in, nil
	}
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok && wrong.JSONPointer != "" {
		return nil, kms.Errorf(kms.SerializationException, "The value of %s has a wrong type.", wrong.JSONPointer)
	}
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(wrong, jsontext.ErrDuplicateName) {
		return nil, kms.Errorf(kms.SerializationException, "A member occurs more than once.")
	}
	return nil, kms.Errorf(kms.SerializationException, "The request's body is not a JSON object.")
}

// emptyText is a text of no characters in JSON.
const emptyText = `""`

// emptyTexts are the members of a body that are there, and empty texts: once decoded, they cannot be told from members
// that are not there. Looking twice is for the few bodies that can have one.
func emptyTexts(body []byte) map[string]bool {
	if !bytes.Contains(body, []byte(emptyText)) {
		return nil
	}
	var members map[string]jsontext.Value
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	empty := map[string]bool{}
	for name, value := range members {
		if string(value) == emptyText {
			empty[name] = true
		}
	}
	return empty
}

// encode is the body of an answer, in room if it has as much; none for an operation without output.
func (op *Operation) encode(room []byte, out any) ([]byte, error) {
	if _, ok := out.(*Nothing); ok || out == nil {
		return nil, nil
	}
	if body, ok := encodeSimple(room[:0], op.simple, out); ok {
		return body, nil
	}
	body := bytes.NewBuffer(room[:0])
	if err := json.MarshalWrite(body, out); err != nil {
		return nil, kms.Errorf(kms.KMSInternalException, "The answer could not be written.")
	}
	return body.Bytes(), nil
}

// secretMembers are the blobs of an output type that are secret, by their indexes.
func secretMembers(output reflect.Type) []int {
	var secret []int
	for field := range output.Fields() {
		if field.Type == reflect.TypeFor[[]byte]() && strings.Contains(field.Tag.Get("model"), "secret") {
			secret = append(secret, field.Index[0])
		}
	}
	return secret
}

// wipe overwrites what is secret in an answer that was written, or is not to be.
func (op *Operation) wipe(out any) {
	if out == nil || len(op.secret) == 0 {
		return
	}
	v := reflect.ValueOf(out).Elem()
	for _, i := range op.secret {
		clear(v.Field(i).Bytes())
	}
}

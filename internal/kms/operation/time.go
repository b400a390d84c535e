// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Time is a timestamp as AWS's JSON protocol writes it: seconds since the Unix epoch, milliseconds as a fraction.
type Time struct{ time.Time }

const (
	// The bounds of a timestamp in a request are years 1 to 9999, beyond which time.Time's text forms fail.
	minSeconds = -62135596800
	maxSeconds = 253402300799
)

// MarshalJSONTo implements json.MarshalerTo.
func (t Time) MarshalJSONTo(enc *jsontext.Encoder) error {
	milliseconds := t.UnixMilli()
	text := strconv.FormatInt(milliseconds/1000, 10)
	if fraction := milliseconds % 1000; fraction != 0 {
		text = strconv.FormatFloat(float64(milliseconds)/1000, 'f', 3, 64)
	}
	return enc.WriteValue(jsontext.Value(text))
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Time) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() == 'n' {
		return nil
	}
	if token.Kind() != '0' {
		return fmt.Errorf("a timestamp is a number of seconds")
	}
	seconds, err := token.Float()
	if err != nil || math.IsNaN(seconds) || seconds < minSeconds || seconds > maxSeconds {
		return fmt.Errorf("the timestamp is out of range")
	}
	whole, fraction := math.Modf(seconds)
	t.Time = time.Unix(int64(whole), int64(math.Round(fraction*1e3))*int64(time.Millisecond)).UTC()
	return nil
}

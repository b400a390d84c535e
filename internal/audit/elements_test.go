// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
)

func TestElementsAreWrittenAsAnObject(t *testing.T) {
	for _, c := range []struct {
		event audit.Event
		want  string
	}{
		{audit.Event{}, `"requestParameters":null,`},
		{audit.Event{RequestParameters: audit.Elements{}}, `"requestParameters":{},`},
		{
			audit.Event{RequestParameters: audit.Elements{
				{Name: "keyId", Value: "alias/\"app\""}, {Name: "dryRun", Value: true}, {Name: "tags", Value: []any{map[string]any{"a": 1}}},
			}},
			`"requestParameters":{"keyId":"alias/\"app\"","dryRun":true,"tags":[{"a":1}]},`,
		},
		{
			audit.Event{AdditionalEventData: audit.Elements{{Name: "keyMaterialId", Value: "m"}}},
			`"additionalEventData":{"keyMaterialId":"m"},`,
		},
	} {
		got, err := json.Marshal(&c.event)
		if err != nil || !strings.Contains(string(got), c.want) {
			t.Errorf("got %s, %v, want %s in it", got, err, c.want)
		}
		if c.event.AdditionalEventData == nil && strings.Contains(string(got), "additionalEventData") {
			t.Errorf("what is not there is written: %s", got)
		}
	}
}

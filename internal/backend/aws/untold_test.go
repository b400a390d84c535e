// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestTagsThatCannotBeSetAreToldToNobodyAsAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p, config := late(t, false)
		b := p.open(t, config)
		id := ready(t, b, "key").ID
		time.Sleep(time.Hour)
		var told atomic.Int32
		b.Watch(func(backend.Owner) { told.Add(1) })
		p.inject(fault{operation: "TagResource", code: "KMSInternalException", status: 500})
		for range 3 {
			get(t, b, id)
			if _, err := b.Apply(t.Context(), id, []backend.Change{backend.SetTags{Tags: map[string]string{"fresh": "x"}}}); err == nil {
				t.Error("the tag was set")
			}
		}
		if told.Load() > 0 {
			t.Errorf("told %d times", told.Load())
		}
	})
}

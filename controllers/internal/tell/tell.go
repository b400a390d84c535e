// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tell writes Events about the objects that controllers reconcile.
package tell

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// maxNote is the API server's bound in bytes (events.k8s.io/v1, Event.note); a longer Event would be refused, and lost.
const maxNote = 1024

// Event tells of something about object. A note that is too long is cut between two characters and ends in three dots.
func Event(recorder events.EventRecorder, object runtime.Object, eventType, reason, note string) {
	recorder.Eventf(object, nil, eventType, reason, "Reconcile", "%s", conditions.Shorten(note, maxNote))
}

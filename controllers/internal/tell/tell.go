// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tell writes Events about the objects that controllers reconcile.
package tell

import (
	"fmt"
	"strings"

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

// Whole is Event for a note of which nothing may be lost: one that is too long becomes several Events, numbered. They differ in
// their action, without which the API server's client would take them for one Event that happened several times.
func Whole(recorder events.EventRecorder, object runtime.Object, eventType, reason, note string) {
	const room = len(" (99/99) ")
	var parts []string
	for len(note) > maxNote-room {
		part := strings.ToValidUTF8(note[:maxNote-room], "")
		parts, note = append(parts, part), note[len(part):]
	}
	parts = append(parts, note)
	if len(parts) == 1 {
		Event(recorder, object, eventType, reason, note)
		return
	}
	for i, part := range parts {
		recorder.Eventf(object, nil, eventType, reason, fmt.Sprintf("Reconcile-%d", i+1), "(%d/%d) %s", i+1, len(parts), part)
	}
}

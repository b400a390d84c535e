// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tell writes Events about the objects that controllers reconcile.
package tell

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// reporter is the controller that Events name as theirs: the name of the manager's recorder.
const reporter = "chatelaine"

// Reconciling is the action of Events that do not say more closely what was being done.
const Reconciling = "Reconcile"

// maxNote is the API server's bound in bytes (events.k8s.io/v1, Event.note); a longer Event would be refused, and lost.
const maxNote = 1024

// Event tells of something about object. A note that is too long is cut between two characters and ends in three dots.
//
// The recorder sends it in the background, and takes Events that differ in nothing but their note for one that happened several
// times; the first one's note stays. What may happen in one pass for several reasons needs an action for each.
func Event(recorder events.EventRecorder, object runtime.Object, eventType, reason, action, note string) {
	recorder.Eventf(object, nil, eventType, reason, action, "%s", conditions.Shorten(note, maxNote))
}

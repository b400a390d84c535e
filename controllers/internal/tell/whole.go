// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package tell

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/reference"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/internal/conditions"
)

// Whole tells of something that is about to be gone, and of which nothing may be lost: the API server has the Events when it
// returns without an error. A note that is too long for one becomes several, numbered. Told again, in the same words and while
// those Events are there, it writes none.
func Whole(ctx context.Context, c client.Client, object client.Object, eventType, reason, action, note string) error {
	regarding, err := reference.GetReference(c.Scheme(), object)
	if err != nil {
		return fmt.Errorf("writing Event %s: %w", reason, err)
	}
	for _, part := range split(note) {
		err := c.Create(ctx, &eventsv1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: cmp.Or(object.GetNamespace(), metav1.NamespaceDefault), Name: eventName(object, reason, part)},
			EventTime:  metav1.NowMicro(), ReportingController: reporter, ReportingInstance: instance(),
			Action: action, Reason: reason, Type: eventType, Regarding: *regarding, Note: part,
		})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("writing Event %s: %w", reason, err)
		}
	}
	return nil
}

// split is the note in parts that each fit into an Event.
func split(note string) []string {
	const room = len("(1000/1000) ")
	note = strings.ToValidUTF8(note, "\uFFFD")
	if len(note) <= maxNote {
		return []string{note}
	}
	var parts []string
	for len(note) > maxNote-room {
		part := strings.ToValidUTF8(note[:maxNote-room], "") // without the character that the cut halves
		parts, note = append(parts, part), note[len(part):]
	}
	parts = append(parts, note)
	for i := range parts {
		parts[i] = fmt.Sprintf("(%d/%d) %s", i+1, len(parts), parts[i])
	}
	return parts
}

// eventName is the same for the same words about the same object.
func eventName(object client.Object, reason, note string) string {
	sum := sha256.Sum256([]byte(string(object.GetUID()) + "\x00" + reason + "\x00" + note))
	suffix := fmt.Sprintf(".%x", sum[:16])
	name := object.GetName()
	if most := validation.DNS1123SubdomainMaxLength - len(suffix); len(name) > most {
		name = strings.TrimRight(name[:most], ".-")
	}
	return name + suffix
}

// instance is this process, as the recorder of Events names it.
func instance() string {
	host, err := os.Hostname()
	if err != nil {
		return reporter
	}
	return conditions.Shorten(reporter+"-"+host, validation.LabelValueMaxLength)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/controllers/kmsbackend"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// backends opens the backends that KMSBackends describe, each kind by its own opener.
type backends struct{ software, aws kmsbackend.Opener }

// Open implements kmsbackend.Opener. What a KMSBackend of that name and another kind had open is let go.
func (b backends) Open(ctx context.Context, object *v1alpha1.KMSBackend) (backend.Backend, error) {
	switch {
	case object.Spec.Software != nil:
		b.aws.Close(object.Name)
		return b.software.Open(ctx, object)
	case object.Spec.AWS != nil:
		b.software.Close(object.Name)
		return b.aws.Open(ctx, object)
	default:
		return nil, &backend.Error{
			Class: backend.InvalidInput, Message: "spec: no kind of backend is set that this version knows: set spec.software or spec.aws",
		}
	}
}

// Close implements kmsbackend.Opener.
func (b backends) Close(name string) {
	b.software.Close(name)
	b.aws.Close(name)
}

// rechecks are the KMSBackends that are to be looked at.
type rechecks chan event.GenericEvent

// add asks for a KMSBackend. Nobody asks for one twice before it was looked at, so there is room for all; should there be none,
// it is looked at in its turn.
func (r rechecks) add(name string) {
	select {
	case r <- event.GenericEvent{Object: &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{Name: name}}}:
	default:
	}
}

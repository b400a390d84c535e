// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"context"
	"fmt"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
)

const permissionTimeout = 20 * time.Second

// Access is something that one user may or may not do.
type Access struct {
	// User as in Request.User.
	User string
	// Namespace in which it is done; empty for all of them, and for what is in none.
	Namespace string
	// Verb is the Kubernetes verb.
	Verb string
	// Resource with its group and subresource, like secrets or keys.kms.chatelaine.dev/status.
	Resource string
	// Name of the one object to which it is done; empty for all of them.
	Name string
}

// Allowed asks the API server's authorizer.
func (e *Env) Allowed(ctx context.Context, access Access) (bool, error) {
	resource, subresource, _ := strings.Cut(access.Resource, "/")
	parsed := schema.ParseGroupResource(resource)
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: access.User,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: access.Namespace, Verb: access.Verb,
			Group: parsed.Group, Resource: parsed.Resource, Subresource: subresource, Name: access.Name,
		},
	}}
	if err := e.Client.Create(ctx, review); err != nil {
		return false, fmt.Errorf("asking whether %+v is allowed: %w", access, err)
	}
	return review.Status.Allowed, nil
}

// WaitAllowed waits until it is allowed: the authorizer takes up a role or binding a moment after it was created.
func (e *Env) WaitAllowed(ctx context.Context, access Access) error {
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, permissionTimeout, true,
		func(ctx context.Context) (bool, error) { return e.Allowed(ctx, access) })
	if err != nil {
		return fmt.Errorf("waiting until %+v is allowed: %w", access, err)
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// maxAttempts bounds how often a write is made again after another writer came first.
const maxAttempts = 5

// ensure returns what is in the Secret after it was made, or a step of a rotation taken, where that was due. If taking it
// failed, there are both what was read and an error.
func (a *Authority) ensure(ctx context.Context) (*content, error) {
	for range maxAttempts {
		found, again, err := a.attempt(ctx)
		if !again {
			return found, err
		}
	}
	return nil, fmt.Errorf("writing CA Secret %s: other writers came first %d times", a.location(), maxAttempts)
}

// attempt says whether another writer came first, so that it has to be done again.
func (a *Authority) attempt(ctx context.Context) (found *content, again bool, err error) {
	secret, err := a.secrets().Get(ctx, a.config.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return a.create(ctx)
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading CA Secret %s: %w", a.location(), err)
	}
	read, err := parseContent(secret)
	if err != nil {
		return nil, false, a.invalid(err)
	}
	advanced, err := read.advance(a.config.Clock.Now())
	if err != nil {
		return read, false, err
	}
	if !advanced.managed || !advanced.writeTo(secret) {
		return advanced, false, nil
	}
	_, err = a.secrets().Update(ctx, secret, metav1.UpdateOptions{})
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return nil, true, nil
	case err != nil:
		return read, false, fmt.Errorf("rotating the CA in Secret %s: %w", a.location(), err)
	}
	return advanced, false, nil
}

func (a *Authority) create(ctx context.Context) (made *content, again bool, err error) {
	made, err = newContent(a.config.Clock.Now())
	if err != nil {
		return nil, false, err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: a.config.Name, Labels: map[string]string{labelCA: "true", labelManagedBy: "chatelaine"},
		},
		Type: corev1.SecretTypeTLS,
	}
	made.writeTo(secret)
	_, err = a.secrets().Create(ctx, secret, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("creating CA Secret %s: %w", a.location(), err)
	}
	return made, false, nil
}

func (a *Authority) location() string { return a.config.Namespace + "/" + a.config.Name }

func (a *Authority) secrets() typedcorev1.SecretInterface {
	return a.config.Client.CoreV1().Secrets(a.config.Namespace)
}

func (a *Authority) invalid(err error) error {
	return &InvalidError{Namespace: a.config.Namespace, Name: a.config.Name, Err: err}
}

// InvalidError says that no certificate can be issued from what is in the Secret.
type InvalidError struct {
	Namespace, Name string
	Err             error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("Secret %s/%s does not hold a CA that can be used: %v; put one in, or delete the Secret, and a new CA is made",
		e.Namespace, e.Name, e.Err)
}

func (e *InvalidError) Unwrap() error { return e.Err }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rootsecret keeps the software KMS's root keys in a Kubernetes Secret. Every key record is sealed under them:
// without the Secret, or a backup of it, the keys are lost.
//
//	metadata:
//	  labels: {kms.chatelaine.dev/root-key: "true", app.kubernetes.io/managed-by: chatelaine}
//	  annotations:
//	    kms.chatelaine.dev/root-key-rotated-at: 2026-03-01T12:00:05Z
//	    kms.chatelaine.dev/root-key-rotation-requested-at: 2026-03-01T12:00:00Z
//	data:
//	  current: 0123456789abcdef        the ID of the root key that seals
//	  key-0123456789abcdef: ...        32 bytes each; older ones open what they sealed
//
// The Secret is made only where it does not exist and nothing needs it yet. After that, entries are added and none is
// ever changed or removed: an older root key is taken out by hand, once no backup of records needs it.
package rootsecret

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

const (
	labelRootKey   = "kms.chatelaine.dev/root-key"
	labelManagedBy = "app.kubernetes.io/managed-by"

	annotationRotatedAt   = "kms.chatelaine.dev/root-key-rotated-at"
	annotationRequestedAt = "kms.chatelaine.dev/root-key-rotation-requested-at"

	// maxAttempts bounds how often a write is made again after another writer came first.
	maxAttempts = 5
)

// Source is the Secret that holds the root keys.
type Source struct {
	// Client needs get, create and update on Secrets in Namespace.
	Client    kubernetes.Interface
	Namespace string
	Name      string
	// Clock tells the time of a rotation.
	Clock clock.PassiveClock
}

// Content is what is in the Secret.
type Content struct {
	Keys seal.RootKeys
	// LastRotation is zero if there was none.
	LastRotation time.Time
}

// Load reads the Secret. It is a *MissingError if there is none and an *InvalidError if it holds something else.
func (s *Source) Load(ctx context.Context) (Content, error) {
	_, content, err := s.read(ctx)
	return content, err
}

// Ensure reads the Secret, or makes it with a new random root key if there is none and recordsExist, which has to look
// where records really are and not in a cache, says that nothing needs one.
func (s *Source) Ensure(ctx context.Context, recordsExist func(context.Context) (bool, error)) (Content, error) {
	content, err := s.Load(ctx)
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		return content, err
	}
	exist, err := recordsExist(ctx)
	if err != nil {
		return Content{}, fmt.Errorf("looking for key records before making a root key: %w", err)
	}
	if exist {
		return Content{}, missing
	}
	return s.create(ctx)
}

// create makes the Secret; if another process made it first, it is that one.
func (s *Source) create(ctx context.Context) (Content, error) {
	keys, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		return Content{}, fmt.Errorf("making a root key: %w", err)
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.Name, Labels: map[string]string{labelRootKey: "true", labelManagedBy: "chatelaine"},
		},
		Data: keys.Encode(),
	}
	_, err = s.secrets().Create(ctx, secret, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return s.Load(ctx)
	}
	if err != nil {
		return Content{}, fmt.Errorf("creating root key Secret %s: %w", s.location(), err)
	}
	return Content{Keys: keys}, nil
}

// Rotate adds a new random root key and makes it the current one, and returns what is in the Secret afterwards. A request
// is carried out once, however often it is made: one for a time not after the last rotation, the last request or the
// making of the Secret is done already.
func (s *Source) Rotate(ctx context.Context, requestedAt time.Time) (Content, error) {
	for range maxAttempts {
		secret, content, err := s.read(ctx)
		if err != nil {
			return Content{}, err
		}
		done, err := isDone(secret, content, requestedAt)
		if err != nil {
			return Content{}, s.invalid(err)
		}
		if done {
			return content, nil
		}
		rotated, err := s.addCurrent(secret, content.Keys, requestedAt)
		if err != nil {
			return Content{}, err
		}
		_, err = s.secrets().Update(ctx, secret, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) {
			continue
		}
		if err != nil {
			return Content{}, fmt.Errorf("adding a root key to Secret %s: %w", s.location(), err)
		}
		return rotated, nil
	}
	return Content{}, fmt.Errorf("adding a root key to Secret %s: other writers came first %d times",
		s.location(), maxAttempts)
}

func isDone(secret *corev1.Secret, content Content, requestedAt time.Time) (bool, error) {
	lastRequest, err := timeIn(secret, annotationRequestedAt)
	if err != nil {
		return false, err
	}
	for _, at := range []time.Time{secret.CreationTimestamp.Time, content.LastRotation, lastRequest} {
		if !at.Before(requestedAt) {
			return true, nil
		}
	}
	return false, nil
}

// addCurrent changes secret to hold one more root key, the current one.
func (s *Source) addCurrent(secret *corev1.Secret, keys seal.RootKeys, requestedAt time.Time) (Content, error) {
	next := seal.NewRootKey()
	keys, err := keys.Add(next)
	if err == nil {
		keys, err = keys.SetCurrent(next.ID())
	}
	if err != nil {
		return Content{}, fmt.Errorf("adding a root key: %w", err)
	}
	maps.Copy(secret.Data, keys.Encode())
	now := s.Clock.Now().UTC().Truncate(time.Second)
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations[annotationRotatedAt] = now.Format(time.RFC3339)
	secret.Annotations[annotationRequestedAt] = requestedAt.UTC().Format(time.RFC3339Nano)
	return Content{Keys: keys, LastRotation: now}, nil
}

func (s *Source) read(ctx context.Context) (*corev1.Secret, Content, error) {
	secret, err := s.secrets().Get(ctx, s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, Content{}, &MissingError{Namespace: s.Namespace, Name: s.Name}
	}
	if err != nil {
		return nil, Content{}, fmt.Errorf("reading root key Secret %s: %w", s.location(), err)
	}
	keys, err := seal.ParseRootKeys(secret.Data)
	if err != nil {
		return nil, Content{}, s.invalid(err)
	}
	rotated, err := timeIn(secret, annotationRotatedAt)
	if err != nil {
		return nil, Content{}, s.invalid(err)
	}
	return secret, Content{Keys: keys, LastRotation: rotated}, nil
}

func (s *Source) invalid(err error) error {
	return &InvalidError{Namespace: s.Namespace, Name: s.Name, Err: err}
}

func (s *Source) location() string { return s.Namespace + "/" + s.Name }

func (s *Source) secrets() typedcorev1.SecretInterface { return s.Client.CoreV1().Secrets(s.Namespace) }

// timeIn is the time in an annotation; zero if it is not there.
func timeIn(secret *corev1.Secret, annotation string) (time.Time, error) {
	text, ok := secret.Annotations[annotation]
	if !ok {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("annotation %s is no time: %w", annotation, err)
	}
	return at, nil
}

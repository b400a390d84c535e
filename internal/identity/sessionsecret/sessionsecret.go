// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sessionsecret keeps session keys in a Kubernetes Secret, so that every replica knows every other's sessions:
//
//	apiVersion: v1
//	kind: Secret
//	metadata:
//	  name: chatelaine-session-keys
//	  labels: {kms.chatelaine.dev/session-keys: "true"}
//	data:
//	  key-0123456789abcdef: ...        32 bytes
//	  created-0123456789abcdef: ...    2026-03-01T10:00:00Z
//
// Whichever replica finds it absent makes it, and whichever finds that a key is due (identity.KeyRotation) adds one; writes
// are compare-and-swap, so two of them never do the same. Every replica reads it once a minute, and sooner if a token
// names a key that it does not know. While the API server is away, what was read last goes on being used.
//
// Nothing is lost with these keys but sessions: to end all of them at once, for example after a leak, delete the Secret.
// Every replica follows within a minute, a new Secret is made, and clients have to obtain new credentials. Taking out the
// two entries of one key ends the sessions of that key alone.
package sessionsecret

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// DefaultName is the Secret's name unless somebody has a reason for another.
const DefaultName = "chatelaine-session-keys"

const (
	labelSessionKeys = "kms.chatelaine.dev/session-keys"
	labelManagedBy   = "app.kubernetes.io/managed-by"

	// maxAttempts bounds how often a write is made again after another writer came first.
	maxAttempts = 5
	// syncInterval is far below identity.KeyActivation: a new key is read by all before it is used.
	syncInterval  = time.Minute
	retryInterval = 5 * time.Second
	// refreshInterval is the least between two looks on behalf of tokens, which anybody may send.
	refreshInterval = time.Second
	// maxWaiting is how many requests wait for a look on behalf of their tokens. While the API server hangs, a look takes
	// long, and tokens that name a key which is not known are easily made up: they must not take up the endpoint.
	maxWaiting = 128
	// syncTimeout bounds one look, and so how long a request may wait for it.
	syncTimeout = 5 * time.Second
)

// Config is what a Source needs.
type Config struct {
	// Client needs get, create and update on Secrets in Namespace.
	Client    kubernetes.Interface
	Namespace string
	// Name of the Secret; usually DefaultName.
	Name  string
	Clock clock.Clock
	Log   logr.Logger
}

// Source is the Secret that holds the session keys. It is safe for concurrent use.
type Source struct {
	config Config
	keys   atomic.Pointer[identity.Keys]

	// turn is held by the one goroutine that talks to the API server; it guards lastLook and lastErr. waiting is who waits
	// for it on behalf of a token.
	turn     chan struct{}
	waiting  chan struct{}
	lastLook time.Time
	lastErr  error
}

var _ identity.KeySource = (*Source)(nil)

var errBusy = errors.New("too many session tokens name keys that are not known")

// New returns a Source that knows no key yet: Sync or Run reads them.
func New(config Config) *Source {
	s := &Source{config: config, turn: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting)}
	s.keys.Store(&identity.Keys{})
	return s
}

// Keys implements identity.KeySource.
func (s *Source) Keys() identity.Keys { return *s.keys.Load() }

// Run keeps the keys in step with the Secret, and rotates them, until ctx ends. Failures are logged and tried again.
func (s *Source) Run(ctx context.Context) error {
	for {
		next := syncInterval
		if err := s.Sync(ctx); err != nil {
			next = retryInterval
		}
		timer := s.config.Clock.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C():
		}
	}
}

// Sync reads the Secret, makes it if there is none, and adds a key if one is due. If it fails, the keys stay as they were.
// It is an *InvalidError if the Secret holds something else, which is never overwritten.
func (s *Source) Sync(ctx context.Context) error {
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.endTurn()
	return s.look(ctx)
}

// Refresh implements identity.KeySource. It looks at most once a second for all who ask, and has only so many of them wait
// for that: for others it is an error at once.
func (s *Source) Refresh(ctx context.Context, keyID string) error {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return errBusy
	}
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.endTurn()
	switch {
	case s.Keys().Has(keyID):
		return nil // somebody else's turn brought it
	case !s.lastLook.IsZero() && s.config.Clock.Since(s.lastLook) < refreshInterval:
		return s.lastErr
	}
	return s.look(ctx)
}

func (s *Source) takeTurn(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to read session keys: %w", ctx.Err())
	}
}

func (s *Source) endTurn() { <-s.turn }

// look is not cut short when ctx ends, as others wait for what it finds.
func (s *Source) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), syncTimeout)
	defer cancel()
	keys, err := s.ensure(ctx)
	s.report(keys, err)
	s.lastLook, s.lastErr = s.config.Clock.Now(), err
	if len(keys.IDs()) > 0 {
		s.keys.Store(&keys)
	}
	return err
}

// report logs what is new: not the same failure every few seconds.
func (s *Source) report(keys identity.Keys, err error) {
	log := s.config.Log.WithValues("secret", s.location())
	switch {
	case err != nil && (s.lastErr == nil || s.lastErr.Error() != err.Error()):
		log.Error(err, "session keys could not be read, those known stay in use")
	case len(keys.IDs()) > 0 && !slices.Equal(s.Keys().IDs(), keys.IDs()):
		log.Info("session keys changed", "keys", keys.IDs())
	case err == nil && s.lastErr != nil:
		log.Info("session keys can be read again")
	}
}

// ensure returns what is in the Secret after it was made, or a key added, where that was due. If adding one failed, there
// are both keys, those that were read, and an error.
func (s *Source) ensure(ctx context.Context) (identity.Keys, error) {
	for range maxAttempts {
		keys, again, err := s.attempt(ctx)
		if !again {
			return keys, err
		}
	}
	return identity.Keys{}, fmt.Errorf("writing session key Secret %s: other writers came first %d times",
		s.location(), maxAttempts)
}

// attempt says whether another writer came first, so that it has to be done again.
func (s *Source) attempt(ctx context.Context) (keys identity.Keys, again bool, err error) {
	secret, err := s.secrets().Get(ctx, s.config.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return s.create(ctx)
	}
	if err != nil {
		return identity.Keys{}, false, fmt.Errorf("reading session key Secret %s: %w", s.location(), err)
	}
	keys, err = identity.ParseKeys(secret.Data)
	if err != nil {
		return identity.Keys{}, false, &InvalidError{Namespace: s.config.Namespace, Name: s.config.Name, Err: err}
	}
	if !keys.Due(s.config.Clock.Now()) {
		return keys, false, nil
	}
	return s.rotate(ctx, secret, keys)
}

func (s *Source) rotate(ctx context.Context, secret *corev1.Secret, keys identity.Keys) (identity.Keys, bool, error) {
	rotated := keys.Rotate(s.config.Clock.Now())
	secret.Data = rotated.Encode()
	_, err := s.secrets().Update(ctx, secret, metav1.UpdateOptions{})
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return keys, true, nil
	case err != nil:
		return keys, false, fmt.Errorf("rotating session keys in Secret %s: %w", s.location(), err)
	}
	return rotated, false, nil
}

func (s *Source) create(ctx context.Context) (keys identity.Keys, again bool, err error) {
	keys = identity.NewKeys(s.config.Clock.Now())
	_, err = s.secrets().Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.config.Name, Labels: map[string]string{labelSessionKeys: "true", labelManagedBy: "chatelaine"},
		},
		Data: keys.Encode(),
	}, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err):
		return identity.Keys{}, true, nil
	case err != nil:
		return identity.Keys{}, false, fmt.Errorf("creating session key Secret %s: %w", s.location(), err)
	}
	return keys, false, nil
}

func (s *Source) location() string { return s.config.Namespace + "/" + s.config.Name }

func (s *Source) secrets() typedcorev1.SecretInterface {
	return s.config.Client.CoreV1().Secrets(s.config.Namespace)
}

// InvalidError says that the Secret cannot be read as one with session keys.
type InvalidError struct {
	Namespace, Name string
	Err             error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("Secret %s/%s does not hold session keys: %v; delete it, and a new one is made (all sessions end)",
		e.Namespace, e.Name, e.Err)
}

func (e *InvalidError) Unwrap() error { return e.Err }

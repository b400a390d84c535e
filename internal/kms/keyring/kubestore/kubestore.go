// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubestore keeps sealed records in Kubernetes Secrets, one record each, in the operator's namespace.
//
// A Secret's name is made of the record's kind and name and of the keyring, so that the API server itself sees to it that
// a key ID or an alias exists once. The type kms.chatelaine.dev/record, which cannot be changed once the Secret exists,
// tells records from other Secrets; labels and annotations are for people, and nothing depends on them:
//
//	metadata:
//	  name: kms-key-4b7f...-1f0c5a92be          kms-alias-9d2e...-1f0c5a92be for an alias
//	  labels:
//	    app.kubernetes.io/managed-by: chatelaine
//	    kms.chatelaine.dev/record: key            or alias
//	    kms.chatelaine.dev/keyring: 123456789012.local
//	  annotations:
//	    kms.chatelaine.dev/key-id: 4b7f...        kms.chatelaine.dev/alias for an alias
//	    kms.chatelaine.dev/owner: orders/payments
//	    kms.chatelaine.dev/root-key-secret: chatelaine-root-key
//	type: kms.chatelaine.dev/record
//	data:
//	  sealed: ...
//
// Versions are resourceVersions, which are numbers that grow within one resource (Kubernetes KEP-5504).
package kubestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Config says which records a Store keeps, and where.
type Config struct {
	// Client talks to the API server. It needs get, list, watch, create, patch and delete on Secrets in Namespace.
	Client kubernetes.Interface
	// Namespace is the operator's.
	Namespace string
	// Keyring whose records these are.
	Keyring keyring.ID
	// RootKeySecret is the name of the Secret with the root key; it is noted on each record, and RecordsExist goes by it.
	RootKeySecret string
}

// Store is a keyring.Store in Secrets.
type Store struct {
	secrets typedcorev1.SecretInterface
	client  kubernetes.Interface
	config  Config
	names   names
}

var _ keyring.Store = (*Store)(nil)

// New returns a Store. It does nothing yet.
func New(config Config) *Store {
	return &Store{
		secrets: config.Client.CoreV1().Secrets(config.Namespace),
		client:  config.Client,
		config:  config,
		names:   namesFor(config.Keyring),
	}
}

// List implements keyring.Store.
func (s *Store) List(ctx context.Context) ([]keyring.Item, error) {
	var items []keyring.Item
	err := s.each(ctx, func(secret *corev1.Secret) (bool, error) {
		item, ours, err := s.item(secret)
		if err != nil {
			return false, err
		}
		if ours {
			items = append(items, item)
		}
		return true, nil
	})
	return items, err
}

// RecordsExist says whether the API server has records, now, that need the root key: those of this keyring and those of
// others whose root key is in the same Secret.
func (s *Store) RecordsExist(ctx context.Context) (bool, error) {
	exist := false
	err := s.each(ctx, func(secret *corev1.Secret) (bool, error) {
		_, _, ours := s.names.parse(secret.Name)
		exist = ours || secret.Annotations[annotationRootKeySecret] == s.config.RootKeySecret
		return !exist, nil
	})
	return exist, err
}

// each calls visit with every record in the namespace until it says stop.
func (s *Store) each(ctx context.Context, visit func(*corev1.Secret) (more bool, err error)) error {
	const page = 500
	options := metav1.ListOptions{FieldSelector: recordSelector, Limit: page}
	for {
		list, err := s.secrets.List(ctx, options)
		if err != nil {
			return fmt.Errorf("listing record Secrets: %w", classify(err))
		}
		for i := range list.Items {
			if more, err := visit(&list.Items[i]); err != nil || !more {
				return err
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return nil
		}
	}
}

// Get implements keyring.Store.
func (s *Store) Get(ctx context.Context, kind keyring.Kind, name string) (keyring.Item, error) {
	secret, err := s.secrets.Get(ctx, s.names.secret(kind, name), metav1.GetOptions{})
	if err != nil {
		return keyring.Item{}, fmt.Errorf("reading Secret %s: %w", s.names.secret(kind, name), classify(err))
	}
	if secret.Type != SecretType {
		return keyring.Item{}, fmt.Errorf("secret %s/%s has the name of a record and is of type %q, not %s: remove it",
			secret.Namespace, secret.Name, secret.Type, SecretType)
	}
	item, _, err := s.item(secret)
	return item, err
}

// Create implements keyring.Store.
func (s *Store) Create(ctx context.Context, item keyring.Item) (uint64, error) {
	secret := &corev1.Secret{
		ObjectMeta: s.metadata(item),
		Type:       SecretType,
		Data:       map[string][]byte{dataKey: item.Sealed},
	}
	created, err := s.secrets.Create(ctx, secret, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("creating Secret %s: %w", secret.Name, classifyWrite(err))
	}
	return version(created)
}

// Update implements keyring.Store. It is a patch, so that what others put on the Secret (a backup tool's label, say)
// stays; the resourceVersion in it makes it compare-and-swap.
func (s *Store) Update(ctx context.Context, item keyring.Item) (uint64, error) {
	metadata := s.metadata(item)
	metadata.ResourceVersion = resourceVersion(item.Version)
	metadata.Annotations[annotationOwner] = item.Owner // also where it is empty now: a patch removes nothing
	patch, err := json.Marshal(map[string]any{
		"metadata": metadata,
		"data":     map[string][]byte{dataKey: item.Sealed},
	})
	if err != nil {
		return 0, fmt.Errorf("encoding the patch for Secret %s: %w", metadata.Name, err)
	}
	updated, err := s.secrets.Patch(ctx, metadata.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return 0, fmt.Errorf("updating Secret %s: %w", metadata.Name, classifyWrite(err))
	}
	return version(updated)
}

// Delete implements keyring.Store.
func (s *Store) Delete(ctx context.Context, kind keyring.Kind, name string, version uint64) error {
	seen := resourceVersion(version)
	secret := s.names.secret(kind, name)
	err := s.secrets.Delete(ctx, secret, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &seen}})
	if err != nil {
		return fmt.Errorf("deleting Secret %s: %w", secret, classifyWrite(err))
	}
	return nil
}

// recordSelector chooses record Secrets by their type. Unlike a label, it cannot be edited away.
var recordSelector = fields.OneTermEqualSelector("type", string(SecretType)).String()

// classify turns the API server's answers into the Store's errors; any other error stays as it is.
func classify(err error) error {
	switch {
	case apierrors.IsAlreadyExists(err):
		return keyring.ErrExists
	case apierrors.IsConflict(err):
		return keyring.ErrConflict
	case apierrors.IsNotFound(err) && !isMissingNamespace(err):
		return keyring.ErrGone
	default:
		return err
	}
}

// classifyWrite also marks the errors after which a write may have been carried out all the same: those where no answer
// came, and those where the API server itself did not get one from its storage in time.
func classifyWrite(err error) error {
	if known := classify(err); !errors.Is(known, err) {
		return known
	}
	status := apierrors.APIStatus(nil)
	answered := errors.As(err, &status)
	lost := !answered && !utilnet.IsConnectionRefused(err)
	if lost || apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsInternalError(err) {
		return fmt.Errorf("%w: %w", keyring.ErrUnknownOutcome, err)
	}
	return err
}

// isMissingNamespace tells the 404 of a create in a namespace that does not exist from that of a missing Secret.
func isMissingNamespace(err error) bool {
	status := apierrors.APIStatus(nil)
	return errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Kind == "namespaces"
}

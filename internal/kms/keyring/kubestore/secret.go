// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kubestore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// SecretType is the type of the Secrets that hold records, and of no others.
const SecretType corev1.SecretType = "kms.chatelaine.dev/record"

const (
	dataKey = "sealed"

	labelManagedBy = "app.kubernetes.io/managed-by"
	labelRecord    = "kms.chatelaine.dev/record"
	labelKeyring   = "kms.chatelaine.dev/keyring"

	annotationKeyID         = "kms.chatelaine.dev/key-id"
	annotationAlias         = "kms.chatelaine.dev/alias"
	annotationOwner         = "kms.chatelaine.dev/owner"
	annotationRootKeySecret = "kms.chatelaine.dev/root-key-secret"
)

// names makes the names of one keyring's Secrets, and takes them apart.
type names struct{ suffix string }

func namesFor(id keyring.ID) names {
	sum := sha256.Sum256([]byte(id.String()))
	const chars = 10 // tells keyrings of one namespace apart; records are bound to theirs by the seal
	return names{suffix: "-" + hex.EncodeToString(sum[:])[:chars]}
}

func prefix(kind keyring.Kind) string { return "kms-" + string(kind) + "-" }

func (n names) secret(kind keyring.Kind, name string) string { return prefix(kind) + name + n.suffix }

// parse is the inverse of secret. It is false for a name that is not one of this keyring's.
func (n names) parse(secret string) (keyring.Kind, string, bool) {
	rest, ok := strings.CutSuffix(secret, n.suffix)
	if !ok {
		return "", "", false
	}
	for _, kind := range []keyring.Kind{keyring.KindKey, keyring.KindAlias} {
		if name, ok := strings.CutPrefix(rest, prefix(kind)); ok && name != "" {
			return kind, name, true
		}
	}
	return "", "", false
}

// metadata is what a record's Secret says of it to people.
func (s *Store) metadata(item keyring.Item) metav1.ObjectMeta {
	title := annotationKeyID
	if item.Kind == keyring.KindAlias {
		title = annotationAlias
	}
	annotations := map[string]string{title: item.Title, annotationRootKeySecret: s.config.RootKeySecret}
	if item.Owner != "" {
		annotations[annotationOwner] = item.Owner
	}
	return metav1.ObjectMeta{
		Name: s.names.secret(item.Kind, item.Name),
		Labels: map[string]string{
			labelManagedBy: "chatelaine",
			labelRecord:    string(item.Kind),
			labelKeyring:   s.config.Keyring.String(),
		},
		Annotations: annotations,
	}
}

// item is the record in a Secret. It is not ours when the Secret belongs to another keyring, or has a name that no record
// has: a copy, say.
func (s *Store) item(secret *corev1.Secret) (item keyring.Item, ours bool, err error) {
	kind, name, ours := s.names.parse(secret.Name)
	if !ours {
		return keyring.Item{}, false, nil
	}
	title := secret.Annotations[annotationKeyID]
	if kind == keyring.KindAlias {
		title = secret.Annotations[annotationAlias]
	}
	v, err := version(secret)
	if err != nil {
		return keyring.Item{}, false, err
	}
	return keyring.Item{
		Kind: kind, Name: name, Title: title, Version: v, Sealed: secret.Data[dataKey],
		Owner:    secret.Annotations[annotationOwner],
		Location: "Secret " + s.config.Namespace + "/" + secret.Name,
	}, true, nil
}

func version(secret *corev1.Secret) (uint64, error) {
	v, err := parseVersion(secret.ResourceVersion)
	if err != nil {
		return 0, fmt.Errorf("secret %s/%s: %w", secret.Namespace, secret.Name, err)
	}
	return v, nil
}

func parseVersion(resourceVersion string) (uint64, error) {
	v, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil || v == 0 {
		return 0, fmt.Errorf("its resourceVersion %q is not a positive number: this API server is not one of Kubernetes'",
			resourceVersion)
	}
	return v, nil
}

func resourceVersion(version uint64) string { return strconv.FormatUint(version, 10) }

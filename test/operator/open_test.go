// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"

	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/kubestore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

// open reads a key's record as the operator wrote it, with the root key from its Secret.
func (w *world) open(keyID string) *keyring.KeyRecord {
	w.t.Helper()
	root := v1alpha1.DefaultRootKeySecret
	if rootKey := w.backend.Spec.Software.RootKey; rootKey != nil {
		root = rootKey.SecretRef.Name
	}
	roots, err := seal.ParseRootKeys(w.secret(root).Data)
	if err != nil {
		w.t.Fatal(err)
	}
	direct, err := kubernetes.NewForConfig(w.env.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	status := w.getBackend().Status
	id := keyring.ID{AccountID: status.AccountID, Region: status.Region}
	ring := keyring.New(id, kubestore.New(kubestore.Config{
		Client: direct, Namespace: operatorNamespace, Keyring: id, RootKeySecret: root,
	}), roots, keyring.Options{})
	defer keyringtest.Start(w.t, ring)()
	record, err := ring.Key(keyID)
	if err != nil {
		w.t.Fatalf("opening the record of key %s: %v", keyID, err)
	}
	return record
}

// dnsName is a name for an object.
func dnsName(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// lettingGo is the command in the README, for kubectl, that lets a Key go whose operator is gone.
func lettingGo(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(path(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "kubectl patch keys.kms.chatelaine.dev ") {
			return strings.Fields(strings.ReplaceAll(line, "'", ""))[1:]
		}
	}
	t.Fatal("the README has no such command")
	return nil
}

func TestAKeyThatIsLeftOverWhenTheOperatorIsGoneCanBeLetGo(t *testing.T) {
	server := testenv.Start(t, testenv.Options{WithoutCRDs: true})
	if err := server.ApplyKustomization(t.Context(), path(t, "config", "crd")); err != nil {
		t.Fatal(err)
	}
	kubectlQuietly(t, server, "create", "namespace", "shop")
	file := filepath.Join(t.TempDir(), "key.yaml")
	manifest := "{apiVersion: kms.chatelaine.dev/v1alpha1, kind: Key, metadata: {name: orders, namespace: shop, finalizers: [" + v1alpha1.KeyFinalizer + "]}, spec: {}}"
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectlQuietly(t, server, "apply", "--server-side", "-f", file)

	const crd, left = "crd/keys.kms.chatelaine.dev", "jsonpath={.metadata.deletionTimestamp}"
	kubectlQuietly(t, server, "delete", crd, "--wait=false")
	kubectlQuietly(t, server, "wait", "--for="+left, "-n", "shop", "keys.kms.chatelaine.dev/orders")
	kubectlQuietly(t, server, lettingGo(t)...)
	kubectlQuietly(t, server, "wait", "--for=delete", crd, "--timeout=60s")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// assetsVariable names the folder of the binaries; it is envtest's own.
const assetsVariable = "KUBEBUILDER_ASSETS"

const wayOut = "run the tests with `make test`, which builds the binaries and sets " + assetsVariable

// assets are the paths of the binaries.
type assets struct{ apiServer, etcd, kubectl string }

func findAssets() (assets, error) {
	dir := os.Getenv(assetsVariable)
	if dir == "" {
		return assets{}, fmt.Errorf("no test API server: %s is not set; %s", assetsVariable, wayOut)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return assets{}, fmt.Errorf("resolving %s: %w", assetsVariable, err)
	}
	found := assets{
		apiServer: filepath.Join(dir, "kube-apiserver"),
		etcd:      filepath.Join(dir, "etcd"),
		kubectl:   filepath.Join(dir, "kubectl"),
	}
	for _, path := range []string{found.apiServer, found.etcd, found.kubectl} {
		if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
			return assets{}, fmt.Errorf("no test API server: %s=%s has no executable %s; %s",
				assetsVariable, dir, filepath.Base(path), wayOut)
		}
	}
	return found, nil
}

// Path is the path of a file or folder of this repository, by its place under the root, from wherever in it a test runs.
func Path(elem ...string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository's root: %w", err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if isRoot(dir) {
			return filepath.Join(append([]string{dir}, elem...)...), nil
		}
	}
	return "", errors.New("finding the repository's root: no go.mod beside config/crd here or above")
}

func isRoot(dir string) bool {
	for _, mark := range []string{"go.mod", "config/crd"} {
		if _, err := os.Stat(filepath.Join(dir, mark)); err != nil {
			return false
		}
	}
	return true
}

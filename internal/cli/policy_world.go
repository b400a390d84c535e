// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policycheck"
	"github.com/chatelaine-dev/chatelaine/internal/policycheck/cluster"
)

// standardInput is the name by which it is asked for.
const standardInput = "-"

// manifestSuffixes are those of the files in a folder that are looked at.
var manifestSuffixes = []string{".yaml", ".yml", ".json"}

// fileFlags say which files are read.
type fileFlags struct {
	recursive bool
}

// read reads the files named, those in folders in the order of their names.
func (f *fileFlags) read(ctx context.Context, world *policycheck.World, stdin io.Reader, names []string) error {
	for _, name := range names {
		files, err := f.load(stdin, name)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := world.Read(ctx, file); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fileFlags) load(stdin io.Reader, name string) ([]policycheck.File, error) {
	if name == standardInput {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return []policycheck.File{{Name: standardInput, Data: data}}, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if info.IsDir() {
		return f.folder(name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	return []policycheck.File{{Name: name, Data: data}}, nil
}

func (f *fileFlags) folder(root string) ([]policycheck.File, error) {
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && !f.recursive:
			return fs.SkipDir
		case !entry.IsDir() && slices.Contains(manifestSuffixes, filepath.Ext(path)):
			paths = append(paths, path)
		}
		return nil
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s has no files that end in .yaml, .yml or .json; with -R its folders are looked into as well", root)
	}
	files := make([]policycheck.File, len(paths))
	for i, path := range paths {
		files[i] = policycheck.File{Name: path, Among: true}
		if err == nil {
			files[i].Data, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	return files, nil
}

// clusterFlags say which cluster is read.
type clusterFlags struct {
	// also says that it is read besides manifests.
	also                bool
	kubeconfig, context string
}

// world is what there is to answer from, and what could not be read of the cluster. namespaces says which are looked at in
// the cluster: by default the one that flags or the kubeconfig name.
func (f *policyFlags) world(ctx context.Context, stdin io.Reader, files []string, namespaces func(*policycheck.World) []string) (*policycheck.World, *cluster.Reader, error) {
	if err := f.check(len(files) > 0); err != nil {
		return nil, nil, err
	}
	w, reader := &policycheck.World{Settings: f.settings}, &cluster.Reader{}
	w.Settings.Namespace = f.namespace
	live := len(files) == 0 || f.cluster.also
	if live {
		config, namespace, err := findCluster(f.cluster.kubeconfig, f.cluster.context)
		if err != nil {
			return nil, nil, err
		}
		scheme := runtime.NewScheme()
		if err := v1alpha1.AddToScheme(scheme); err != nil {
			return nil, nil, err
		}
		if reader.Client, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
			return nil, nil, fmt.Errorf("connecting to the API server: %w", err)
		}
		if w.Settings.Namespace == "" {
			w.Settings.Namespace = namespace
		}
	}
	if w.Settings.Namespace == "" {
		w.Settings.Namespace = "default"
	}
	if err := f.files.read(ctx, w, stdin, files); err != nil {
		return nil, nil, err
	}
	if live {
		w.Context = len(files) > 0
		if err := reader.Load(ctx, w, namespaces(w)...); err != nil {
			return nil, nil, err
		}
	}
	return w, reader, nil
}

var errNothing = errors.New("there is no KeyPolicy, Key, KMSBackend or policy document in what was given")

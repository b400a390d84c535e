// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kubestore

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Run implements keyring.Store: it lists and watches, and starts over by itself when the API server was away. No Secret
// stays in memory once sink has heard of it.
func (s *Store) Run(ctx context.Context, sink keyring.Sink) error {
	source := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = recordSelector
			return s.secrets.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = recordSelector
			return s.secrets.Watch(ctx, options)
		},
	}, s.client)
	logger := klog.FromContext(ctx)
	reflector := cache.NewReflectorWithOptions(source, &corev1.Secret{}, &feed{store: s, sink: sink}, cache.ReflectorOptions{
		Name:            "keyring " + s.config.Keyring.String(),
		TypeDescription: "record Secrets",
		Logger:          &logger,
		// A keyring is one watch per process: the API server, back again, bears to be asked every few seconds.
		Backoff: &wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 8, Cap: 10 * time.Second},
	})
	reflector.RunWithContext(ctx)
	return nil
}

// feed hands on to a Sink what a reflector puts into its store, and keeps nothing.
type feed struct {
	store *Store
	sink  keyring.Sink
}

var _ cache.TransformingStore = (*feed)(nil)

// Replace implements cache.ReflectorStore.
func (f *feed) Replace(objects []any, resourceVersion string) error {
	version, err := parseVersion(resourceVersion)
	if err != nil {
		return err
	}
	items := make([]keyring.Item, 0, len(objects))
	for _, object := range objects {
		item, ours, err := f.item(object)
		if err != nil {
			return err
		}
		if ours {
			items = append(items, item)
		}
	}
	f.sink.Replace(items, version)
	return nil
}

// Add implements cache.ReflectorStore.
func (f *feed) Add(object any) error { return f.Update(object) }

// Update implements cache.ReflectorStore.
func (f *feed) Update(object any) error {
	item, ours, err := f.item(object)
	if ours {
		f.sink.Upsert(item)
	}
	return err
}

// Delete implements cache.ReflectorStore. The object is as it was last, with the resourceVersion of its deletion.
func (f *feed) Delete(object any) error {
	item, ours, err := f.item(object)
	if ours {
		f.sink.Delete(item.Kind, item.Name, item.Version)
	}
	return err
}

// Resync implements cache.ReflectorStore.
func (*feed) Resync() error { return nil }

// Transformer implements cache.TransformingStore: while the reflector collects the whole content, it keeps only what
// becomes an item.
func (f *feed) Transformer() cache.TransformFunc {
	return func(object any) (any, error) {
		secret, ok := object.(*corev1.Secret)
		if !ok {
			return object, nil
		}
		secret.ManagedFields, secret.Labels = nil, nil
		if _, _, ours := f.store.names.parse(secret.Name); !ours {
			secret.Annotations, secret.Data = nil, nil
		}
		return secret, nil
	}
}

func (f *feed) item(object any) (keyring.Item, bool, error) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return keyring.Item{}, false, fmt.Errorf("a %T where a Secret was expected", object)
	}
	return f.store.item(secret)
}

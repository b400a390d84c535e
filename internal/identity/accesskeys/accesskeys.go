// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package accesskeys takes static access keys for people from labelled Secrets in the operator's namespace:
//
//	apiVersion: v1
//	kind: Secret
//	metadata:
//	  name: alice
//	  namespace: chatelaine-system
//	  labels: {kms.chatelaine.dev/access-key: "true"}
//	stringData:
//	  accessKeyID: AKIAEXAMPLE123456789      16 to 128 letters and digits
//	  secretAccessKey: ...                   16 to 128 visible ASCII characters
//	  principal: arn:aws:iam::111122223333:user/alice
//
// A key works a moment after its Secret was applied and no longer works a moment after it was deleted or lost the label.
// While the API server is away, those known go on working. Who may write Secrets in this namespace can make himself
// anybody, so nobody but the operator and its administrators should.
//
// A Secret that can't be read is left out and logged once, by its name, with the field and what to do about it, never with
// what is in it; so are two Secrets with one access key ID, both of which are refused, since one of them may be somebody's
// attempt to take the other's place. Other entries in a Secret's data are passed over.
package accesskeys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// Label marks the Secrets; its value is "true".
const Label = "kms.chatelaine.dev/access-key"

// Config is what a Source needs.
type Config struct {
	// Client needs list and watch on Secrets in Namespace.
	Client    kubernetes.Interface
	Namespace string
	Log       logr.Logger
}

// Source knows the access keys. It is safe for concurrent use.
type Source struct {
	config Config
	index  *index
}

var _ identity.Source = (*Source)(nil)

// New returns a Source that knows nothing until Run has read the Secrets.
func New(config Config) *Source {
	return &Source{config: config, index: newIndex(config.Log.WithValues("namespace", config.Namespace))}
}

// Lookup implements identity.Source. It is identity.ErrUnavailable until the Secrets were read for the first time.
func (s *Source) Lookup(_ context.Context, accessKeyID, sessionToken string) (identity.Credential, error) {
	if sessionToken != "" {
		return identity.Credential{}, identity.ErrUnknown
	}
	return s.index.lookup(accessKeyID)
}

// Synced is closed when the Secrets were read for the first time.
func (s *Source) Synced() <-chan struct{} { return s.index.synced }

// Run lists and watches the Secrets until ctx ends, and starts over by itself when the API server was away.
func (s *Source) Run(ctx context.Context) error {
	source := cache.ToListWatcherWithWatchListSemantics(cache.NewFilteredListWatchFromClient(
		s.config.Client.CoreV1().RESTClient(), "secrets", s.config.Namespace,
		func(options *metav1.ListOptions) { options.LabelSelector = Label + "=true" },
	), s.config.Client)
	reflector := cache.NewReflectorWithOptions(source, &corev1.Secret{}, &feed{s.index}, cache.ReflectorOptions{
		Name:            "access keys",
		TypeDescription: "access key Secrets",
		Logger:          &s.config.Log,
		// One watch per process: the API server, back again, bears to be asked every few seconds.
		Backoff: &wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 8, Cap: 10 * time.Second},
	})
	reflector.RunWithContext(ctx)
	return nil
}

// feed hands on to the index what a reflector puts into its store. No Secret stays in memory beside the index's entry.
type feed struct{ index *index }

var _ cache.ReflectorStore = (*feed)(nil)

// Replace implements cache.ReflectorStore.
func (f *feed) Replace(objects []any, _ string) error {
	entries := make(map[string]entry, len(objects))
	for _, object := range objects {
		secret, err := asSecret(object)
		if err != nil {
			return err
		}
		entries[secret.Name] = parse(secret)
	}
	f.index.replace(entries)
	return nil
}

// Add implements cache.ReflectorStore.
func (f *feed) Add(object any) error { return f.Update(object) }

// Update implements cache.ReflectorStore.
func (f *feed) Update(object any) error {
	secret, err := asSecret(object)
	if err == nil {
		f.index.put(secret.Name, parse(secret))
	}
	return err
}

// Delete implements cache.ReflectorStore.
func (f *feed) Delete(object any) error {
	secret, err := asSecret(object)
	if err == nil {
		f.index.remove(secret.Name)
	}
	return err
}

// Resync implements cache.ReflectorStore.
func (*feed) Resync() error { return nil }

func asSecret(object any) (*corev1.Secret, error) {
	secret, ok := object.(*corev1.Secret)
	if !ok {
		return nil, fmt.Errorf("a %T where a Secret was expected", object)
	}
	return secret, nil
}

// parse reads a Secret, which must not be kept.
func parse(secret *corev1.Secret) entry {
	field := func(name string) string { return string(secret.Data[name]) }
	credential, err := identity.NewStaticCredential(field(identity.FieldAccessKeyID),
		field(identity.FieldSecretAccessKey), field(identity.FieldPrincipal), identity.ClusterStrength)
	if problem, ok := errors.AsType[*identity.FieldError](err); ok {
		return entry{problem: problem}
	}
	return entry{credential: credential}
}

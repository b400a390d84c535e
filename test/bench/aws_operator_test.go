// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// awsTimeout is much longer than anything takes here.
const awsTimeout = 10 * time.Minute

// awsOperator is an operator with a KMSBackend on what stands for AWS. Unlike operator's it is part of this process, as is what
// stands for AWS, and takes as many requests a second as come.
type awsOperator struct {
	*operator
	calls *awstest.Counter
	url   string
	// account is the ServiceAccount that it runs under.
	account types.NamespacedName
	workers int
	// policy is the key policy that its Keys' keys have.
	policy string
}

func startAWSOperator(b *testing.B) *awsOperator {
	b.Helper()
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	there := awstest.NewAccount(b, awstest.Options{Tagging: true})
	calls := awstest.NewCounter(there)
	server := httptest.NewServer(calls)
	b.Cleanup(server.Close)
	o := &awsOperator{
		operator: &operator{env: testenv.Start(b, testenv.Options{WithoutCRDs: true, Audit: true}), writers: 4},
		calls:    calls, url: server.URL, account: types.NamespacedName{Namespace: operatorNamespace, Name: "chatelaine-manager"},
	}
	o.install(b)
	o.run(b)
	o.backend(b)
	o.applyAWSKeys(b, "pilot", 1)
	pilot := newAWSKey("pilot", 0)
	if err := o.client.Get(b.Context(), client.ObjectKeyFromObject(pilot), pilot); err != nil {
		b.Fatal(err)
	}
	o.readyStatus = pilot.Status
	made, err := there.Service.Key(pilot.Status.KeyID)
	if err != nil {
		b.Fatal(err)
	}
	o.policy = made.PolicyText()
	return o
}

// run runs the operator until the benchmark ends, with what config/rbac allows it.
func (o *awsOperator) run(b *testing.B) {
	b.Helper()
	config, err := o.env.ConfigFor(b.Context(), o.account)
	if err != nil {
		b.Fatal(err)
	}
	config.QPS = -1
	options := manager.Defaults()
	options.MetricsAddress, options.ProbeAddress, options.KMSAddress = "0", "0", "0"
	options.AWSQuotas = map[string]float64{}
	for _, operation := range []string{"CreateKey", "CreateAlias", "EnableKeyRotation", "GetResources"} {
		options.AWSQuotas[operation] = 1e6
	}
	o.workers = options.Workers
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Run(ctx, config, options) }()
	b.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			b.Errorf("the operator ended with: %v", err)
		}
	})
}

func (o *awsOperator) backend(b *testing.B) {
	b.Helper()
	o.create(b, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: backendName},
		StringData: map[string]string{"accessKeyID": awstest.AccessKeyID, "secretAccessKey": awstest.SecretAccessKey},
	})
	o.create(b, &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: backendName},
		Spec: v1alpha1.KMSBackendSpec{AWS: &v1alpha1.AWSBackend{
			Region: awstest.Region, Endpoint: o.url, CredentialsSecretRef: &v1alpha1.SecretReference{Name: backendName},
		}},
	})
}

func (o *awsOperator) create(b *testing.B, object client.Object) {
	b.Helper()
	if err := o.client.Create(b.Context(), object); err != nil {
		b.Fatal(err)
	}
}

// applyAWSKeys makes a namespace with a KeyPolicy for all of its Keys and so many Keys at once, and waits until all are Ready.
func (o *awsOperator) applyAWSKeys(b *testing.B, namespace string, count int) {
	b.Helper()
	o.namespace(b, namespace)
	o.create(b, newAWSKeyPolicy(namespace))
	ctx, cancel := context.WithTimeout(b.Context(), awsTimeout)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		o.each(b, count, func(ctx context.Context, i int) error { return o.client.Create(ctx, newAWSKey(namespace, i)) })
	})
	for ready := map[string]struct{}{}; len(ready) < count; {
		watching, err := o.client.Watch(ctx, &v1alpha1.KeyList{}, client.InNamespace(namespace))
		if err != nil {
			b.Fatalf("%d of %d Keys are Ready: %v", len(ready), count, err)
		}
		noteReady(ready, count, watching)
	}
}

// noteReady notes which Keys are Ready until so many are, or the watch ends: the API server ends those that its load keeps from
// following. Another one begins with all Keys that are there.
func noteReady(ready map[string]struct{}, count int, watching watch.Interface) {
	defer watching.Stop()
	for event := range watching.ResultChan() {
		if key, ok := event.Object.(*v1alpha1.Key); ok && isReady(key) {
			ready[key.Name] = struct{}{}
		}
		if len(ready) == count {
			return
		}
	}
}

// newAWSKey is a Key with all that takes a call of its own on AWS.
func newAWSKey(namespace string, i int) *v1alpha1.Key {
	key := newKey(namespace, i)
	key.Spec.Aliases = []string{fmt.Sprintf("alias/%s/%s", namespace, key.Name)}
	return key
}

func newAWSKeyPolicy(namespace string) *v1alpha1.KeyPolicy {
	return &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "readers"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Selector: &metav1.LabelSelector{}}},
			Rules: []v1alpha1.KeyPolicyRule{{
				Sid: "Use", Permissions: []v1alpha1.Permission{v1alpha1.PermissionUse},
				Principals: []v1alpha1.KeyPolicyPrincipal{{AWS: role}},
			}},
		},
	}
}

// written are the operator's writes since the mark, without those of its Lease and, beside them, of Events.
func (o *awsOperator) written(b *testing.B, since testenv.Mark) (writes, events testenv.Requests) {
	b.Helper()
	all, err := o.env.Audit.Since(since)
	if err != nil {
		b.Fatal(err)
	}
	all = all.By(testenv.UserName(o.account)).Writes()
	writes = all.Where(func(r testenv.Request) bool {
		return !strings.HasPrefix(r.Resource, "events") && !strings.HasPrefix(r.Resource, "leases")
	})
	return writes, all.Where(func(r testenv.Request) bool { return strings.HasPrefix(r.Resource, "events") })
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// awsWorld is an operator with its software backend, and backends on AWS beside it.
type awsWorld struct {
	*world
	// endpoint is the operator's own, for the keys of the software backend.
	endpoint *replica
}

// newAWSWorld starts the operator with an environment in which AWS's SDK finds what is given, and nothing else.
func newAWSWorld(t *testing.T, environment map[string]string) *awsWorld {
	t.Helper()
	return newAWSWorldWith(t, environment, func(*manager.Options) {})
}

// newAWSWorldWith is newAWSWorld of an operator that was told something else; change is given what it is told by default.
func newAWSWorldWith(t *testing.T, environment map[string]string, change func(*manager.Options)) *awsWorld {
	t.Helper()
	adopt(t, environment)
	w := emptyWorld(t, env, nil)
	address := testenv.FreeAddress(t)
	config, err := env.ConfigFor(w.ctx, managerAccount)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	options := manager.Defaults()
	options.MetricsAddress, options.ProbeAddress, options.KMSAddress, options.KMSInsecureAddress = "0", "0", "0", address
	options.CheckInterval, options.SweepInterval = 500*time.Millisecond, 100*time.Millisecond
	change(&options)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Run(ctx, config, options) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("the operator ended with: %v", err)
		}
	})
	return &awsWorld{world: w, endpoint: &replica{process: &process{w: w}, http: "http://" + address}}
}

// credentials makes a Secret with the access key.
func (w *awsWorld) credentials(k accessKey) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, GenerateName: "aws-"},
		StringData: map[string]string{"accessKeyID": k.id, "secretAccessKey": k.secret},
	}
	w.create(secret)
	return secret
}

// awsBackend makes a KMSBackend of the account, which is gone when the test ends.
func (w *awsWorld) awsBackend(spec v1alpha1.AWSBackend) *v1alpha1.KMSBackend {
	w.t.Helper()
	object := &v1alpha1.KMSBackend{ObjectMeta: metav1.ObjectMeta{GenerateName: "aws-"}, Spec: v1alpha1.KMSBackendSpec{AWS: &spec}}
	w.create(object)
	w.t.Cleanup(func() {
		if err := w.env.Client.Delete(context.Background(), object); err != nil {
			w.t.Error(err)
		}
	})
	return object
}

// in is the spec of a backend in the account with the credentials in the Secret.
func (a *awsAccount) in(secret *corev1.Secret) v1alpha1.AWSBackend {
	return v1alpha1.AWSBackend{
		Region: awsRegion, Endpoint: a.server.URL, CredentialsSecretRef: &v1alpha1.SecretReference{Name: secret.Name},
	}
}

// on is the world with another KMSBackend, and a namespace of its own.
func (w *awsWorld) on(backend *v1alpha1.KMSBackend) *world {
	return &world{
		t: w.t, env: w.env, ctx: w.ctx, clock: w.clock, namespace: w.env.Namespace(w.t), backend: backend, stop: func() {},
	}
}

// awaitAvailable waits until the KMSBackend is Ready.
func (w *world) awaitAvailable() *v1alpha1.KMSBackend {
	w.t.Helper()
	return w.awaitBackend(v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// configure changes the KMSBackend's spec.
func (w *world) configure(change func(*v1alpha1.AWSBackend)) {
	w.t.Helper()
	modify(w, w.backend, func(fresh *v1alpha1.KMSBackend) { change(fresh.Spec.AWS) })
}

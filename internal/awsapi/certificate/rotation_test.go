// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
)

func TestANewCAIsPublishedAWeekBeforeItSigns(t *testing.T) {
	namespace := env.Namespace(t)
	replicas := []*replica{newReplica(t, namespace), newReplica(t, namespace), newReplica(t, namespace)}
	at := func(now time.Time) {
		t.Helper()
		var wg sync.WaitGroup
		for _, r := range replicas {
			r.clock.SetTime(now)
			wg.Go(func() {
				if err := r.Sync(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, r := range replicas { // whoever came before the write sees it a minute later
			r.sync(t)
		}
	}
	at(start)
	old, oldSecret := replicas[0].Bundle(), replicas[0].secret(t)
	due := start.Add(certificate.CALifetime - certificate.CALifetime/3)
	at(due)
	replicas[0].unchanged(t, oldSecret)

	due = due.Add(time.Second)
	at(due)
	during := replicas[0].Bundle()
	if certificatesIn(during) != 2 || !bytes.HasPrefix(during, old) {
		t.Fatalf("the bundle has %d certificates", certificatesIn(during))
	}
	at(due.Add(7*day - time.Second))
	for _, r := range replicas {
		if err := r.accepts(t, old); err != nil {
			t.Errorf("in the week, a client with the old bundle: %v", err)
		}
		if !bytes.Equal(r.Bundle(), during) {
			t.Error("the bundles differ")
		}
	}

	at(due.Add(7 * day))
	secret := replicas[0].secret(t)
	for _, r := range replicas {
		if err := r.accepts(t, during); err != nil {
			t.Errorf("after the week, a client with the new bundle: %v", err)
		}
		if err := r.accepts(t, old); err == nil {
			t.Error("after the week, the old CA still signs")
		}
		if !bytes.Equal(r.Bundle(), during) {
			t.Error("a CA whose certificates may be in use left the bundle")
		}
	}
	if len(secret.Data) != 3 || bytes.Equal(secret.Data["tls.key"], oldSecret.Data["tls.key"]) {
		t.Error("the old CA's key is still there")
	}
	at(due.Add(30 * day))
	replicas[0].unchanged(t, secret)
	at(start.Add(certificate.CALifetime + time.Second))
	if bundle := replicas[0].Bundle(); !bytes.Equal(append(old, bundle...), during) {
		t.Errorf("after the old CA's end the bundle has %d certificates", certificatesIn(bundle))
	}
}

func TestACAThatExpiredWhileNobodyWasThereIsReplacedAtOnce(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	r.clock.SetTime(start.Add(certificate.CALifetime + day))
	r.sync(t)
	if err := r.accepts(t, r.Bundle()); err != nil || certificatesIn(r.Bundle()) != 1 {
		t.Errorf("got %v, and %d certificates", err, certificatesIn(r.Bundle()))
	}
}

func TestARotationThatCannotBeWrittenChangesNothing(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	bundle := r.Bundle()
	r.edit(t, func(secret *corev1.Secret) { secret.Immutable = new(true) })
	r.clock.SetTime(start.Add(9 * year))
	if err := r.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "rotating the CA") {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(r.Bundle(), bundle) {
		t.Error("a CA that is nowhere is in the bundle")
	}
	if err := r.accepts(t, bundle); err != nil {
		t.Errorf("the certificate was not renewed: %v", err)
	}
}

func TestDeletingTheSecretMakesANewCA(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	old := r.Bundle()
	told := 0
	stop := r.Watch(func() { told++ })
	defer stop()
	r.sync(t)
	r.delete(t)
	r.sync(t)
	r.sync(t)
	if err := r.accepts(t, old); err == nil {
		t.Error("the deleted CA still signs")
	}
	if err := r.accepts(t, r.Bundle()); err != nil || certificatesIn(r.Bundle()) != 1 || told != 1 {
		t.Errorf("got %v, %d certificates, told %d times", err, certificatesIn(r.Bundle()), told)
	}
}

func TestTheBundleInTheSecretIsKeptWholeAndAdditionsStay(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	own := r.Bundle()
	added := issue(t, "added", nil, authority)
	r.edit(t, func(secret *corev1.Secret) { secret.Data["ca.crt"] = added.certPEM() })
	r.sync(t)
	want := append(added.certPEM(), own...)
	secret := r.secret(t)
	if !bytes.Equal(secret.Data["ca.crt"], want) || !bytes.Equal(r.Bundle(), want) {
		t.Errorf("ca.crt has %d certificates, the bundle %d", certificatesIn(secret.Data["ca.crt"]), certificatesIn(r.Bundle()))
	}
	r.sync(t)
	r.unchanged(t, secret)
	r.clock.SetTime(added.certificate.NotAfter.Add(time.Second))
	r.sync(t)
	if !bytes.Equal(r.secret(t).Data["ca.crt"], own) {
		t.Error("an expired certificate is still there")
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// awaitKstatus waits until kstatus computes the status from the object as the API server serves it.
func (w *world) awaitKstatus(object client.Object, want kstatus.Status) {
	w.t.Helper()
	w.await(func() (bool, string) {
		kind, err := w.env.Client.GroupVersionKindFor(object)
		if err != nil {
			w.t.Fatal(err)
		}
		served := &unstructured.Unstructured{}
		served.SetGroupVersionKind(kind)
		if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(object), served); err != nil {
			w.t.Fatal(err)
		}
		result, err := kstatus.Compute(served)
		if err != nil {
			w.t.Fatal(err)
		}
		return result.Status == want, object.GetName() + " " + want.String() + "; it is " + result.Status.String() + ": " + result.Message
	})
}

func TestKstatusComputesTheRightStatusInEachSituation(t *testing.T) {
	w := newWorld(t, nil)
	w.awaitKstatus(w.backend, kstatus.CurrentStatus)

	ready := w.key("ready", nil)
	w.awaitKstatus(ready, kstatus.CurrentStatus)
	w.awaitKstatus(w.key("disabled", func(s *v1alpha1.KeySpec) { s.Enabled = new(false) }), kstatus.CurrentStatus)
	w.awaitKstatus(w.key("no-backend", func(s *v1alpha1.KeySpec) { s.BackendRef.Name = "missing" }), kstatus.FailedStatus)
	w.awaitKstatus(w.key("adopt-missing", func(s *v1alpha1.KeySpec) {
		s.Adopt = &v1alpha1.KeyAdoption{Alias: "alias/missing"}
	}), kstatus.FailedStatus)

	lost := w.readyKey("lost", nil)
	w.takeAway(w.record(lost.Status.KeyID))
	w.awaitKstatus(lost, kstatus.FailedStatus)

	w.stop()
	w.awaitKstatus(w.key("unseen", nil), kstatus.InProgressStatus)
	w.update(ready, func(s *v1alpha1.KeySpec) { s.Description = "not yet seen" })
	w.awaitKstatus(ready, kstatus.InProgressStatus)
	w.delete(ready)
	w.awaitKstatus(ready, kstatus.TerminatingStatus)
	w.start()
	w.awaitGone(ready)
}

func TestKubectlWaitAndGetTellTheTruth(t *testing.T) {
	w := newWorld(t, nil)
	w.key("orders", func(s *v1alpha1.KeySpec) {
		rotating(s)
		s.Aliases = []string{"alias/" + w.namespace}
	})
	w.kubectl("wait", "--for=condition=Ready", "--timeout=30s", "-n", w.namespace, "key/orders")
	table := w.kubectl("get", "keys", "-n", w.namespace)
	for _, part := range []string{"NAME", "READY", "STATE", "SPEC", "BACKEND", "NEXT ROTATION", "AGE", "orders", "True", "Enabled", "SYMMETRIC_DEFAULT", w.backend.Name} {
		if !strings.Contains(table, part) {
			t.Errorf("kubectl get keys lacks %q:\n%s", part, table)
		}
	}
	key := w.getKey(&v1alpha1.Key{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "orders"}})
	if next := key.Status.Rotation.NextTime.UTC().Format("2006-01-02T15:04:05Z"); !strings.Contains(table, next) {
		t.Errorf("kubectl get keys lacks the next rotation, %s:\n%s", next, table)
	}
	if wide := w.kubectl("get", "keys", "-n", w.namespace, "-o", "wide"); !strings.Contains(wide, key.Status.KeyID) {
		t.Errorf("kubectl get keys -o wide lacks the key ID:\n%s", wide)
	}
}

func (w *world) kubectl(args ...string) string {
	w.t.Helper()
	output, err := w.env.Kubectl(w.ctx, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return output.Stdout
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// quietServer is a server of the test's own, where nothing else is going on. The test fails if the operator was ever refused
// a request.
func quietServer(t *testing.T) *testenv.Env {
	t.Helper()
	server := restartingServer(t)
	start, err := server.Audit.Mark()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := neverRefused(server, start); err != nil {
			t.Error(err)
		}
	})
	return server
}

// restartingServer is one that may refuse requests: kube-apiserver does so while it starts, until it knows the roles.
func restartingServer(t *testing.T) *testenv.Env {
	t.Helper()
	server := testenv.Start(t, testenv.Options{WithoutCRDs: true, Audit: true})
	if err := install(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	return server
}

func (w *world) mark() testenv.Mark {
	w.t.Helper()
	mark, err := w.env.Audit.Mark()
	if err != nil {
		w.t.Fatal(err)
	}
	return mark
}

// writesSince are the operator's writes, refused ones included; Events and its Lease are left out.
func (w *world) writesSince(mark testenv.Mark) testenv.Requests {
	w.t.Helper()
	all, err := w.env.Audit.Since(mark)
	if err != nil {
		w.t.Fatal(err)
	}
	return all.By(testenv.UserName(managerAccount)).Writes().Where(func(r testenv.Request) bool {
		return !strings.HasPrefix(r.Resource, "events") && !strings.HasPrefix(r.Resource, "leases")
	})
}

// awaitQuiet waits for so many resync periods in which the operator writes nothing: what is written late passes, and what is written
// again and again does not.
func (w *world) awaitQuiet(periods int) {
	w.t.Helper()
	w.await(func() (bool, string) {
		mark := w.mark()
		time.Sleep(time.Duration(periods) * w.resync)
		writes := w.writesSince(mark)
		return len(writes) == 0, fmt.Sprintf("%d resync periods without a write; in the last ones there were %v", periods, writes.Counts())
	})
}

func written(verb, resource, subresource string) testenv.Kind {
	return testenv.Kind{User: testenv.UserName(managerAccount), Verb: verb, Resource: resource, Subresource: subresource}
}

func TestKeyCostsThreeWritesAndOneForEachAliasAndConfigMap(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	w.start()
	defer func() { w.stop() }()
	w.readyKey("first", nil) // by which the operator knows of the KMSBackend
	w.awaitQuiet(2)
	mark := w.mark()

	const count, aliases = 40, 2
	var keys []*v1alpha1.Key
	for i := range count {
		keys = append(keys, w.key(fmt.Sprintf("plain-%d", i), rotating), w.key(fmt.Sprintf("full-%d", i), func(s *v1alpha1.KeySpec) {
			s.Description = "everything"
			s.Tags = map[string]v1alpha1.TagValue{"team": "payments"}
			for a := range aliases {
				s.Aliases = append(s.Aliases, fmt.Sprintf("alias/full-%d-%d", i, a))
			}
			s.Publish = &v1alpha1.KeyPublication{ConfigMapName: fmt.Sprintf("full-%d", i)}
		}))
	}
	w.awaitReady(keys)
	time.Sleep(2 * w.resync) // whatever would be written late

	want := map[testenv.Kind]int{
		written("patch", "keys.kms.chatelaine.dev", ""):       2 * count, // the finalizer
		written("create", "secrets", ""):                      2*count + count*aliases,
		written("patch", "keys.kms.chatelaine.dev", "status"): 2 * count,
		written("create", "configmaps", ""):                   count,
	}
	if got := w.writesSince(mark).Counts(); !maps.Equal(got, want) {
		t.Errorf("writes for %d Keys:\n got %v\nwant %v", 2*count, got, want)
	}
}

func TestFiveHundredKeysInSteadyStateCostNoWrite(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	w.resync = time.Second
	w.start()
	defer func() { w.stop() }()
	var keys []*v1alpha1.Key
	for i := range 500 {
		keys = append(keys, w.key(fmt.Sprintf("key-%d", i), func(s *v1alpha1.KeySpec) {
			s.Aliases = []string{fmt.Sprintf("alias/key-%d", i)}
			s.Tags = map[string]v1alpha1.TagValue{"number": v1alpha1.TagValue(fmt.Sprint(i))}
			if i%10 == 0 {
				s.Publish = &v1alpha1.KeyPublication{ConfigMapName: fmt.Sprintf("key-%d", i)}
			}
		}))
	}
	w.awaitReady(keys)
	w.awaitQuiet(11)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	hsmStore = "cks-1234567890abcdef0"
	xksStore = "cks-fedcba09876543210"
)

// stores stands for custom key stores, which neither our endpoint nor moto has: it takes what is about them off CreateKey, which then
// makes an ordinary key, remembers it, and puts it into what is told of the key. It is the test's own idea of AWS's documentation.
type stores struct {
	mu sync.Mutex
	// keys are what was taken off CreateKey, by key ID.
	keys map[string]map[string]any
	// taken are the external keys that have a KMS key.
	taken map[string]bool
	// disconnected says that no store answers.
	disconnected bool
}

// newStores is a world with custom key stores, and a backend on it.
func newStores(t *testing.T) (*stores, *proxy, *Backend) {
	t.Helper()
	s := &stores{keys: map[string]map[string]any{}, taken: map[string]bool{}}
	w := newFront(t, newEndpoint(t), &front{asked: s.asked, answered: s.answered})
	p := newProxy(t, w)
	return s, p, open(t, settings(p.url(), clock.RealClock{}))
}

// asked implements the rules of CreateKey that are about custom key stores, and keeps rotation from their keys.
func (s *stores) asked(operation string, in map[string]any) (code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.keys[text(in, "KeyId")]
	if strings.Contains(operation, "Rotat") && of != nil {
		return "UnsupportedOperationException"
	}
	id, xks := text(in, "CustomKeyStoreId"), text(in, "XksKeyId")
	if operation != "CreateKey" || id == "" {
		return ""
	}
	switch {
	case id != hsmStore && id != xksStore:
		return "CustomKeyStoreNotFoundException"
	case s.disconnected:
		return "CustomKeyStoreInvalidStateException"
	case s.taken[xks]:
		return "XksKeyAlreadyInUseException"
	case strings.HasPrefix(xks, "rsa-"):
		return "XksKeyInvalidConfigurationException"
	case strings.HasPrefix(xks, "no-"):
		return "XksKeyNotFoundException"
	case in["MultiRegion"] == true, text(in, "Origin") != map[string]string{hsmStore: "AWS_CLOUDHSM", xksStore: "EXTERNAL_KEY_STORE"}[id]:
		return "UnsupportedOperationException"
	}
	s.keys[""] = map[string]any{"Origin": in["Origin"], "CustomKeyStoreId": id}
	if xks != "" {
		s.keys[""]["XksKeyConfiguration"] = map[string]any{"Id": xks}
		s.taken[xks] = true
	}
	for _, name := range []string{"Origin", "CustomKeyStoreId", "XksKeyId"} {
		delete(in, name)
	}
	return ""
}

func (s *stores) answered(operation string, _, out map[string]any) {
	metadata, ok := out["KeyMetadata"].(map[string]any)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := text(metadata, "KeyId")
	if operation == "CreateKey" && s.keys[""] != nil {
		s.keys[id] = s.keys[""]
		delete(s.keys, "")
	}
	maps.Copy(metadata, s.keys[id])
	if s.keys[id] != nil && s.disconnected && metadata["KeyState"] == "Enabled" {
		metadata["KeyState"], metadata["Enabled"] = "Unavailable", false
	}
}

func (s *stores) disconnect(disconnected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnected = disconnected
}

func inStore(name string, origin backend.Origin, store backend.CustomKeyStore) backend.CreateInput {
	in := symmetric(name)
	in.Origin, in.Store = origin, store
	return in
}

func TestAKeyIsMadeInACustomKeyStoreAndToldWhereItIs(t *testing.T) {
	for name, in := range map[string]backend.CreateInput{
		"CloudHSM": inStore("key", backend.OriginCloudHSM, backend.CustomKeyStore{ID: hsmStore}),
		"external": inStore("key", backend.OriginExternalKeyStore, backend.CustomKeyStore{ID: xksStore, XksKeyID: "bb8562717f809024"}),
	} {
		t.Run(name, func(t *testing.T) {
			_, p, b := newStores(t)
			made := create(t, b, in)
			ordinary := create(t, b, symmetric("ordinary"))
			if made.Origin != in.Origin || made.Store != in.Store || ordinary.Store != (backend.CustomKeyStore{}) {
				t.Errorf("it is of origin %s in %s, the other one in %s", made.Origin, made.Store, ordinary.Store)
			}
			apply(t, b, made.ID, backend.PutAlias{Name: "alias/key"}, backend.SetTags{Tags: map[string]string{"a": "b"}}, backend.SetDescription{To: "new"})
			fresh := open(t, settings(p.url(), clock.RealClock{}))
			calls := p.counted(func() {
				if seen := get(t, fresh, made.ID); seen.Origin != in.Origin || seen.Store != in.Store || seen.Description != "new" {
					t.Errorf("read again it is %+v", seen)
				}
				if err := fresh.Verify(t.Context(), made.ID); err != nil {
					t.Error(err)
				}
			})
			if calls["GetKeyRotationStatus"]+calls["ListKeyRotations"] > 0 {
				t.Errorf("a key in a custom key store does not rotate, and was asked how it does: %v", calls)
			}
			if again := create(t, b, in); again.ID != made.ID {
				t.Errorf("for one owner there are %s and %s", made.ID, again.ID)
			}
		})
	}
}

func TestALostAnswerLeavesOneKeyInACustomKeyStore(t *testing.T) {
	s, p, b := newStores(t)
	p.inject(fault{operation: "CreateKey", times: 1, afterEffect: true})
	in := inStore("key", backend.OriginExternalKeyStore, backend.CustomKeyStore{ID: xksStore, XksKeyID: "bb8562717f809024"})
	if _, err := b.Create(t.Context(), in); backend.ClassOf(err) != backend.Unavailable {
		t.Errorf("the answer was lost: %v", err)
	}
	if found := create(t, b, in); found.Store != in.Store || len(s.keys) != 1 {
		t.Errorf("it is in %s, one of %d", found.Store, len(s.keys))
	}
}

func TestWhatACustomKeyStoreRefusesIsSaidWithTheWayOut(t *testing.T) {
	s, p, b := newStores(t)
	in := func(id, xks string) backend.CreateInput {
		return inStore("key-"+id+xks, backend.OriginExternalKeyStore, backend.CustomKeyStore{ID: id, XksKeyID: xks})
	}
	create(t, b, in(xksStore, "taken"))
	again := in(xksStore, "taken")
	again.Owner = owner("another")
	relatives := in(xksStore, "good")
	relatives.MultiRegion = true
	for _, c := range []struct {
		in           backend.CreateInput
		disconnected bool
		class        backend.Class
		says         string
	}{
		{in: in("cks-00000000000000000", "good"), class: backend.InvalidInput, says: sayNoStore},
		{in: in(xksStore, "good"), disconnected: true, class: backend.NotReady, says: sayDisconnected},
		{in: again, class: backend.InvalidInput, says: sayXksInUse},
		{in: in(xksStore, "rsa-1"), class: backend.InvalidInput, says: sayXksUnfit},
		{in: in(xksStore, "no-1"), class: backend.InvalidInput, says: sayNoXksKey},
		{in: relatives, class: backend.InvalidInput, says: "AWS says this."},
	} {
		s.disconnect(c.disconnected)
		_, err := b.Create(t.Context(), c.in)
		if backend.ClassOf(err) != c.class || err.Error() != "kms:CreateKey: "+c.says {
			t.Errorf("%s: %s: %v, want %s: %s", c.in.Store, backend.ClassOf(err), err, c.class, c.says)
		}
	}
	p.inject(fault{operation: "CreateKey", code: "CloudHsmClusterInvalidConfigurationException", status: http.StatusBadRequest})
	_, err := b.Create(t.Context(), inStore("cluster", backend.OriginCloudHSM, backend.CustomKeyStore{ID: hsmStore}))
	if backend.ClassOf(err) != backend.InvalidInput || err.Error() != "kms:CreateKey: "+sayClusterUnfit {
		t.Errorf("a cluster of one HSM: %v", err)
	}
}

func TestAKeyWhoseStoreDoesNotAnswerIsUnavailableUntilItDoes(t *testing.T) {
	s, p, b := newStores(t)
	in := inStore("key", backend.OriginCloudHSM, backend.CustomKeyStore{ID: hsmStore})
	id := create(t, b, in).ID
	heard := listen(t, b)
	s.disconnect(true)
	if err := b.Verify(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if names := heard.take(); len(names) != 1 {
		t.Errorf("its store is gone, and heard of %v", names)
	}
	// what does not need the store is done; that it is enabled does not make it usable
	after := apply(t, b, id, backend.SetDescription{To: "new"}, backend.PutAlias{Name: "alias/key"}, backend.Enable{})
	if after.State != backend.StateUnavailable || get(t, b, id).State != backend.StateUnavailable || after.Description != "new" {
		t.Errorf("it is %s, and then %s", after.State, get(t, b, id).State)
	}
	s.disconnect(false)
	if seen := get(t, b, id); seen.State != backend.StateEnabled {
		t.Errorf("its store answers again, and it is %s", seen.State)
	}
	if calls := p.counted(func() { get(t, b, id) }); total(calls) != 0 {
		t.Errorf("it is settled, and reading it takes %v", calls)
	}
	if at, err := b.ScheduleDeletion(t.Context(), id, 7); err != nil || at.Before(time.Now().Add(6*day)) {
		t.Errorf("to be deleted at %s, %v", at, err)
	}
}

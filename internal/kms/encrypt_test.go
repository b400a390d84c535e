// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/envelope"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
)

const symmetricAlgorithm = keyspec.AlgorithmSymmetricDefault

// usable looks a key up for use.
func usable(t *testing.T, service *kms.Service, keyID string) *kms.Key {
	t.Helper()
	key, err := service.Key(keyID)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestWhatWasEncryptedBeforeARotationStillDecrypts(t *testing.T) {
	service, h := newService(t)
	keyID := create(t, service, kms.CreateKeyInput{}).KeyID
	context := map[string]string{"tenant": "42"}
	var ciphertexts [][]byte
	materials := map[string]bool{}
	for range 4 {
		ciphertext, materialID, err := usable(t, service, keyID).Encrypt(symmetricAlgorithm, context, []byte("attack at dawn"))
		if err != nil {
			t.Fatal(err)
		}
		ciphertexts, materials[materialID] = append(ciphertexts, ciphertext), true
		update(t, service, keyID, kms.RotateKeyOnDemand())
		h.clock.Step(day)
	}
	if len(materials) != 4 {
		t.Errorf("%d materials encrypted", len(materials))
	}
	for i, ciphertext := range ciphertexts {
		plaintext, materialID, err := usable(t, service, keyID).Decrypt(t.Context(), symmetricAlgorithm, context, ciphertext)
		if err != nil || string(plaintext) != "attack at dawn" || !materials[materialID] {
			t.Errorf("generation %d: %q of %s, %v", i, plaintext, materialID, err)
		}
	}
}

// TestMaterialIsNotWipedWhileItIsUsed has a key destroyed while it encrypts. A ciphertext made with bytes that are being
// overwritten would not open with the key's material.
func TestMaterialIsNotWipedWhileItIsUsed(t *testing.T) {
	h := newHouse(t)
	service, ring, _ := h.open(t)
	key := usable(t, service, create(t, service, kms.CreateKeyInput{}).KeyID)
	current := key.Record().Current()
	var secret []byte
	if err := current.Bytes.Use(func(b []byte) error { secret = append(secret, b...); return nil }); err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	var made [][]byte
	var failed []error
	var working, started sync.WaitGroup
	for range 8 {
		started.Add(1)
		working.Go(func() {
			began := sync.OnceFunc(started.Done)
			for {
				ciphertext, _, err := key.Encrypt(symmetricAlgorithm, nil, []byte("attack at dawn"))
				began()
				mu.Lock()
				if err != nil {
					failed = append(failed, err)
					mu.Unlock()
					return
				}
				made = append(made, ciphertext)
				mu.Unlock()
			}
		})
	}
	started.Wait()
	if err := ring.DeleteKey(t.Context(), key.ID(), func(*keyring.KeyRecord) error { return nil }); err != nil {
		t.Fatal(err)
	}
	working.Wait()
	header := envelope.Header{KeyID: key.ID(), MaterialID: current.ID}
	opener, err := envelope.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, ciphertext := range made {
		if plaintext, err := opener.Open(header, nil, ciphertext); err != nil || string(plaintext) != "attack at dawn" {
			t.Fatalf("a ciphertext does not open: %v", err)
		}
	}
	for _, err := range failed {
		if !kms.HasCode(err, kms.KMSInvalidStateException) {
			t.Errorf("a key that is gone answers %v", err)
		}
	}
	if len(made) < 8 || len(failed) != 8 {
		t.Errorf("%d ciphertexts, %d refusals", len(made), len(failed))
	}
}

// A key whose public half were computed for each request would parse its private key each time, with hundreds of
// allocations; and for secp256k1 anybody could have an operation timed that does not take constant time.
func TestAPublicKeyIsComputedOnce(t *testing.T) {
	service, _ := newService(t)
	for _, spec := range []keyspec.Spec{keyspec.RSA2048, keyspec.ECCSECGP256K1, keyspec.MLDSA44} {
		key := usable(t, service, create(t, service, kms.CreateKeyInput{Spec: spec, Usage: keyspec.SignVerify}).KeyID)
		first, err := key.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		first[0] ^= 1 // it is the caller's own
		allocations := testing.AllocsPerRun(10, func() { _, err = key.PublicKey() })
		if err != nil || allocations > 6 {
			t.Errorf("%s: %v allocations, %v", spec, allocations, err)
		}
		again, err := service.GetPublicKey(t.Context(), key.ID())
		if first[0] ^= 1; err != nil || string(again) != string(first) {
			t.Errorf("%s: it is another one the second time: %v", spec, err)
		}
	}
}

func TestAKeyPairIsMadeOnlyOfASpecThatHasPairs(t *testing.T) {
	service, _ := newService(t)
	key := usable(t, service, create(t, service, kms.CreateKeyInput{}).KeyID)
	for _, spec := range []keyspec.Spec{"SM2", "", keyspec.SymmetricDefault, keyspec.HMAC256} {
		pair, err := key.GenerateDataKeyPair(t.Context(), spec, nil)
		if pair != nil || !kms.HasCode(err, kms.UnsupportedOperationException) {
			t.Errorf("%s: got %v", spec, err)
		}
	}
}

func TestAnErrorOfACiphertextSaysNothingMore(t *testing.T) {
	service, _ := newService(t)
	key := usable(t, service, create(t, service, kms.CreateKeyInput{}).KeyID)
	ciphertext, _, err := key.Encrypt(symmetricAlgorithm, nil, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	ciphertext[len(ciphertext)-1] ^= 1
	_, _, err = key.Decrypt(t.Context(), symmetricAlgorithm, nil, ciphertext)
	known, ok := errors.AsType[*kms.Error](err)
	if !ok || known.Code != kms.InvalidCiphertextException || known.Message != "" || known.Err != nil {
		t.Errorf("got %+v", err)
	}
}

// A process hears of another one's rotation a moment late, and its clients bring the new ciphertext at once. Ciphertexts
// that name material nobody has are easily made up, so the store is asked for one key once a second.
func TestCiphertextOfARotationThatTheWatchHasNotBroughtYetDecrypts(t *testing.T) {
	h := newHouse(t)
	var mu sync.Mutex
	gets := 0
	h.store.Before = func(op memstore.Op, _ string) error {
		mu.Lock()
		defer mu.Unlock()
		if op == memstore.OpGet {
			gets++
		}
		return nil
	}
	here, _, _ := h.open(t)
	keyID := create(t, here, kms.CreateKeyInput{}).KeyID
	there, _, deaf := h.open(t)
	deaf()
	update(t, here, keyID, kms.RotateKeyOnDemand())
	ciphertext, _, err := usable(t, here, keyID).Encrypt(symmetricAlgorithm, nil, []byte("attack at dawn"))
	if err != nil {
		t.Fatal(err)
	}
	plaintext, _, err := usable(t, there, keyID).Decrypt(t.Context(), symmetricAlgorithm, nil, ciphertext)
	if err != nil || string(plaintext) != "attack at dawn" {
		t.Errorf("got %q, %v", plaintext, err)
	}
	before := gets
	other, err := envelope.NewKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	madeUp, err := other.Seal(envelope.Header{KeyID: keyID, MaterialID: strings.Repeat("ab", 32)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Step(2 * time.Second)
	for range 10 {
		_, _, err := usable(t, there, keyID).Decrypt(t.Context(), symmetricAlgorithm, nil, madeUp)
		if !kms.HasCode(err, kms.InvalidCiphertextException) {
			t.Errorf("made-up material: got %v", err)
		}
	}
	if gets != before+1 {
		t.Errorf("the store was asked %d times", gets-before)
	}
}

// Many may bring the new ciphertext at once: one of them looks, and the others are not told meanwhile that it is no good.
func TestAllWhoBringCiphertextOfARotationThatIsNotKnownYetWaitForTheOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		here, _, _ := h.open(t)
		keyID := create(t, here, kms.CreateKeyInput{}).KeyID
		slow := &slowStore{Store: h.store, asked: make(chan struct{}, 8), answer: make(chan struct{})}
		there := slow.open(t, h)
		update(t, here, keyID, kms.RotateKeyOnDemand())
		ciphertext, _, err := usable(t, here, keyID).Encrypt(symmetricAlgorithm, nil, []byte("attack at dawn"))
		if err != nil {
			t.Fatal(err)
		}
		var running sync.WaitGroup
		decrypt := func(ctx context.Context) {
			key := usable(t, there, keyID)
			running.Go(func() {
				if _, _, err := key.Decrypt(ctx, symmetricAlgorithm, nil, ciphertext); err != nil && ctx.Err() == nil {
					t.Errorf("got %v", err)
				}
			})
		}
		first, leave := context.WithCancel(t.Context())
		decrypt(first)
		<-slow.asked
		leave() // whose request the look was
		for range 7 {
			decrypt(t.Context())
		}
		synctest.Wait() // until all wait
		close(slow.answer)
		running.Wait()
		if more := len(slow.asked); more != 0 {
			t.Errorf("the store was asked %d times more", more)
		}
	})
}

// slowStore reads a record when it is let, if whoever asked still waits.
type slowStore struct {
	*memstore.Store

	asked, answer chan struct{}
}

func (s *slowStore) Get(ctx context.Context, kind keyring.Kind, name string) (keyring.Item, error) {
	s.asked <- struct{}{}
	<-s.answer
	if ctx.Err() != nil {
		return keyring.Item{}, ctx.Err()
	}
	return s.Store.Get(ctx, kind, name)
}

// open is a process on the store that hears of no further change.
func (s *slowStore) open(t *testing.T, h *house) *kms.Service {
	t.Helper()
	ring := keyring.New(keyring.ID{AccountID: "123456789012", Region: "local"}, s, h.roots, keyring.Options{})
	keyringtest.Start(t, ring)()
	return kms.New(ring, h.clock, h.options)
}

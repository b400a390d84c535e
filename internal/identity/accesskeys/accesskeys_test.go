// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accesskeys_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/accesskeys"
)

func TestAnAccessKeyWorksFromItsSecretsApplyToItsDelete(t *testing.T) {
	f := newFixture(t)
	f.create(t, "before", "AKIABEFORE1234567890", secret, root)
	if _, err := f.Lookup(t.Context(), "AKIABEFORE1234567890", ""); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("before the Secrets were read: %v", err)
	}
	f.run(t)
	f.within(t, 0, "AKIABEFORE1234567890", nil)

	f.create(t, "alice", keyID, secret, "arn:aws:iam::111122223333:user/alice")
	got := f.within(t, soon, keyID, nil)
	if got.SecretAccessKey.Reveal() != secret || got.Caller.Type != identity.IAMUser || got.Caller.UserName != "alice" ||
		got.Caller.AccessKeyID != keyID || !got.Expires.IsZero() {
		t.Errorf("got %+v", got)
	}
	if _, err := f.Lookup(t.Context(), keyID, "token"); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("with a session token: %v", err)
	}
	f.delete(t, "alice")
	f.within(t, soon, keyID, identity.ErrUnknown)
}

func TestAChangedSecretIsWhatCounts(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret, root)
	f.within(t, soon, keyID, nil)
	made.Data["accessKeyID"] = []byte("AKIAOTHER12345678901")
	f.update(t, made)
	f.within(t, soon, "AKIAOTHER12345678901", nil)
	f.within(t, 0, keyID, identity.ErrUnknown)
}

func TestASecretThatLosesItsLabelIsNoAccessKeyAnyMore(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret, root)
	f.within(t, soon, keyID, nil)
	made.Labels[accesskeys.Label] = "false"
	f.update(t, made)
	f.within(t, soon, keyID, identity.ErrUnknown)
}

func TestSecretsElsewhereAreNoAccessKeys(t *testing.T) {
	f, elsewhere := newFixture(t), newFixture(t)
	f.run(t)
	elsewhere.create(t, "alice", keyID, secret, root)
	f.settle(t)
	f.within(t, 0, keyID, identity.ErrUnknown)
}

func TestAMalformedSecretIsLoggedOnceByNameFieldAndWayOut(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret+"\n", root)
	f.create(t, "bob", keyID, secret, secret) // the secret in the wrong field
	f.create(t, "carol", "short", secret, root)
	f.create(t, "dave", keyID, "short", root)
	f.settle(t)
	f.within(t, 0, keyID, identity.ErrUnknown)
	made.Annotations = map[string]string{"touched": "yes"}
	f.update(t, made)
	f.settle(t)
	f.network.Cut()
	f.network.Mend()
	f.reconnect(t)
	for _, want := range [][]string{
		{"alice", "secretAccessKey", "white space"}, {"bob", "principal", "write the ARN"},
		{"carol", "accessKeyID", "16 to 128"}, {"dave", "secretAccessKey", "16 to 128"},
	} {
		if lines := f.logged(append(want, "access key refused")...); len(lines) != 1 {
			t.Errorf("logged about %s: %q", want, lines)
		}
	}
	if lines := f.logged(secret); len(lines) > 0 {
		t.Errorf("logged the secret: %q", lines)
	}
}

func TestAMendedSecretIsUsedAndABrokenOneNoLonger(t *testing.T) {
	f := newFixture(t)
	f.run(t)
	made := f.create(t, "alice", keyID, secret, "nobody")
	f.settle(t)
	f.within(t, 0, keyID, identity.ErrUnknown)
	made.Data["principal"] = []byte(root)
	f.update(t, made)
	f.within(t, soon, keyID, nil)
	if lines := f.logged("access key accepted", "alice"); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
	fresh, err := f.client.CoreV1().Secrets(f.namespace).Get(t.Context(), "alice", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	delete(fresh.Data, "secretAccessKey")
	f.update(t, fresh)
	f.within(t, soon, keyID, identity.ErrUnknown)
	f.delete(t, "alice") // a broken one that goes away leaves nothing behind
	f.create(t, "alice", keyID, secret, root)
	f.within(t, soon, keyID, nil)
}

func TestTwoSecretsWithOneAccessKeyIDAreBothRefused(t *testing.T) {
	f := newFixture(t)
	f.create(t, "alice", keyID, secret, "arn:aws:iam::111122223333:user/alice")
	f.run(t)
	f.within(t, 0, keyID, nil)
	f.create(t, "mallory", keyID, secret+"2", root)
	f.within(t, soon, keyID, identity.ErrUnknown)
	_, err := f.Lookup(t.Context(), keyID, "")
	for _, name := range []string{"alice", "mallory"} {
		if lines := f.logged("access key refused", `"secret"="`+name+`"`, "delete one"); len(lines) != 1 {
			t.Errorf("logged about %s: %q", name, lines)
		}
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q does not name %s", err, name)
		}
	}
	if lines := f.logged(keyID); len(lines) > 0 {
		t.Errorf("logged the access key ID, which may be a secret in the wrong field: %q", lines)
	}
	f.delete(t, "mallory")
	if got := f.within(t, soon, keyID, nil); got.Caller.UserName != "alice" {
		t.Errorf("got %+v", got.Caller)
	}
	if lines := f.logged("access key accepted", "alice"); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
}

func TestAccessKeysGoOnWorkingWhileTheAPIServerIsAway(t *testing.T) {
	f := newFixture(t)
	f.create(t, "alice", keyID, secret, root)
	f.run(t)
	f.network.Cut()
	f.create(t, "bob", "AKIABOB1234567890123", secret, root)
	f.delete(t, "alice")
	for range 20 {
		f.within(t, 0, keyID, nil)
		time.Sleep(20 * time.Millisecond)
	}
	f.within(t, 0, "AKIABOB1234567890123", identity.ErrUnknown)
	f.network.Mend()
	f.within(t, soon, "AKIABOB1234567890123", nil)
	f.within(t, soon, keyID, identity.ErrUnknown) // the watch tells of one after the other
}

func TestManyCallersLookUpWhileSecretsChange(t *testing.T) {
	f := newFixture(t)
	f.create(t, "alice", keyID, secret, root)
	f.run(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := f.Lookup(t.Context(), keyID, ""); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		f.settle(t)
	}
	close(stop)
	wg.Wait()
}

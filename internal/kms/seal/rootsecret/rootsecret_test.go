// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package rootsecret_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootsecret"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

// later is after the making of any Secret here.
var later = time.Now().UTC().Truncate(time.Second).Add(time.Hour)

const name = "chatelaine-root-key"

func newSource(t *testing.T) *rootsecret.Source {
	t.Helper()
	client, err := kubernetes.NewForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	return &rootsecret.Source{
		Client: client, Namespace: env.Namespace(t), Name: name, Clock: clocktesting.NewFakePassiveClock(later),
	}
}

func records(exist bool) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return exist, nil }
}

func ensure(t *testing.T, source *rootsecret.Source) rootsecret.Content {
	t.Helper()
	content, err := source.Ensure(t.Context(), records(false))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func secretOf(t *testing.T, source *rootsecret.Source) *corev1.Secret {
	t.Helper()
	secret, err := source.Client.CoreV1().Secrets(source.Namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func put(t *testing.T, source *rootsecret.Source, data map[string][]byte) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
	if _, err := source.Client.CoreV1().Secrets(source.Namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

var place = seal.Binding{Account: "1", Region: "local", Kind: "key", Name: "x"}

// opens says that what one set sealed the other opens.
func opens(t *testing.T, sealer, opener seal.RootKeys) {
	t.Helper()
	sealed, err := sealer.Seal([]byte("record"), place)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opener.Open(sealed, place); err != nil {
		t.Error(err)
	}
}

func TestTheSecretIsMadeOnceAndReadAfterwards(t *testing.T) {
	source := newSource(t)
	made := ensure(t, source)
	if secret := secretOf(t, source); secret.Labels["kms.chatelaine.dev/root-key"] != "true" {
		t.Errorf("labels %v", secret.Labels)
	}
	read, err := source.Ensure(t.Context(), func(context.Context) (bool, error) {
		t.Error("records were looked for although there is a root key")
		return false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	opens(t, made.Keys, read.Keys)
	if !read.LastRotation.IsZero() {
		t.Errorf("a new root key was rotated at %s", read.LastRotation)
	}
}

func TestProcessesThatStartTogetherShareOneRootKey(t *testing.T) {
	source := newSource(t)
	contents := make([]rootsecret.Content, 8)
	var wg sync.WaitGroup
	for i := range contents {
		wg.Go(func() { contents[i] = ensure(t, source) })
	}
	wg.Wait()
	for _, content := range contents {
		opens(t, contents[0].Keys, content.Keys)
	}
}

func TestAMissingRootKeyIsNotReplacedWhileRecordsNeedIt(t *testing.T) {
	source := newSource(t)
	for attempt, try := range map[string]func() error{
		"ensure": func() error { _, err := source.Ensure(t.Context(), records(true)); return err },
		"load":   func() error { _, err := source.Load(t.Context()); return err },
		"rotate": func() error { _, err := source.Rotate(t.Context(), later); return err },
	} {
		err := try()
		if _, ok := errors.AsType[*rootsecret.MissingError](err); !ok {
			t.Fatalf("%s: got %v", attempt, err)
		}
		for _, part := range []string{source.Namespace + "/" + name, "backup"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %s", attempt, err, part)
			}
		}
	}
	errAway := errors.New("away")
	_, err := source.Ensure(t.Context(), func(context.Context) (bool, error) { return false, errAway })
	if !errors.Is(err, errAway) {
		t.Errorf("got %v", err)
	}
	if _, err := source.Load(t.Context()); err == nil {
		t.Error("a root key was made without knowing whether records exist")
	}
}

func TestASecretThatHoldsSomethingElseIsNeverOverwritten(t *testing.T) {
	good, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(map[string][]byte){
		"empty":         func(data map[string][]byte) { clear(data) },
		"foreign entry": func(data map[string][]byte) { data["password"] = []byte("hunter2") },
		"short key":     func(data map[string][]byte) { data["key-"+good.Current()] = []byte("short") },
		"no current":    func(data map[string][]byte) { delete(data, "current") },
	} {
		t.Run(what, func(t *testing.T) {
			source := newSource(t)
			data := good.Encode()
			spoil(data)
			put(t, source, data)
			before := secretOf(t, source)
			for _, err := range []error{
				func() error { _, err := source.Ensure(t.Context(), records(false)); return err }(),
				func() error { _, err := source.Rotate(t.Context(), later); return err }(),
			} {
				if _, ok := errors.AsType[*rootsecret.InvalidError](err); !ok {
					t.Fatalf("got %v", err)
				}
				if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), source.Namespace+"/"+name) {
					t.Errorf("the message is %q", err)
				}
			}
			if diff := cmp.Diff(before, secretOf(t, source)); diff != "" {
				t.Errorf("the Secret was changed:\n%s", diff)
			}
		})
	}
}

func TestRotatingAddsACurrentRootKeyAndKeepsTheOlder(t *testing.T) {
	source := newSource(t)
	before := ensure(t, source)
	data := secretOf(t, source).Data
	after, err := source.Rotate(t.Context(), later)
	if err != nil {
		t.Fatal(err)
	}
	if after.Keys.Current() == before.Keys.Current() || len(after.Keys.IDs()) != 2 || !after.LastRotation.Equal(later) {
		t.Errorf("after %v, at %s", after.Keys, after.LastRotation)
	}
	opens(t, before.Keys, after.Keys)
	entry := "key-" + before.Keys.Current()
	if !slices.Equal(secretOf(t, source).Data[entry], data[entry]) {
		t.Error("the older root key was changed")
	}
	read, err := source.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opens(t, after.Keys, read.Keys)
	if !read.LastRotation.Equal(after.LastRotation) || read.Keys.Current() != after.Keys.Current() {
		t.Errorf("read %v at %s, wrote %v at %s", read.Keys, read.LastRotation, after.Keys, after.LastRotation)
	}
}

func TestARequestRotatesOnceAndALaterOneAgain(t *testing.T) {
	source := newSource(t)
	made := ensure(t, source)
	count := func(requestedAt time.Time) int {
		t.Helper()
		content, err := source.Rotate(t.Context(), requestedAt)
		if err != nil {
			t.Fatal(err)
		}
		return len(content.Keys.IDs())
	}
	if n := count(secretOf(t, source).CreationTimestamp.Time); n != 1 {
		t.Errorf("a request not after the making of the Secret: %d root keys", n)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _, _ = source.Rotate(t.Context(), later) })
	}
	wg.Wait()
	if n := count(later); n != 2 {
		t.Errorf("one request made five times: %d root keys", n)
	}
	if n := count(later.Add(-time.Minute)); n != 2 {
		t.Errorf("an older request: %d root keys", n)
	}
	// The clock of the rotation may be behind that of the request.
	source.Clock = clocktesting.NewFakePassiveClock(later.Add(-30 * time.Second))
	for range 2 {
		if n := count(later.Add(time.Second)); n != 3 {
			t.Errorf("a later request: %d root keys", n)
		}
	}
	content, err := source.Load(t.Context())
	if err != nil || !content.Keys.Has(made.Keys.Current()) {
		t.Errorf("the first root key is gone: %v, %v", content, err)
	}
}

func TestAMismatchNamesWhatIsNeededAndWhatIsThere(t *testing.T) {
	err := &rootsecret.MismatchError{Namespace: "ns", Name: "root", Need: []string{"aaaa"}, Have: []string{"bbbb", "cccc"}}
	want := "key records are sealed under root key aaaa, which Secret ns/root lacks (it has bbbb, cccc); " +
		"restore the Secret, or its entry key-aaaa, from a backup"
	if err.Error() != want {
		t.Errorf("\n got %s\nwant %s", err, want)
	}
}

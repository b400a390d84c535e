// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	namespace = "operator"
	accountID = "111122223333"
	region    = "eu-central-1"
)

// standIn says who the caller is, and that there are no keys.
type standIn struct {
	*httptest.Server
	account  atomic.Value
	silent   atomic.Bool
	listings atomic.Int32
	aliases  atomic.Int32
}

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	s := &standIn{}
	s.account.Store(accountID)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case s.silent.Load():
		<-r.Context().Done()
	case strings.Contains(string(body), "GetCallerIdentity"):
		fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:root</Arn><Account>%[1]s</Account>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`, s.account.Load())
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeKey"):
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type": "NotFoundException", "message": "there is none"}`)
	default:
		s.listings.Add(1)
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListAliases") {
			s.aliases.Add(1)
		}
		fmt.Fprint(w, `{"Keys": [], "Aliases": []}`)
	}
}

// rig is Accounts over a stand-in, and the Secrets that they read.
type rig struct {
	*Accounts
	aws     *standIn
	secrets *fake.Clientset
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{aws: newStandIn(t), secrets: fake.NewClientset()}
	r.Accounts = New(Options{
		Client: r.secrets, Namespace: namespace, ClusterUID: "cluster", Clock: clock.RealClock{},
		Workers: workers, SweepInterval: 20 * time.Millisecond, Log: logr.Discard(), Recheck: func(string) {},
	})
	r.put(t, "AKIAFIRST")
	return r
}

// put writes the Secret with the access key.
func (r *rig) put(t *testing.T, accessKeyID string) {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "aws"},
		Data:       map[string][]byte{"accessKeyID": []byte(accessKeyID), "secretAccessKey": []byte("secret")},
	}
	_ = r.secrets.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), namespace, "aws")
	if err := r.secrets.Tracker().Add(secret); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) object(name string) *v1alpha1.KMSBackend {
	return &v1alpha1.KMSBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)},
		Spec: v1alpha1.KMSBackendSpec{AWS: &v1alpha1.AWSBackend{
			Region: region, Endpoint: r.aws.URL, CredentialsSecretRef: &v1alpha1.SecretReference{Name: "aws"},
		}},
	}
}

func (r *rig) mustOpen(t *testing.T, object *v1alpha1.KMSBackend) backend.Backend {
	t.Helper()
	opened, err := r.Open(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestABackendStaysTheSameUntilItsSpecOrItsSecretMeansSomethingElse(t *testing.T) {
	r := newRig(t)
	object := r.object("a")
	first := r.mustOpen(t, object)
	object.Spec.Adoption, object.Generation = v1alpha1.AdoptionAny, 2
	r.put(t, "AKIAFIRST")
	if r.mustOpen(t, object) != first {
		t.Error("nothing that matters changed, and it is another backend")
	}
	r.put(t, "AKIASECOND")
	second := r.mustOpen(t, object)
	if second == first {
		t.Error("the access key changed, and it is the same backend")
	}
	object.Spec.AWS.Endpoint = newStandIn(t).URL
	third := r.mustOpen(t, object)
	if third == second {
		t.Error("the endpoint changed, and it is the same backend")
	}
	object.UID = "another one of that name"
	if r.mustOpen(t, object) == third {
		t.Error("the KMSBackend was made anew, and it is the same backend")
	}
}

// readAliases has the backend know all aliases, and returns how often they were read for that.
func (r *rig) readAliases(t *testing.T, b backend.Backend) int32 {
	t.Helper()
	before := r.aws.aliases.Load()
	if _, err := b.Get(t.Context(), "alias/none"); !backend.IsNotFound(err) {
		t.Fatal(err)
	}
	return r.aws.aliases.Load() - before
}

func TestWithOtherCredentialsABackendKnowsWhatItKnew(t *testing.T) {
	r := newRig(t)
	object := r.object("a")
	first := r.mustOpen(t, object)
	if reads := r.readAliases(t, first); reads != 1 {
		t.Errorf("aliases were read %d times at first", reads)
	}
	r.put(t, "AKIASECOND")
	second := r.mustOpen(t, object)
	if reads := r.readAliases(t, second); second == first || reads != 0 {
		t.Errorf("aliases were read %d times with another access key", reads)
	}
	if err := r.secrets.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), namespace, "aws"); err != nil {
		t.Fatal(err)
	}
	if opened, err := r.Open(t.Context(), object); opened != nil || err == nil {
		t.Errorf("without its Secret: %v, %v", opened, err)
	}
	r.put(t, "AKIATHIRD")
	if reads := r.readAliases(t, r.mustOpen(t, object)); reads != 0 {
		t.Errorf("aliases were read %d times after the Secret was away", reads)
	}
	object.Spec.AWS.Endpoint = newStandIn(t).URL
	r.mustOpen(t, object)
	object.Spec.AWS.Endpoint = r.aws.URL
	if reads := r.readAliases(t, r.mustOpen(t, object)); reads != 1 {
		t.Errorf("aliases were read %d times after another endpoint", reads)
	}
}

func TestVerbsOfTheCredentialsBeforeAreBrokenOffWithTheOthers(t *testing.T) {
	r := newRig(t)
	first := r.mustOpen(t, r.object("a"))
	r.readAliases(t, first)
	begun, ended := make(chan struct{}), make(chan error)
	go func() {
		_, err := guard(context.Background(), r.Accounts.open["a"].get().health, func(ctx context.Context) (string, error) {
			close(begun)
			<-ctx.Done()
			return "", ctx.Err()
		})
		ended <- err
	}()
	<-begun
	r.put(t, "AKIASECOND")
	r.mustOpen(t, r.object("a"))
	r.Accounts.open["a"].get().health.breakOff(errSilent)
	if err := <-ended; !errors.Is(err, errSilent) {
		t.Errorf("the verb ended with %v", err)
	}
}

func TestKMSBackendsOfOneAccountShareNothing(t *testing.T) {
	r := newRig(t)
	first, second := r.mustOpen(t, r.object("a")), r.mustOpen(t, r.object("b"))
	if first == second {
		t.Error("two KMSBackends have one backend")
	}
	r.Close("a")
	if r.mustOpen(t, r.object("b")) != second {
		t.Error("closing one closed the other")
	}
	if r.mustOpen(t, r.object("a")) == first {
		t.Error("what was closed is still there")
	}
}

func TestWhileTheAPIServerIsAwayWhatIsOpenStaysOpen(t *testing.T) {
	r := newRig(t)
	first := r.mustOpen(t, r.object("a"))
	r.secrets.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("the API server is away")
	})
	if r.mustOpen(t, r.object("a")) != first {
		t.Error("the Secret cannot be read, and it is another backend")
	}
	if _, err := r.Open(t.Context(), r.object("b")); backend.ClassOf(err) != backend.Unavailable {
		t.Errorf("opened without its Secret: %v", err)
	}
}

func TestWhatDoesNotLeadHomeIsNotUsed(t *testing.T) {
	r := newRig(t)
	object := r.object("a")
	first := r.mustOpen(t, object)
	r.aws.account.Store("444455556666")
	r.put(t, "AKIASECOND")
	for _, know := range []string{"", accountID} { // the status may not have been written, or read, yet
		object.Status.AccountID = know
		opened, err := r.Open(t.Context(), object)
		if opened != first || reasonOf(err) != v1alpha1.ReasonAccountChanged {
			t.Errorf("status.accountID %q: %v", know, err)
		}
	}
	afterRestart := r.object("b")
	afterRestart.Status.AccountID = accountID
	if opened, err := r.Open(t.Context(), afterRestart); opened != nil || reasonOf(err) != v1alpha1.ReasonAccountChanged {
		t.Errorf("after a restart: %v, %v", opened, err)
	}
	afterRestart.Status = v1alpha1.KMSBackendStatus{AccountID: "444455556666", Region: "eu-west-1"}
	if opened, err := r.Open(t.Context(), afterRestart); opened != nil || reasonOf(err) != v1alpha1.ReasonAccountChanged {
		t.Errorf("in another Region: %v, %v", opened, err)
	}
}

func reasonOf(err error) string {
	if classified, ok := errors.AsType[*backend.Error](err); ok {
		return classified.Reason
	}
	return ""
}

func TestABackendThatDoesNotAnswerKeepsWhatItKnowsUntilItDoes(t *testing.T) {
	r := newRig(t)
	first := r.mustOpen(t, r.object("a"))
	r.aws.silent.Store(true)
	r.Accounts.open["a"].get().health.doubt()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if opened, err := r.Open(ctx, r.object("a")); opened != nil || backend.ClassOf(err) != backend.Unavailable {
		t.Errorf("silent: %v, %v", opened, err)
	}
	r.aws.silent.Store(false)
	if r.mustOpen(t, r.object("a")) != first {
		t.Error("it answers again, and it is another backend")
	}
}

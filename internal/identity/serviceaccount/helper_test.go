// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount_test

import (
	"errors"
	"os"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{WithoutCRDs: true})) }

var (
	webIdentity = []string{serviceaccount.AudienceWebIdentity}
	both        = []string{serviceaccount.AudienceWebIdentity, serviceaccount.AudienceContainerCredentials}
)

// slow is longer than the API server remembers that a token was good.
const slow = 30 * time.Second

func newReviewer(t *testing.T, config *rest.Config, c clock.PassiveClock) *serviceaccount.Reviewer {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return serviceaccount.NewReviewer(client, c)
}

// workload is a ServiceAccount "api" with a Pod "api-0" in a namespace of its own.
type workload struct {
	client  kubernetes.Interface
	account *corev1.ServiceAccount
	pod     *corev1.Pod
}

func newWorkload(t *testing.T) *workload {
	t.Helper()
	client, err := kubernetes.NewForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	w := &workload{client: client}
	namespace := env.Namespace(t)
	w.account, err = client.CoreV1().ServiceAccounts(namespace).Create(t.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "api"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.pod, err = client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "api-0"},
		Spec: corev1.PodSpec{
			ServiceAccountName: "api", Containers: []corev1.Container{{Name: "api", Image: "example.com/api"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// token asks the API server for one as the kubelet does for a projected volume: bound to the Pod.
func (w *workload) token(t *testing.T, audiences ...string) string {
	t.Helper()
	return w.request(t, &authenticationv1.BoundObjectReference{
		APIVersion: "v1", Kind: "Pod", Name: w.pod.Name, UID: w.pod.UID,
	}, audiences)
}

func (w *workload) request(t *testing.T, bound *authenticationv1.BoundObjectReference, audiences []string) string {
	t.Helper()
	request, err := w.client.CoreV1().ServiceAccounts(w.account.Namespace).CreateToken(t.Context(), w.account.Name,
		&authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{Audiences: audiences, BoundObjectRef: bound},
		}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// refused waits until the token is refused for the reason.
func refused(t *testing.T, reviewer *serviceaccount.Reviewer, token string, want error) {
	t.Helper()
	deadline := time.Now().Add(slow)
	for {
		_, err := reviewer.Review(t.Context(), token, webIdentity)
		if errors.Is(err, want) {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("after %s: %v, want %v", slow, err, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

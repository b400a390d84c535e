// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceaccount_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func TestATokenOfAPodProvesItsServiceAccountAndPod(t *testing.T) {
	w := newWorkload(t)
	reviewer := newReviewer(t, env.Config, clock.RealClock{})
	before := time.Now()
	got, err := reviewer.Review(t.Context(), w.token(t, "vault", serviceaccount.AudienceContainerCredentials), both)
	if err != nil {
		t.Fatal(err)
	}
	if lifetime := got.Expires.Sub(before); lifetime < 50*time.Minute || lifetime > 70*time.Minute {
		t.Errorf("the token expires in %s, an hour was the default", lifetime)
	}
	if !strings.HasPrefix(got.Issuer, "https://") {
		t.Errorf("issuer %q", got.Issuer)
	}
	got.Expires, got.Issuer = time.Time{}, ""
	want := serviceaccount.Identity{
		ServiceAccount: identity.ServiceAccount{
			Namespace: w.account.Namespace, Name: "api", UID: string(w.account.UID),
			PodName: "api-0", PodUID: string(w.pod.UID),
		},
		Subject:  "system:serviceaccount:" + w.account.Namespace + ":api",
		Audience: serviceaccount.AudienceContainerCredentials,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATokenThatIsBoundToNothingButItsExpiryIsGood(t *testing.T) {
	w := newWorkload(t)
	got, err := newReviewer(t, env.Config, clock.RealClock{}).Review(t.Context(), w.request(t, nil, webIdentity), webIdentity)
	if err != nil || got.Name != "api" || got.PodName != "" || got.PodUID != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestATokenForSomebodyElseIsRefusedAsSuch(t *testing.T) {
	w := newWorkload(t)
	reviewer := newReviewer(t, env.Config, clock.RealClock{})
	for what, token := range map[string]string{
		"another audience":              w.token(t, "vault"),
		"the other form's audience":     w.token(t, serviceaccount.AudienceContainerCredentials),
		"the API server's own audience": w.token(t), // a pod's default token
	} {
		_, err := reviewer.Review(t.Context(), token, webIdentity)
		if !errors.Is(err, serviceaccount.ErrAudience) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := reviewer.Review(t.Context(), token, nil); !errors.Is(err, serviceaccount.ErrAudience) {
			t.Errorf("%s, no audience asked for: %v", what, err)
		}
	}
}

func TestATokenOfADeletedServiceAccountIsRefused(t *testing.T) {
	w := newWorkload(t)
	reviewer := newReviewer(t, env.Config, clock.RealClock{})
	known, unknown := w.token(t, webIdentity...), w.request(t, nil, webIdentity)
	if _, err := reviewer.Review(t.Context(), known, webIdentity); err != nil {
		t.Fatal(err)
	}
	err := w.client.CoreV1().ServiceAccounts(w.account.Namespace).Delete(t.Context(), "api", metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, reviewer, unknown, serviceaccount.ErrInvalid)
	refused(t, reviewer, known, serviceaccount.ErrInvalid)

	// Another one of the same name has another UID.
	_, err = w.client.CoreV1().ServiceAccounts(w.account.Namespace).Create(t.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "api"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reviewer.Review(t.Context(), unknown, webIdentity); !errors.Is(err, serviceaccount.ErrInvalid) {
		t.Errorf("the token of its predecessor: %v", err)
	}
}

func TestATokenOfADeletedPodIsRefused(t *testing.T) {
	w := newWorkload(t)
	reviewer := newReviewer(t, env.Config, clock.RealClock{})
	token, unbound := w.token(t, webIdentity...), w.request(t, nil, webIdentity)
	now := int64(0)
	err := w.client.CoreV1().Pods(w.pod.Namespace).Delete(t.Context(), w.pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, reviewer, token, serviceaccount.ErrInvalid)
	if _, err := reviewer.Review(t.Context(), unbound, webIdentity); err != nil {
		t.Errorf("a token that is not bound to the Pod: %v", err)
	}
}

func TestAnAlteredTokenIsRefusedAndNotShown(t *testing.T) {
	w := newWorkload(t)
	reviewer := newReviewer(t, env.Config, clock.RealClock{})
	parts := strings.Split(w.token(t, webIdentity...), ".")
	other := strings.Split(newWorkload(t).token(t, webIdentity...), ".")
	for what, token := range map[string]string{
		"another's claims":    parts[0] + "." + other[1] + "." + parts[2],
		"another's signature": parts[0] + "." + parts[1] + "." + other[2],
		"no signature":        parts[0] + "." + parts[1] + ".",
		"algorithm none":      "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"two parts":           parts[0] + "." + parts[1],
		"no token":            "hunter2",
	} {
		_, err := reviewer.Review(t.Context(), token, webIdentity)
		if !errors.Is(err, serviceaccount.ErrInvalid) {
			t.Fatalf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), parts[1]) || strings.Contains(err.Error(), other[1]) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows it: %v", what, err)
		}
	}
}

// An expired one can't be had from the API server, whose tokens last ten minutes at least; but one that is refused and whose
// time is over has expired, whatever else there is to it.
func TestARefusedTokenWhoseTimeIsOverHasExpired(t *testing.T) {
	w := newWorkload(t)
	reviewer := newReviewer(t, env.Config, clocktesting.NewFakePassiveClock(time.Now().Add(2*time.Hour)))
	token := w.token(t, "vault")
	if _, err := reviewer.Review(t.Context(), token, webIdentity); !errors.Is(err, serviceaccount.ErrExpired) {
		t.Errorf("got %v", err)
	}
}

func TestAnAPIServerThatCannotBeAskedIsNoRefusal(t *testing.T) {
	w := newWorkload(t)
	token := w.token(t, webIdentity...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	nobody := rest.CopyConfig(env.Config)
	nobody.Host, nobody.Timeout = "https://"+listener.Addr().String(), 300*time.Millisecond // which never answers
	forbidden, err := env.ConfigFor(t.Context(), types.NamespacedName{Namespace: w.account.Namespace, Name: "api"})
	if err != nil {
		t.Fatal(err)
	}
	for what, config := range map[string]*rest.Config{"away": nobody, "forbidden": forbidden} {
		_, err := newReviewer(t, config, clock.RealClock{}).Review(t.Context(), token, webIdentity)
		if !errors.Is(err, serviceaccount.ErrUnavailable) || errors.Is(err, serviceaccount.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
		if strings.Contains(err.Error(), token) {
			t.Errorf("%s: the error shows the token", what)
		}
	}
}

// A failure here says that what config/rbac has to give is not what the package's comment says.
func TestCreatingTokenReviewsIsAllThatAReviewerNeeds(t *testing.T) {
	w := newWorkload(t)
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: w.account.Namespace},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{authenticationv1.GroupName}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"},
		}},
	}
	account := types.NamespacedName{Namespace: w.account.Namespace, Name: "api"}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.account.Namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: account.Namespace, Name: account.Name}},
	}
	if err := errors.Join(env.Client.Create(t.Context(), role), env.Client.Create(t.Context(), binding)); err != nil {
		t.Fatal(err)
	}
	config, err := env.ConfigFor(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	err = env.WaitAllowed(t.Context(), testenv.Access{
		User: testenv.UserName(account), Verb: "create", Resource: "tokenreviews." + authenticationv1.GroupName,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newReviewer(t, config, clock.RealClock{}).Review(t.Context(), w.token(t, webIdentity...), webIdentity); err != nil {
		t.Error(err)
	}
}

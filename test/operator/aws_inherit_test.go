// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
)

func TestARotatedAccessKeyReadsNoKeyAnew(t *testing.T) {
	w := newAWSWorldWith(t, nil, func(o *manager.Options) { o.SweepInterval = time.Hour })
	account := newAWSAccount(t, firstAccount)
	first, second := account.accessKey(t, "root"), account.accessKey(t, "root")
	secret := w.credentials(first)
	on := w.on(w.awsBackend(account.in(secret)))
	keys := make([]*v1alpha1.Key, 20)
	for i := range keys {
		keys[i] = on.key(fmt.Sprintf("key-%d", i), func(s *v1alpha1.KeySpec) { s.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)} })
	}
	on.awaitReady(keys)
	w.change(secret, second.fill)
	on.awaitWritesWith(account, second, keys[0])
	for i, key := range keys[1:] {
		on.describeKey(key, fmt.Sprintf("key %d with the second access key", i))
	}
	if got, want := account.requestsOf(second), len(keys)+2; got != want {
		t.Errorf("%d requests for two that say who the operator is and one for each of %d keys: %v", got, len(keys), account.actionsOf(second))
	}
}

// as stands before an account and says that who signs with one of the access keys is the user of that name.
func (a *awsAccount) as(t *testing.T, users map[string]string) string {
	t.Helper()
	target, err := url.Parse(a.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	onward := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for accessKeyID, user := range users {
			if r.Header.Get("X-Amz-Target") == "" && strings.Contains(r.Header.Get("Authorization"), accessKeyID) {
				fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/%s</Arn><Account>%[1]s</Account>`+
					`</GetCallerIdentityResult></GetCallerIdentityResponse>`, a.id, user)
				return
			}
		}
		onward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnotherPrincipalIsWrittenIntoPoliciesWithoutReadingThem(t *testing.T) {
	w := newAWSWorldWith(t, nil, func(o *manager.Options) { o.SweepInterval = time.Hour })
	account := newAWSAccount(t, firstAccount)
	first, second := account.accessKey(t, "root"), account.accessKey(t, "root")
	secret := w.credentials(first)
	spec := account.in(secret)
	spec.Endpoint = account.as(t, map[string]string{first.id: "first", second.id: "second"})
	on := w.on(w.awsBackend(spec))
	on.workload("arn:aws:iam::" + firstAccount + ":role/orders")
	key := on.applyOrders()
	somebody := account.kms(account.accessKey(t, "root"))
	names := func(user string) {
		t.Helper()
		on.awaitCode("the policy names the user "+user, "", func() string {
			out, err := somebody.GetKeyPolicy(on.ctx, &awskms.GetKeyPolicyInput{KeyId: &key.Status.KeyID})
			if err != nil {
				return code(err)
			}
			if !strings.Contains(*out.Policy, "arn:aws:iam::"+firstAccount+":user/"+user) {
				return *out.Policy
			}
			return ""
		})
	}
	names("first")
	w.change(secret, second.fill)
	names("second")
	on.await(func() (bool, string) {
		status := on.getBackend().Status
		return status.CallerARN == "arn:aws:iam::"+firstAccount+":user/second", "the second user in the KMSBackend's status; it has " + status.CallerARN
	})
	actions := account.actionsOf(second)
	for action := range actions {
		if strings.HasPrefix(action, "kms:Get") || action == "kms:DescribeKey" || action == "kms:ListResourceTags" {
			t.Errorf("the second user called %s", action)
		}
	}
	if !actions["kms:PutKeyPolicy"] {
		t.Errorf("the second user called %v", actions)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/manager"
)

// readQuotas are AWS's, in requests per second, for what a restarted operator may call.
var readQuotas = map[string]int{
	"DescribeKey": 2000, "GetCallerIdentity": 50, "GetKeyPolicy": 1000, "GetKeyRotationStatus": 1000, "GetResources": 10,
	"ListAliases": 500, "ListKeyRotations": 100, "ListKeys": 500,
}

// TestARestartedOperatorReadsEachKeyOnceWritesNothingAndStaysUnderEveryQuota has an operator make Keys at what stands for AWS, and
// starts another one, with AWS's default quotas, in its place.
func TestARestartedOperatorReadsEachKeyOnceWritesNothingAndStaysUnderEveryQuota(t *testing.T) {
	const keys = 200
	adopt(t, nil)
	there := awstest.NewAccount(t, awstest.Options{Tagging: true})
	calls := awstest.NewCounter(there)
	server := httptest.NewServer(calls)
	t.Cleanup(server.Close)
	w := &awsWorld{world: emptyWorld(t, quietServer(t), nil)}
	on := w.on(w.awsBackend(v1alpha1.AWSBackend{
		Region: awstest.Region, Endpoint: server.URL,
		CredentialsSecretRef: &v1alpha1.SecretReference{
			Name: w.credentials(accessKey{id: awstest.AccessKeyID, secret: awstest.SecretAccessKey}).Name,
		},
	}))
	begun := w.mark()
	stop := w.operate(map[string]float64{"CreateKey": 1e6, "CreateAlias": 1e6, "EnableKeyRotation": 1e6})
	on.manyOnAWS(keys)
	w.awaitQuiet(2)
	stop()

	if made := w.writesSince(begun); len(made) < 2*keys {
		t.Fatalf("%d writes are seen of those that made %d Keys: %v", len(made), keys, made.Counts())
	}
	mark := w.mark()
	reads := calls.Counted(func() {
		before := calls.Counts()["GetKeyPolicy"] // the last thing that is read of a key
		stop = w.operate(nil)
		w.await(func() (bool, string) {
			read := calls.Counts()["GetKeyPolicy"] - before
			return read >= keys, fmt.Sprintf("the policies of %d keys read; %d are", keys, read)
		})
		time.Sleep(time.Second) // for what is written late
		stop()
	})
	if writes := w.writesSince(mark); len(writes) > 0 {
		t.Errorf("%d writes, though nothing changed: %v", len(writes), writes.Counts())
	}
	t.Logf("%d keys: %.3f calls each: %v", keys, float64(reads.Total())/keys, reads)
	for operation, count := range reads {
		quota, known := readQuotas[operation]
		switch {
		case !known:
			t.Errorf("%s was called %d times, which does not look at keys that are as declared", operation, count)
		case count > keys:
			t.Errorf("%s was called %d times for %d keys", operation, count, keys)
		}
		// So many requests may be on their way when a second begins.
		if most := calls.Most(operation, time.Second); known && most > quota+manager.Defaults().Workers {
			t.Errorf("%s was called %d times within a second, and %d are allowed", operation, most, quota)
		}
	}
	if reads.Total() > keys*4+keys/10 {
		t.Errorf("%d calls for %d keys: %v", reads.Total(), keys, reads)
	}
}

// operate runs the operator with such quotas of AWS, or its defaults, until stop is called.
func (w *awsWorld) operate(quotas map[string]float64) (stop func()) {
	w.t.Helper()
	config, err := w.env.ConfigFor(w.ctx, managerAccount)
	if err != nil {
		w.t.Fatal(err)
	}
	config.QPS = -1
	options := manager.Defaults()
	options.MetricsAddress, options.ProbeAddress, options.KMSAddress = "0", "0", "0"
	options.AWSQuotas = quotas
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Run(ctx, config, options) }()
	return func() {
		cancel()
		if err := <-stopped; err != nil {
			w.t.Errorf("the operator ended with: %v", err)
		}
	}
}

// manyOnAWS makes Keys with all that takes a call of its own, and waits until all that is to be told of them is.
func (w *world) manyOnAWS(count int) {
	w.t.Helper()
	users := &v1alpha1.KeyPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "users"},
		Spec: v1alpha1.KeyPolicySpec{
			Targets: []v1alpha1.KeyPolicyTarget{{Selector: &metav1.LabelSelector{}}},
			Rules: []v1alpha1.KeyPolicyRule{{
				Sid: "Use", Permissions: []v1alpha1.Permission{v1alpha1.PermissionUse},
				Principals: []v1alpha1.KeyPolicyPrincipal{{AWS: "arn:aws:iam::" + awstest.AccountID + ":role/orders"}},
			}},
		},
	}
	w.create(users)
	keys := make([]*v1alpha1.Key, 0, count)
	for i := range count {
		keys = append(keys, w.key(fmt.Sprintf("key-%d", i), func(s *v1alpha1.KeySpec) {
			rotating(s)
			s.Aliases = []string{fmt.Sprintf("alias/%s/%d", w.namespace, i)}
			s.Tags = map[string]v1alpha1.TagValue{"team": "payments"}
		}))
	}
	w.awaitReady(keys)
	w.awaitAvailable()
	wantCounts(w.t, w.awaitPolicy(users, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady), int32(count), int32(count))
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// A Service sends clients to a pod from the moment on that it is ready: from then on nobody may be turned away.
func TestReplicaIsReadyWhenEveryKeyCallerAndTokenIsServed(t *testing.T) {
	w := emptyWorld(t, quietServer(t), nil)
	r := w.serve()
	person := w.person(w.arn("root"))
	role, token := w.serviceAccount("orders")
	adopt(t, map[string]string{"AWS_CA_BUNDLE": w.caBundle()})
	w.awaitCode("the access key works", w.arn("root"), func() string { return w.whoIs(r.sts(person.provider())) })
	session := r.login(token, role)
	keys := map[string]string{w.backend.Name: w.readyKey("orders", nil).Status.KeyID} // by Region
	for _, regions := range []int{1, 20} {
		for len(keys) < regions {
			more := emptyWorld(t, w.env, nil)
			keys[more.backend.Name] = more.readyKey("orders", nil).Status.KeyID
		}
		r.kill()
		for seen, starts := 0, 0; seen < 3; starts++ {
			if starts == 10 {
				t.Fatalf("of %d operators %d were seen unready before they were ready, so this shows nothing", starts, seen)
			}
			r = w.launch()
			if w.seenUnready(r) {
				seen++
			}
			for name, err := range w.ask(r, keys, person.provider(), session) {
				t.Errorf("with %d Regions, the first request %s: %v", regions, name, err)
			}
			r.kill()
		}
		r = w.serve()
	}
}

// seenUnready waits until the replica is ready, and says whether it was seen before it was.
func (w *world) seenUnready(r *replica) bool {
	w.t.Helper()
	polls := 0
	w.await(func() (bool, string) {
		polls++
		return r.ready(), "the operator ready"
	})
	return polls > 1
}

// ask sends all requests at once, over connections of their own, and returns the errors.
func (w *world) ask(r *replica, keys map[string]string, person, session aws.CredentialsProvider) map[string]error {
	w.t.Helper()
	sdk := w.sdk()
	requests := map[string]func() error{}
	for region, keyID := range keys {
		requests["in Region "+region] = func() error {
			kms := awskms.New(awskms.Options{
				BaseEndpoint: &r.http, Region: region, Credentials: person, Retryer: aws.NopRetryer{}, HTTPClient: awshttp.NewBuildableClient(),
			})
			_, err := kms.Encrypt(w.ctx, &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("x")})
			return err
		}
	}
	requests["of a session, over HTTPS"] = func() error {
		client := sts.New(sts.Options{
			BaseEndpoint: &r.https, Region: w.backend.Name, Credentials: session, Retryer: aws.NopRetryer{}, HTTPClient: sdk.HTTPClient,
		})
		_, err := client.GetCallerIdentity(w.ctx, &sts.GetCallerIdentityInput{})
		return err
	}
	var mu sync.Mutex
	failed := map[string]error{}
	var asked sync.WaitGroup
	for name, request := range requests {
		asked.Go(func() {
			if err := request(); err != nil {
				mu.Lock()
				failed[name] = err
				mu.Unlock()
			}
		})
	}
	asked.Wait()
	return failed
}

func TestKeyringThatCannotBeOpenedKeepsNoReplicaFromBeingReady(t *testing.T) {
	w := emptyWorld(t, env, ownRootKey)
	r := w.serve()
	key := w.readyKey("orders", nil)
	person := w.person(w.arn("root"))
	r.kill()
	root := w.takeAway(w.rootKeySecret())

	again := w.serve()
	w.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonRootKeyMissing)
	kms := again.kms(person.provider())
	// Its keys exist, and are not there: an error that clients try again, and not one that makes them give up.
	if got := w.roundTrip(kms, key.Status.KeyID); got != "DependencyTimeoutException" {
		t.Errorf("in a Region without its root key: %s", got)
	}
	w.create(root)
	w.awaitCode("with its root key again, the Region is served", "", func() string { return w.roundTrip(kms, key.Status.KeyID) })
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const (
	// outage is longer than the Lease of election, twice, so that no replica leads.
	outage = 7 * time.Second
	// soon is how long a client may wait to hear that something can't be done now: a write, with all that it waits for, is
	// given up after 5 seconds, and what became of it is asked for at most as long. The rest is for a machine that stands
	// still for a moment; package keyring's tests hold writers to the second.
	soon = 15 * time.Second
)

// branch is a replica with those who call it.
type branch struct {
	*replica
	root, session *awskms.Client
	anonymous     *sts.Client
}

// outageWorld is two replicas on a server of their own, with keys and callers that both of them know.
type outageWorld struct {
	*world
	branches          []branch
	encrypts, signs   string // key IDs
	role, token       string
	knownBefore, late accessKey
}

func newOutageWorld(t *testing.T) *outageWorld {
	t.Helper()
	w := &outageWorld{world: emptyWorld(t, restartingServer(t), nil)}
	replicas := []*replica{w.serve(election...), w.serve(election...)}
	w.encrypts = w.readyKey("orders", nil).Status.KeyID
	w.signs = w.readyKey("releases", func(s *v1alpha1.KeySpec) {
		s.KeySpec, s.KeyUsage = "ECC_NIST_P256", "SIGN_VERIFY"
	}).Status.KeyID
	w.role, w.token = w.serviceAccount("orders")
	w.knownBefore, w.late = w.person(w.arn("root")), newAccessKey(w.arn("root"))
	session := replicas[0].login(w.token, w.role)
	for _, r := range replicas {
		w.branches = append(w.branches, branch{
			replica: r, root: r.kms(w.knownBefore.provider()), session: r.kms(session), anonymous: r.sts(aws.AnonymousCredentials{}),
		})
	}
	w.allow(w.branches[0].root, w.encrypts, w.role, "kms:Encrypt", "kms:Decrypt")
	w.allow(w.branches[0].root, w.signs, w.role, "kms:Sign", "kms:Verify")
	for _, b := range w.branches {
		w.awaitCode("the replica knows everything", "", func() string { return w.use(b) })
	}
	return w
}

// use does with a session and with a static access key what an application does; the answer is the first error.
func (w *outageWorld) use(b branch) string {
	w.t.Helper()
	for _, client := range []*awskms.Client{b.session, b.root} {
		if got := w.roundTrip(client, w.encrypts); got != "" {
			return got
		}
		_, err := client.Sign(w.ctx, &awskms.SignInput{
			KeyId: &w.signs, Message: []byte("release"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256,
		})
		if err != nil {
			return code(err)
		}
	}
	return ""
}

func TestReplicasServeOnWithoutTheAPIServerAndRecover(t *testing.T) {
	for name, test := range map[string]struct{ stop, resume func(*apiServer) }{
		"crashed": {(*apiServer).crash, (*apiServer).restart},
		"hanging": {(*apiServer).freeze, (*apiServer).thaw},
	} {
		t.Run(name, func(t *testing.T) {
			w := newOutageWorld(t)
			server := w.apiServer()
			test.stop(server)
			w.checkServing(time.Now().Add(outage))
			w.checkRefusals()
			w.checkServing(time.Now())
			w.checkNobodyLeads()
			test.resume(server)
			w.checkRecovery()
		})
	}
}

// checkServing holds both replicas to their work up to the given time.
func (w *outageWorld) checkServing(until time.Time) {
	w.t.Helper()
	rounds := 0
	for ; rounds == 0 || time.Now().Before(until); rounds++ {
		for i, b := range w.branches {
			if got := w.use(b); got != "" {
				w.t.Fatalf("replica %d, round %d without the API server: %s", i, rounds, got)
			}
			if !b.ready() {
				w.t.Fatalf("replica %d, round %d without the API server: not ready", i, rounds)
			}
		}
	}
	w.t.Logf("%d rounds without the API server", rounds)
}

// checkRefusals is what can't be done without the API server: the answer comes soon, and clients try again upon it.
func (w *outageWorld) checkRefusals() {
	w.t.Helper()
	var asked sync.WaitGroup
	defer asked.Wait()
	for name, test := range map[string]struct {
		call func(branch) error
		want string
	}{
		"making a key": {func(b branch) error {
			_, err := b.root.CreateKey(w.ctx, &awskms.CreateKeyInput{})
			return err
		}, "DependencyTimeoutException"},
		"changing a key": {func(b branch) error {
			_, err := b.root.DisableKey(w.ctx, &awskms.DisableKeyInput{KeyId: &w.signs})
			return err
		}, "DependencyTimeoutException"},
		"logging in": {func(b branch) error {
			_, err := b.anonymous.AssumeRoleWithWebIdentity(w.ctx, &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: &w.role, RoleSessionName: aws.String("test"), WebIdentityToken: &w.token,
			})
			return err
		}, "IDPCommunicationError"},
	} {
		for i, b := range w.branches {
			asked.Go(func() {
				begun := time.Now()
				err := test.call(b)
				took := time.Since(begun)
				if code(err) != test.want || status(err) != http.StatusServiceUnavailable || took > soon {
					w.t.Errorf("%s at replica %d: after %s %v, want %s and status 503 within %s", name, i, took, err, test.want, soon)
				}
				w.t.Logf("%s is refused after %s", name, took.Round(time.Millisecond))
			})
		}
	}
}

// status is the HTTP status of an error.
func status(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// checkNobodyLeads makes sure that the outage was long enough for what it is to show: whoever led before has noticed.
func (w *outageWorld) checkNobodyLeads() {
	w.t.Helper()
	for _, b := range w.branches {
		if b.exited() {
			w.t.Fatalf("the operator ended:\n%s", b.log.String())
		}
	}
	w.await(func() (bool, string) {
		led, leading := 0, 0
		for _, b := range w.branches {
			begun, ended := b.terms()
			led += begun
			leading += max(0, begun-ended)
		}
		return led > 0 && leading == 0, fmt.Sprintf("nobody leading; %d of %d terms have not ended", leading, led)
	})
}

// checkRecovery waits until everything is as before, without anybody doing anything.
func (w *outageWorld) checkRecovery() {
	w.t.Helper()
	for i, b := range w.branches {
		w.awaitCode("changing a key works again at replica "+itoa(i), "", func() string {
			_, err := b.root.TagResource(w.ctx, &awskms.TagResourceInput{
				KeyId: &w.encrypts, Tags: []types.Tag{{TagKey: aws.String("after"), TagValue: aws.String(itoa(i))}},
			})
			return code(err)
		})
	}
	made := ""
	w.awaitCode("making a key works again", "", func() string {
		created, err := w.branches[0].root.CreateKey(w.ctx, &awskms.CreateKeyInput{})
		if err == nil {
			made = *created.KeyMetadata.KeyId
		}
		return code(err)
	})
	w.awaitCode("the other replica hears of it", "", func() string { return w.roundTrip(w.branches[1].root, made) })
	for i, b := range w.branches {
		w.awaitCode("logging in works again at replica "+itoa(i), "", func() string {
			return b.assume(w.token, w.role)
		})
	}
	begun := time.Now()
	w.awaitKey(w.key("later", nil), v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	w.t.Logf("a replica leads, and a new Key is Ready after %s", time.Since(begun).Round(time.Millisecond))
	w.create(w.late.object)
	for i, b := range w.branches {
		w.awaitCode("a new access key works at replica "+itoa(i), w.arn("root"), func() string {
			return w.whoIs(b.sts(w.late.provider()))
		})
	}
}

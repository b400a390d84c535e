// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

func (k accessKey) fill(secret *corev1.Secret) {
	secret.StringData = map[string]string{"accessKeyID": k.id, "secretAccessKey": k.secret}
}

// describeKey changes the description of the Key, and waits until the key has it.
func (w *world) describeKey(key *v1alpha1.Key, description string) {
	w.t.Helper()
	w.update(key, func(s *v1alpha1.KeySpec) { s.Description = description })
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// awaitWritesWith changes the Key until a change comes with the access key: the last one, so that there is one such request.
func (w *world) awaitWritesWith(account *awsAccount, k accessKey, key *v1alpha1.Key) {
	w.t.Helper()
	for n := 1; !account.called(k, "kms:UpdateKeyDescription"); n++ {
		w.describeKey(key, fmt.Sprintf("change %d until another access key is used", n))
	}
}

func TestCredentialsAreTakenUpFromTheirSecretWithoutARestart(t *testing.T) {
	w := newAWSWorld(t, nil)
	account := newAWSAccount(t, firstAccount)
	first, second, unknown := account.accessKey(t, "root"), account.accessKey(t, "root"), newAccessKey("arn:aws:iam::"+firstAccount+":root")
	secret := w.credentials(first)
	on := w.on(w.awsBackend(account.in(secret)))
	key := on.readyKey("orders", nil)

	w.change(secret, second.fill)
	on.awaitWritesWith(account, second, key)
	account.revoke(first)
	on.describeKey(key, "with the second access key")
	on.awaitAvailable()

	w.change(secret, unknown.fill)
	on.awaitBackend(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccessDenied, "AWS does not know the access key",
		"until then the backend is used as it was declared before")
	on.describeKey(key, "still with the second access key")

	w.change(secret, func(s *corev1.Secret) { s.Data = nil })
	on.awaitBackend(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCredentialsInvalid,
		"Secret "+operatorNamespace+"/"+secret.Name+" has no accessKeyID")

	w.delete(secret)
	w.await(func() (bool, string) {
		fresh := w.getKey(key)
		return holds(fresh.Status.Conditions, fresh.Generation, v1alpha1.ConditionBackendReady, metav1.ConditionFalse, v1alpha1.ReasonBackendNotReady),
			"the Key without its backend; it has:\n" + describe(fresh.Status.Conditions)
	})
	on.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, v1alpha1.ReasonCredentialsInvalid, "does not exist")

	restored := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: secret.Name}}
	second.fill(restored)
	w.create(restored)
	on.awaitAvailable()
	on.describeKey(key, "restored")
}

func TestBackendStaysInItsAccountWhateverItsCredentialsAre(t *testing.T) {
	w := newAWSWorld(t, nil)
	here, elsewhere := newAWSAccount(t, firstAccount), newAWSAccount(t, secondAccount)
	at := here.in(w.credentials(here.accessKey(t, "root")))
	on := w.on(w.awsBackend(at))
	key := on.readyKey("orders", nil)
	there := elsewhere.in(w.credentials(elsewhere.accessKey(t, "root")))

	on.configure(func(spec *v1alpha1.AWSBackend) { *spec = there })
	refused := on.awaitBackend(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccountChanged)
	wantMessage(t, refused.Status.Conditions, v1alpha1.ConditionAvailable, fmt.Sprintf(
		"the operator now gets to account %s, and the keys of this KMSBackend are in %s", secondAccount, firstAccount))
	if got := refused.Status.AccountID; got != firstAccount {
		t.Errorf("the account in status is %s now", got)
	}
	on.describeKey(key, "kept where it is")

	on.configure(func(spec *v1alpha1.AWSBackend) { *spec = at })
	on.awaitAvailable()
	on.describeKey(key, "and back")
}

func TestBackendTakesRegionAndCredentialsFromTheEnvironment(t *testing.T) {
	account := newAWSAccount(t, firstAccount)
	operator := account.accessKey(t, "user/operator")
	w := newAWSWorld(t, map[string]string{
		"AWS_REGION": awsRegion, "AWS_ACCESS_KEY_ID": operator.id, "AWS_SECRET_ACCESS_KEY": operator.secret, "AWS_ENDPOINT_URL": account.server.URL,
	})
	on := w.on(w.awsBackend(v1alpha1.AWSBackend{}))
	on.awaitBackend(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAccessDenied) // the user may not list keys
	root := account.accessKey(t, "root")
	w.t.Setenv("AWS_ACCESS_KEY_ID", root.id)
	w.t.Setenv("AWS_SECRET_ACCESS_KEY", root.secret)
	again := w.on(w.awsBackend(v1alpha1.AWSBackend{}))
	status := again.awaitAvailable().Status
	if status.AccountID != firstAccount || status.Region != awsRegion {
		t.Errorf("status %+v", status)
	}
	again.readyKey("orders", nil)
}

func TestStatusSaysExactlyWhyABackendOnAWSCannotBeUsed(t *testing.T) {
	w := newAWSWorld(t, nil)
	account := newAWSAccount(t, firstAccount)
	good, stranger := account.accessKey(t, "root"), account.accessKey(t, "user/nobody")
	wrong := good
	wrong.secret = stranger.secret
	change := func(k accessKey, change func(*v1alpha1.AWSBackend)) v1alpha1.AWSBackend {
		spec := account.in(w.credentials(k))
		if change != nil {
			change(&spec)
		}
		return spec
	}
	silent := newAWSAccount(t, secondAccount)
	silent.hang()
	// A name that ends in .onion is known to nobody, and Go asks no DNS server for it, which might take its time (RFC 7686).
	var said []*v1alpha1.KMSBackend
	for name, test := range map[string]struct {
		spec    v1alpha1.AWSBackend
		reason  string
		message string
	}{
		"no region":       {change(good, func(s *v1alpha1.AWSBackend) { s.Region = "" }), v1alpha1.ReasonInvalidInput, "no Region: name one in spec.aws.region"},
		"no credentials":  {v1alpha1.AWSBackend{Region: awsRegion, Endpoint: account.server.URL}, v1alpha1.ReasonAccessDenied, "no credentials: give the ServiceAccount an IAM role"},
		"wrong secret":    {change(wrong, nil), v1alpha1.ReasonAccessDenied, "the secret access key is not the access key's"},
		"no such key":     {change(newAccessKey(""), nil), v1alpha1.ReasonAccessDenied, "AWS does not know the access key"},
		"not allowed":     {change(stranger, nil), v1alpha1.ReasonAccessDenied, "is not authorized to perform: kms:ListKeys"},
		"nobody listens":  {change(good, func(s *v1alpha1.AWSBackend) { s.Endpoint = "http://" + testenv.FreeAddress(t) }), v1alpha1.ReasonUnavailable, "the endpoint cannot be reached"},
		"name not known":  {change(good, func(s *v1alpha1.AWSBackend) { s.Endpoint = "http://kms.onion" }), v1alpha1.ReasonUnavailable, "the endpoint cannot be reached"},
		"nobody answers":  {change(good, func(s *v1alpha1.AWSBackend) { s.Endpoint = silent.server.URL }), v1alpha1.ReasonUnavailable, "no answer in time"},
		"no such Secret":  {change(good, func(s *v1alpha1.AWSBackend) { s.CredentialsSecretRef.Name = "absent" }), v1alpha1.ReasonCredentialsInvalid, "does not exist: create it"},
		"blanks in a key": {change(accessKey{id: good.id, secret: good.secret + "\n"}, nil), v1alpha1.ReasonCredentialsInvalid, "secretAccessKey has blanks, a line break"},
	} {
		t.Run(name, func(t *testing.T) {
			on := w.on(w.awsBackend(test.spec))
			refused := on.awaitBackend(v1alpha1.ConditionAvailable, metav1.ConditionFalse, test.reason)
			wantMessage(t, refused.Status.Conditions, v1alpha1.ConditionReady, test.message)
			if list := refused.Status.Conditions; len(list) != 4 {
				t.Errorf("conditions are %s", describe(list))
			}
			said = append(said, refused)
		})
	}
	w.await(func() (bool, string) { return account.requestsOf(stranger) >= 10, "backends looked at again and again" })
	for _, before := range said {
		after := &v1alpha1.KMSBackend{}
		if err := w.env.Client.Get(w.ctx, client.ObjectKeyFromObject(before), after); err != nil {
			t.Fatal(err)
		}
		if after.ResourceVersion != before.ResourceVersion {
			t.Errorf("nothing is new, and the status was written again: %s", describe(after.Status.Conditions))
		}
	}
}

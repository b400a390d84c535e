// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const (
	firstAccount  = "111122223333"
	secondAccount = "444455556666"
)

// ordersManifest is what a team commits. Only backendRef tells one kind of backend from another.
const ordersManifest = `
apiVersion: kms.chatelaine.dev/v1alpha1
kind: Key
metadata: {name: orders}
spec:
  backendRef: {name: BACKEND}
  description: encrypts orders
  aliases: [alias/NAMESPACE/orders]
  tags: {team: payments}
  rotation: {enabled: true, periodInDays: 180}
---
apiVersion: kms.chatelaine.dev/v1alpha1
kind: KeyPolicy
metadata: {name: orders}
spec:
  targets: [{name: orders}]
  rules:
  - sid: Use
    principals: [{serviceAccount: {name: orders}}]
    permissions: [Use]
`

// applyOrders applies the manifest with kubectl, and waits until all of it is in force.
func (w *world) applyOrders() *v1alpha1.Key {
	w.t.Helper()
	manifest := strings.NewReplacer("BACKEND", w.backend.Name, "NAMESPACE", w.namespace).Replace(ordersManifest)
	w.kubectl("apply", "-n", w.namespace, "-f", writeFile(w.t, filepath.Join(w.t.TempDir(), "orders.yaml"), manifest))
	orders := metav1.ObjectMeta{Namespace: w.namespace, Name: "orders", Generation: 1}
	w.awaitPolicy(&v1alpha1.KeyPolicy{ObjectMeta: orders}, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return w.awaitKey(&v1alpha1.Key{ObjectMeta: orders}, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// workload makes the ServiceAccount of an application with an IAM role, as it is for EKS.
func (w *world) workload(role string) {
	w.t.Helper()
	w.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: "orders", Annotations: map[string]string{"eks.amazonaws.com/role-arn": role},
	}})
}

func TestTheSameManifestsMakeKeysInTwoAccountsOfAWSAndInTheCluster(t *testing.T) {
	w := newAWSWorld(t, nil)
	for _, id := range []string{firstAccount, secondAccount} {
		account := newAWSAccount(t, id)
		on := w.on(w.awsBackend(account.in(w.credentials(account.accessKey(t, "root")))))
		status := on.awaitAvailable().Status
		if status.AccountID != id || status.Region != awsRegion || status.CallerARN != "arn:aws:iam::"+id+":root" {
			t.Errorf("status of the KMSBackend: %+v", status)
		}
		on.workload("arn:aws:iam::" + id + ":role/orders")
		key := on.applyOrders()
		if want := "arn:aws:kms:" + awsRegion + ":" + id + ":key/" + key.Status.KeyID; key.Status.ARN != want {
			t.Errorf("ARN %s, want %s", key.Status.ARN, want)
		}
		alias := "alias/" + on.namespace + "/orders"
		if got := on.roundTrip(account.kms(account.accessKey(t, "role/orders")), alias); got != "" {
			t.Errorf("the application in account %s: %s", id, got)
		}
		if got := on.roundTrip(account.kms(account.accessKey(t, "role/other")), alias); got != "AccessDeniedException" {
			t.Errorf("another application in account %s: %s", id, quote(got))
		}
	}
	w.endpoint.client = awshttp.NewBuildableClient().WithTimeout(patience)
	role, token := w.serviceAccount("orders")
	w.kubectl("annotate", "serviceaccount", "orders", "-n", w.namespace, "eks.amazonaws.com/role-arn=arn:aws:iam::"+firstAccount+":role/orders")
	w.applyOrders()
	if got := w.roundTrip(w.endpoint.kms(w.endpoint.login(token, role)), "alias/"+w.namespace+"/orders"); got != "" {
		t.Errorf("the application in the cluster: %s", got)
	}
}

func TestWhatSomebodyChangesOnAWSIsFoundByASweepAndPutRight(t *testing.T) {
	w := newAWSWorld(t, nil)
	account := newAWSAccount(t, firstAccount)
	operator := account.accessKey(t, "root")
	on := w.on(w.awsBackend(account.in(w.credentials(operator))))
	on.workload("arn:aws:iam::" + firstAccount + ":role/orders")
	key := on.applyOrders()
	alias := "alias/" + on.namespace + "/orders"
	somebody, application := account.kms(account.accessKey(t, "root")), account.kms(account.accessKey(t, "role/orders"))

	if _, err := somebody.DeleteAlias(on.ctx, &awskms.DeleteAliasInput{AliasName: &alias}); err != nil {
		t.Fatal(err)
	}
	on.awaitCode("the alias is back", "", func() string { return on.roundTrip(application, alias) })

	on.awaitCode("the application is shut out", "AccessDeniedException", func() string { // unless the operator is faster
		_, err := somebody.PutKeyPolicy(on.ctx, &awskms.PutKeyPolicyInput{
			KeyId: &key.Status.KeyID, Policy: on.rootOnly(firstAccount),
		})
		if err != nil {
			t.Fatal(err)
		}
		return on.roundTrip(application, alias)
	})
	on.awaitCode("the policy is back", "", func() string { return on.roundTrip(application, alias) })

	if _, err := somebody.DisableKey(on.ctx, &awskms.DisableKeyInput{KeyId: &key.Status.KeyID}); err != nil {
		t.Fatal(err)
	}
	on.awaitCode("the key is enabled again", "", func() string { return on.roundTrip(application, alias) })

	if _, err := somebody.UntagResource(on.ctx, &awskms.UntagResourceInput{KeyId: &key.Status.KeyID, TagKeys: []string{"team"}}); err != nil {
		t.Fatal(err)
	}
	on.awaitCode("the tag is back", "payments", func() string {
		tags, err := somebody.ListResourceTags(on.ctx, &awskms.ListResourceTagsInput{KeyId: &key.Status.KeyID})
		if err != nil {
			return code(err)
		}
		return tagOf(tags.Tags, "team")
	})
	account.withinIAMPolicy(t, operator)
}

// rootOnly is a key policy that lets in nobody but the account.
func (w *world) rootOnly(account string) *string {
	return aws.String(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", ` +
		`"Principal": {"AWS": "arn:aws:iam::` + account + `:root"}}]}`)
}

func tagOf(tags []types.Tag, key string) string {
	for _, tag := range tags {
		if aws.ToString(tag.TagKey) == key {
			return aws.ToString(tag.TagValue)
		}
	}
	return ""
}

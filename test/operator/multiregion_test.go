// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// applyLedger applies the sample of a key in two Regions with kubectl, and waits until all of it is in force. Only backendRef tells
// one kind of backend from another.
func (w *world) applyLedger() *v1alpha1.Key {
	w.t.Helper()
	sample, err := os.ReadFile("../../config/samples/multiregion/key_ledger.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	var wanted []string
	for document := range strings.SplitSeq(string(sample), "\n---\n") {
		if strings.Contains(document, "\nkind: Key") {
			wanted = append(wanted, document)
		}
	}
	manifest := strings.NewReplacer("name: frankfurt", "name: "+w.backend.Name, "name: ledger\n    permissions", "name: orders\n    permissions", "chatelaine-samples", w.namespace).
		Replace(strings.Join(wanted, "\n---\n"))
	w.kubectl("apply", "-n", w.namespace, "-f", writeFile(w.t, filepath.Join(w.t.TempDir(), "ledger.yaml"), manifest))
	ledger := metav1.ObjectMeta{Namespace: w.namespace, Name: "ledger", Generation: 1}
	w.awaitPolicy(&v1alpha1.KeyPolicy{ObjectMeta: ledger}, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	return w.awaitKey(&v1alpha1.Key{ObjectMeta: ledger}, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
}

// regional is a client for each of the two Regions.
type regional func(region string) *awskms.Client

// checkLedger encrypts in each Region and decrypts in the other, by the alias that the key has in both.
func (w *world) checkLedger(what string, in regional) {
	w.t.Helper()
	alias := "alias/" + w.namespace + "/ledger"
	for from, to := range map[string]string{awsRegion: awsOtherRegion, awsOtherRegion: awsRegion} {
		encrypted, err := in(from).Encrypt(w.ctx, &awskms.EncryptInput{KeyId: &alias, Plaintext: []byte("1 EUR")})
		if err != nil {
			w.t.Errorf("%s, in %s: %v", what, from, err)
			continue
		}
		decrypted, err := in(to).Decrypt(w.ctx, &awskms.DecryptInput{KeyId: &alias, CiphertextBlob: encrypted.CiphertextBlob})
		if err != nil || string(decrypted.Plaintext) != "1 EUR" {
			w.t.Errorf("%s, from %s to %s: %v", what, from, to, err)
		}
	}
}

// movePrimary has the primary in the other Region, by the manifest, and waits until AWS's API says so in both Regions.
func (w *world) movePrimary(key *v1alpha1.Key, in regional) {
	w.t.Helper()
	w.kubectl("patch", "key", "ledger", "-n", w.namespace, "--type=merge", "-p", `{"spec": {"primaryRegion": "`+awsOtherRegion+`"}}`)
	w.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	for _, region := range []string{awsRegion, awsOtherRegion} {
		out, err := in(region).DescribeKey(w.ctx, &awskms.DescribeKeyInput{KeyId: &key.Status.KeyID})
		if err != nil {
			w.t.Fatal(err)
		}
		if got := aws.ToString(out.KeyMetadata.MultiRegionConfiguration.PrimaryKey.Region); got != awsOtherRegion {
			w.t.Errorf("in %s the primary is said to be in %s", region, got)
		}
	}
}

// endLedger deletes the Key where that is meant to destroy it, applies it again, and checks that the key is the same everywhere.
func (w *world) endLedger(key *v1alpha1.Key, in regional) {
	w.t.Helper()
	w.kubectl("patch", "key", "ledger", "-n", w.namespace, "--type=merge", "-p", `{"spec": {"deletion": {"policy": "Schedule"}}}`)
	w.kubectl("delete", "key", "ledger", "-n", w.namespace, "--timeout=30s")
	for _, region := range []string{awsRegion, awsOtherRegion} {
		out, err := in(region).DescribeKey(w.ctx, &awskms.DescribeKeyInput{KeyId: &key.Status.KeyID})
		if err != nil {
			w.t.Fatal(err)
		}
		if state := string(out.KeyMetadata.KeyState); !strings.HasPrefix(state, "Pending") || !strings.HasSuffix(state, "Deletion") {
			w.t.Errorf("deleted, in %s it is %s", region, state)
		}
	}
	if again := w.applyLedger(); again.Status.KeyID != key.Status.KeyID {
		w.t.Errorf("applied again, it is %s, was %s", again.Status.KeyID, key.Status.KeyID)
	}
}

func TestTheSameManifestPutsAKeyIntoTwoRegionsOfAWSAndOfTheCluster(t *testing.T) {
	w := newAWSWorld(t, nil)

	account := newAWSAccount(t, firstAccount)
	operator := account.accessKey(t, "root")
	secret := w.credentials(operator)
	on := w.on(w.awsBackend(account.in(secret)))
	other := account.in(secret)
	other.Region = awsOtherRegion
	w.on(w.awsBackend(other)).awaitAvailable()
	on.workload("arn:aws:iam::" + firstAccount + ":role/orders")
	on.ledgerLives("on AWS", account.kmsIn(account.accessKey(t, "role/orders")), account.kmsIn(account.accessKey(t, "root")))
	account.withinIAMPolicy(t, operator)

	number := fmt.Sprintf("%012d", rand.Int64N(1e12))
	var backends []*v1alpha1.KMSBackend
	for _, region := range []string{awsRegion, awsOtherRegion} {
		backend := &v1alpha1.KMSBackend{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "software-"},
			Spec:       v1alpha1.KMSBackendSpec{Software: &v1alpha1.SoftwareBackend{AccountID: number, Region: region}},
		}
		w.create(backend)
		w.on(backend).awaitAvailable()
		backends = append(backends, backend)
	}
	in := w.on(backends[0])
	w.endpoint.process.w, w.endpoint.client = in, awshttp.NewBuildableClient().WithTimeout(patience)
	role, token := in.serviceAccount("orders")
	people := in.person(in.arn("root"))
	root := w.endpoint.kmsIn(people.provider())
	w.awaitCode("the person is known", "", func() string {
		_, err := root(awsOtherRegion).ListKeys(w.ctx, &awskms.ListKeysInput{})
		return code(err)
	})
	in.ledgerLives("in the cluster", w.endpoint.kmsIn(w.endpoint.login(token, role)), root)
}

// ledgerLives takes a key in two Regions through its life, as an application sees it and as the account's root user does.
func (w *world) ledgerLives(where string, application, root regional) {
	w.t.Helper()
	key := w.applyLedger()
	if replica := key.Status.Replicas; len(replica) != 1 || replica[0].Region != awsOtherRegion || key.Status.PrimaryRegion != awsRegion {
		w.t.Errorf("%s: status.replicas %+v, primary in %s", where, replica, key.Status.PrimaryRegion)
	}
	w.checkLedger(where, application)
	tags, err := root(awsOtherRegion).ListResourceTags(w.ctx, &awskms.ListResourceTagsInput{KeyId: &key.Status.KeyID})
	if err != nil || tagOf(tags.Tags, "site") != "dublin" {
		w.t.Errorf("%s: the replica's tags are %v: %v", where, tags, err)
	}
	w.movePrimary(key, root)
	w.checkLedger(where+", the primary moved", application)

	_, err = root(awsOtherRegion).DisableKey(w.ctx, &awskms.DisableKeyInput{KeyId: &key.Status.KeyID})
	if err != nil {
		w.t.Fatal(err)
	}
	alias := "alias/" + w.namespace + "/ledger"
	w.awaitCode(where+", the replica that somebody disabled is enabled", "", func() string { return w.roundTrip(application(awsOtherRegion), alias) })
	w.endLedger(key, root)
	w.checkLedger(where+", back again", application)
}

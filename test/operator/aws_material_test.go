// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// The manifest is the one that makes a key on the software backend, but for backendRef.
func TestAKeyOnAWSIsMadeOfTheMaterialInASecret(t *testing.T) {
	w := newAWSWorld(t, nil)
	account := newAWSAccount(t, firstAccount)
	operator := account.accessKey(t, "root")
	on := w.on(w.awsBackend(account.in(w.credentials(operator))))
	on.awaitAvailable()
	secret := on.material("material")
	on.letRead("material")
	key := on.readyKey("orders", func(s *v1alpha1.KeySpec) {
		imported("material", nil)(s)
		s.KeySpec, s.KeyUsage = "HMAC_256", "GENERATE_VERIFY_MAC"
	})
	on.createPolicy(key, "arn:aws:iam::"+firstAccount+":role/app", "kms:GenerateMac")
	app := account.kms(account.accessKey(t, "role/app"))
	message := []byte("attack at dawn")
	own := hmac.New(sha256.New, secret)
	own.Write(message)
	on.await(func() (bool, string) {
		out, err := app.GenerateMac(on.ctx, &awskms.GenerateMacInput{
			KeyId: &key.Status.KeyID, Message: message, MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
		})
		return err == nil && bytes.Equal(out.Mac, own.Sum(nil)), "a MAC of the material in the Secret; it is " + code(err)
	})
	on.awaitKey(key, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	account.withinIAMPolicy(t, operator)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const benchAccount = "111122223333"

// podCaller is a ServiceAccount's session.
func podCaller() identity.Caller {
	return identity.Caller{
		Type: identity.AssumedRole,
		Principal: policy.Principal{
			ARN:        "arn:aws:iam::" + benchAccount + ":role/shop/app",
			SessionARN: "arn:aws:sts::" + benchAccount + ":assumed-role/app/pod-1", Account: benchAccount,
		},
		Session: &identity.Session{
			Name: "pod-1", ServiceAccount: identity.ServiceAccount{Namespace: "shop", Name: "app", PodName: "app-1", PodUID: "1"},
		},
	}
}

func newBenchService(tb testing.TB) *kms.Service {
	tb.Helper()
	ring := keyringtest.New(tb, keyring.ID{AccountID: benchAccount, Region: "local"})
	return kms.New(ring, clocktesting.NewFakeClock(time.Unix(1_800_000_000, 0)), kms.Options{})
}

// BenchmarkAuthorize is what it costs to decide on one use of a key by a Pod, as part of every Encrypt.
func BenchmarkAuthorize(b *testing.B) {
	const who = `"Principal":{"AWS":"arn:aws:iam::` + benchAccount + `:role/shop/app"},"Resource":"*",`
	const use = `"Effect":"Allow",` + who + `"Action":["kms:Decrypt","kms:DescribeKey","kms:Encrypt","kms:GenerateDataKey*"]`
	account := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + benchAccount + `:root"},"Action":"kms:*","Resource":"*"},`
	for name, statements := range map[string]string{
		"OneStatement":      "{" + use + "}",
		"BelowTheAccount":   account + "{" + use + "}",
		"EncryptionContext": "{" + use + `,"Condition":{"StringEquals":{"kms:EncryptionContext:tenant":"42"}}}`,
	} {
		b.Run(name, func(b *testing.B) {
			request, key := benchRequest(b, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s]}`, statements))
			b.ReportAllocs()
			for b.Loop() {
				if err := request.authorize(key, "kms:Encrypt"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchRequest(tb testing.TB, document string) (*Request, *kms.Key) {
	tb.Helper()
	service := newBenchService(tb)
	created, err := service.CreateKey(tb.Context(), kms.CreateKeyInput{Policy: document})
	if err != nil {
		tb.Fatal(err)
	}
	key, err := service.Key(created.KeyID)
	if err != nil {
		tb.Fatal(err)
	}
	op, _ := Lookup("Encrypt")
	return &Request{
		Call:     Call{Operation: op, Caller: podCaller(), Region: "local", SourceIP: "10.0.0.7", UserAgent: "bench"},
		received: time.Unix(1_800_000_000, 0).UTC(),
		in:       &EncryptInput{KeyID: created.KeyID, EncryptionContext: map[string]string{"tenant": "42", "purpose": "test"}},
	}, key
}

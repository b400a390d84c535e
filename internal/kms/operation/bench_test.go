// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/keyringtest"
	"github.com/chatelaine-dev/chatelaine/internal/kms/operation"
)

// forgetful is a Recorder that keeps nothing.
type forgetful struct{}

func (forgetful) Record(context.Context, *audit.Event) error { return nil }

// BenchmarkExecute measures what the table of operations does with a request, from its JSON to that of the answer, without
// HTTP and signatures. The caller is a user whom the key policy allows the operation.
func BenchmarkExecute(b *testing.B) {
	partition := kms.NewPartition()
	service := benchService(b)
	partition.Add(service)
	executor := &operation.Executor{
		Partition: partition, Recorder: forgetful{}, Clock: clock.RealClock{}, NewID: uuid.NewString,
	}
	key := func(spec keyspec.Spec, usage keyspec.Usage) string {
		created, err := service.CreateKey(b.Context(), kms.CreateKeyInput{
			Spec: spec, Usage: usage, Policy: allow(user("ann").ARN(), "kms:*"),
		})
		if err != nil {
			b.Fatal(err)
		}
		return created.KeyID
	}
	symmetric, digest := key(keyspec.SymmetricDefault, ""), make([]byte, 32)
	encryptionContext := object{"tenant": "42"}
	encrypt := object{"KeyId": symmetric, "Plaintext": make([]byte, 1024), "EncryptionContext": encryptionContext}
	var sealed struct{ CiphertextBlob string }
	if err := json.Unmarshal(execute(b, executor, "Encrypt", encrypt)(), &sealed); err != nil {
		b.Fatal(err)
	}
	ciphertext, err := base64.StdEncoding.DecodeString(sealed.CiphertextBlob)
	if err != nil {
		b.Fatal(err)
	}
	for _, bm := range []struct {
		label, name string
		in          object
	}{
		{"Encrypt-1KiB", "Encrypt", encrypt},
		{"Decrypt-1KiB", "Decrypt", object{"CiphertextBlob": ciphertext, "EncryptionContext": encryptionContext}},
		{"GenerateDataKey", "GenerateDataKey", object{"KeyId": symmetric, "KeySpec": "AES_256"}},
		{"Sign-P256", "Sign", object{
			"KeyId":   key(keyspec.ECCNISTP256, keyspec.SignVerify),
			"Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256",
		}},
		{"Sign-RSA2048", "Sign", object{
			"KeyId":   key(keyspec.RSA2048, keyspec.SignVerify),
			"Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "RSASSA_PSS_SHA_256",
		}},
	} {
		b.Run(bm.label, func(b *testing.B) {
			once := execute(b, executor, bm.name, bm.in)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

// benchService is a service on a store in memory.
func benchService(b *testing.B) *kms.Service {
	b.Helper()
	return kms.New(keyringtest.New(b, keyring.ID{AccountID: account, Region: home}), clock.RealClock{}, kms.Options{})
}

// execute returns what carries out a request of ann's.
func execute(b *testing.B, executor *operation.Executor, name string, in object) func() []byte {
	b.Helper()
	op, _ := operation.Lookup(name)
	request, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	call := operation.Call{
		Operation: op, Body: request, Caller: user("ann"), Region: home, ID: uuid.NewString(),
		SourceIP: "10.0.0.7", UserAgent: "bench", TLS: &audit.TLS{Version: "TLSv1.3"},
	}
	return func() []byte {
		body, err := executor.Execute(b.Context(), call)
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
}

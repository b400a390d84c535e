// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

const (
	plaintextSize = 1024
	digestSize    = 32
)

// use is a use of a key that is measured.
type use struct {
	name, operation string
	spec            keyspec.Spec
	usage           keyspec.Usage
	// members are the request's, but for KeyId; random has plaintextSize bytes that no other request has.
	members func(c *credentials, random []byte) map[string]any
}

var uses = []use{
	{"Encrypt1KiB", "Encrypt", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, func(_ *credentials, random []byte) map[string]any {
		return map[string]any{"Plaintext": random}
	}},
	{"Decrypt1KiB", "Decrypt", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, func(c *credentials, _ []byte) map[string]any {
		return map[string]any{"CiphertextBlob": c.Ciphertext}
	}},
	{"GenerateDataKey", "GenerateDataKey", keyspec.SymmetricDefault, keyspec.EncryptDecrypt, func(*credentials, []byte) map[string]any {
		return map[string]any{"KeySpec": "AES_256"}
	}},
	{"SignP256", "Sign", keyspec.ECCNISTP256, keyspec.SignVerify, func(_ *credentials, random []byte) map[string]any {
		return map[string]any{"Message": random[:digestSize], "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
	}},
	{"SignRSA2048", "Sign", keyspec.RSA2048, keyspec.SignVerify, func(_ *credentials, random []byte) map[string]any {
		return map[string]any{"Message": random[:digestSize], "MessageType": "DIGEST", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
	}},
}

// requests are one request for each connection. They are good for five minutes, as often as they are sent.
func (u *use) requests(b *testing.B, c *credentials) [][]byte {
	b.Helper()
	requests := make([][]byte, connections)
	for i := range requests {
		requests[i] = u.request(b, c)
	}
	return requests
}

// request is a request as it goes over the wire, signed, with the headers that an AWS SDK sends.
func (u *use) request(b *testing.B, c *credentials) []byte {
	b.Helper()
	random := make([]byte, plaintextSize)
	_, _ = rand.Read(random) // never fails
	members := u.members(c, random)
	members["KeyId"] = "arn:aws:kms:" + region + ":" + account + ":key/" + c.KeyID
	body, err := json.Marshal(members)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://kms."+region+".example/", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + u.operation,
		"User-Agent":      "aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/kms#1.62.4 m/E,g,n",
		"Accept-Encoding": "identity", "Amz-Sdk-Invocation-Id": uuid.NewString(), "Amz-Sdk-Request": "attempt=1; max=3",
	} {
		req.Header.Set(name, value)
	}
	hash := sha256.Sum256(body)
	who := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if err := v4.NewSigner().SignHTTP(b.Context(), who, req, hex.EncodeToString(hash[:]), "kms", region, time.Now()); err != nil {
		b.Fatal(err)
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		b.Fatal(err)
	}
	return wire.Bytes()
}

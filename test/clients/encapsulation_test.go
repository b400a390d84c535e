// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// The sizes of ML-KEM's ciphertexts (FIPS 203, table 3).
var encapsulationSizes = map[types.KeySpec]int{
	types.KeySpecMlKem512: 768, types.KeySpecMlKem768: 1088, types.KeySpecMlKem1024: 1568,
}

const mlkemAlgorithm = types.EncapsulationAlgorithmSpecMlKem

// recorder is an HTTP client that keeps the members of the last answer, as they were on the wire.
type recorder struct{ members []string }

func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, err
	}
	r.members = slices.Sorted(maps.Keys(document))
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

func (r *recorder) mustHave(t *testing.T, members ...string) {
	t.Helper()
	if diff := cmp.Diff(members, r.members); diff != "" {
		t.Errorf("members of the answer (-want +got):\n%s", diff)
	}
}

func newMLKEMKey(t *testing.T, spec types.KeySpec) *string {
	t.Helper()
	return newKey(t, spec, types.KeyUsageTypeEncapsulateDecapsulate)
}

func testEncapsulate(t *testing.T) {
	wire := &recorder{}
	client := newClient("root", region, func(o *kms.Options) { o.HTTPClient = wire })
	for spec, size := range encapsulationSizes {
		mustNameTheAlgorithm(t, newMLKEMKey(t, spec))
		pair := must(client.GenerateDataKeyPair(t.Context(), &kms.GenerateDataKeyPairInput{
			KeyId: symmetricKey(t), KeyPairSpec: types.DataKeyPairSpec(spec),
		}))(t)
		keyID := imported(t, spec, types.KeyUsageTypeEncapsulateDecapsulate, pair.PrivateKeyPlaintext)
		if !bytes.Equal(publicKey(t, keyID), pair.PublicKey) {
			t.Errorf("%s: an imported data key pair has another public key", spec)
		}
		out := must(client.Encapsulate(t.Context(), &kms.EncapsulateInput{KeyId: keyID, EncapsulationAlgorithm: mlkemAlgorithm}))(t)
		wire.mustHave(t, "EncapsulationAlgorithm", "KeyId", "SharedSecret", "SharedSecretCiphertextBlob")
		if *out.KeyId != *keyID || out.EncapsulationAlgorithm != mlkemAlgorithm || len(out.SharedSecretCiphertextBlob) != size {
			t.Errorf("%s: answer of key %s, algorithm %s, %d bytes",
				spec, *out.KeyId, out.EncapsulationAlgorithm, len(out.SharedSecretCiphertextBlob))
		}
		if !bytes.Equal(decapsulate(t, spec, pair.PrivateKeyPlaintext, out.SharedSecretCiphertextBlob), out.SharedSecret) {
			t.Errorf("%s: the private key opens another secret", spec)
		}
	}
	encapsulationRefused(t, func(c *kms.Client, keyID *string, dryRun bool) error {
		_, err := c.Encapsulate(t.Context(), &kms.EncapsulateInput{
			KeyId: keyID, EncapsulationAlgorithm: mlkemAlgorithm, DryRun: &dryRun,
		})
		return err
	})
	_, err := client.Encapsulate(t.Context(), &kms.EncapsulateInput{
		KeyId: newMLKEMKey(t, types.KeySpecMlKem512), EncapsulationAlgorithm: "RSA_KEM",
	})
	mustHaveCode(t, err, "ValidationException")
}

// mustNameTheAlgorithm looks at what botocore does not know of: the members in which a key says how it encapsulates.
func mustNameTheAlgorithm(t *testing.T, keyID *string) {
	t.Helper()
	want := []types.EncapsulationAlgorithmSpec{mlkemAlgorithm}
	described := must(root().DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: keyID}))(t)
	if diff := cmp.Diff(want, described.KeyMetadata.EncapsulationAlgorithms); diff != "" {
		t.Errorf("DescribeKey's EncapsulationAlgorithms (-want +got):\n%s", diff)
	}
	public := must(root().GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: keyID}))(t)
	if diff := cmp.Diff(want, public.EncapsulationAlgorithms); diff != "" {
		t.Errorf("GetPublicKey's EncapsulationAlgorithms (-want +got):\n%s", diff)
	}
}

func testDecapsulate(t *testing.T) {
	wire := &recorder{}
	client := newClient("root", region, func(o *kms.Options) { o.HTTPClient = wire })
	for spec := range encapsulationSizes {
		keyID := newMLKEMKey(t, spec)
		secret, ciphertext := encapsulate(t, spec, publicKey(t, keyID))
		in := kms.DecapsulateInput{KeyId: keyID, EncapsulationAlgorithm: mlkemAlgorithm, SharedSecretCiphertextBlob: ciphertext}
		out := must(client.Decapsulate(t.Context(), &in))(t)
		wire.mustHave(t, "EncapsulationAlgorithm", "KeyId", "SharedSecret")
		same := bytes.Equal(out.SharedSecret, secret)
		if *out.KeyId != *keyID || out.EncapsulationAlgorithm != mlkemAlgorithm || !same {
			t.Errorf("%s: answer of key %s, algorithm %s; the same secret: %v", spec, *out.KeyId, out.EncapsulationAlgorithm, same)
		}
		// FIPS 203's implicit rejection: another secret, and no error.
		in.SharedSecretCiphertextBlob = bytes.Clone(ciphertext)
		in.SharedSecretCiphertextBlob[0] ^= 1
		if other := must(client.Decapsulate(t.Context(), &in))(t).SharedSecret; len(other) != 32 || bytes.Equal(other, secret) {
			t.Errorf("%s: a changed ciphertext gives %d bytes, the same secret: %v", spec, len(other), bytes.Equal(other, secret))
		}
		in.SharedSecretCiphertextBlob = ciphertext[:len(ciphertext)-1]
		if _, err := client.Decapsulate(t.Context(), &in); err == nil {
			t.Errorf("%s: a ciphertext that is too short is accepted", spec)
		}
	}
	_, ciphertext := encapsulate(t, types.KeySpecMlKem768, publicKey(t, newMLKEMKey(t, types.KeySpecMlKem768)))
	encapsulationRefused(t, func(c *kms.Client, keyID *string, dryRun bool) error {
		_, err := c.Decapsulate(t.Context(), &kms.DecapsulateInput{
			KeyId: keyID, EncapsulationAlgorithm: mlkemAlgorithm, SharedSecretCiphertextBlob: ciphertext, DryRun: &dryRun,
		})
		return err
	})
}

// encapsulationRefused gives a call the errors that Encapsulate and Decapsulate have in common.
func encapsulationRefused(t *testing.T, call func(client *kms.Client, keyID *string, dryRun bool) error) {
	t.Helper()
	client, keyID := root(), newMLKEMKey(t, types.KeySpecMlKem768)
	mustRefuse[*types.DryRunOperationException](t, call(client, keyID, true))
	mustRefuse[*types.NotFoundException](t, call(client, aws.String(uuid.NewString()), false))
	mustRefuse[*types.InvalidKeyUsageException](t, call(client, symmetricKey(t), false))
	mustHaveCode(t, call(newClient("user", region), keyID, false), "AccessDeniedException")
	mustHaveCode(t, call(newClient("stranger", region), keyID, false), "AccessDeniedException")
	pending := newKey(t, types.KeySpecMlKem768, types.KeyUsageTypeEncapsulateDecapsulate, func(in *kms.CreateKeyInput) {
		in.Origin = types.OriginTypeExternal
	})
	mustRefuse[*types.KMSInvalidStateException](t, call(client, pending, false))
	must(client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: keyID}))(t)
	mustRefuse[*types.DisabledException](t, call(client, keyID, false))
	must(client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: keyID}))(t)
	mustRefuse[*types.KMSInvalidStateException](t, call(client, keyID, false))
}

func mustHaveCode(t *testing.T, err error, code string) {
	t.Helper()
	if known, ok := errors.AsType[smithy.APIError](err); !ok || known.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

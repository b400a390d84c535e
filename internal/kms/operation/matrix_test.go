// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// kind is the operations that one key usage has, which share the member that names the algorithm.
type kind struct {
	member     string
	operations map[string]object // with what they need but key and algorithm
	// roundTrip does with a key what its operations are for.
	roundTrip func(w *world, spec keyspec.Spec, key object)
}

var kinds = map[keyspec.Usage]kind{
	keyspec.EncryptDecrypt: {"EncryptionAlgorithm", map[string]object{
		"Encrypt": {"Plaintext": []byte("x")},
	}, encryptAndDecrypt},
	keyspec.SignVerify: {"SigningAlgorithm", map[string]object{
		"Sign": {"Message": []byte("x")}, "Verify": {"Message": []byte("x"), "Signature": []byte("x")},
	}, signAndVerify},
	keyspec.GenerateVerifyMAC: {"MacAlgorithm", map[string]object{
		"GenerateMac": {"Message": []byte("x")}, "VerifyMac": {"Message": []byte("x"), "Mac": []byte("x")},
	}, generateAndVerifyMac},
	keyspec.KeyAgreement: {"KeyAgreementAlgorithm", map[string]object{
		"DeriveSharedSecret": {"PublicKey": []byte("x")},
	}, agree},
	keyspec.EncapsulateDecapsulate: {"EncapsulationAlgorithm", map[string]object{
		"Encapsulate": {}, "Decapsulate": {"SharedSecretCiphertextBlob": []byte("x")},
	}, encapsulateAndDecapsulate},
}

// TestEveryKeyDoesWhatItsSpecAndUsageSayAndNothingElse tries every operation with every algorithm on a key of every spec
// and usage.
func TestEveryKeyDoesWhatItsSpecAndUsageSayAndNothingElse(t *testing.T) {
	w := newWorld(t)
	for _, spec := range keyspec.All() {
		for _, usage := range spec.Usages() {
			t.Run(string(spec)+" "+string(usage), func(t *testing.T) {
				w.t = t
				keyID := w.newKey(kms.CreateKeyInput{Spec: spec, Usage: usage})
				for other, kind := range kinds {
					for _, algorithm := range algorithmsOf(other) {
						w.tryAlgorithm(keyID, spec, usage, other, kind, algorithm)
					}
				}
				w.tryPublicKey(keyID, spec, usage)
			})
		}
	}
}

// algorithmsOf are those that any key of a usage has.
func algorithmsOf(usage keyspec.Usage) []keyspec.Algorithm {
	all := map[keyspec.Algorithm]bool{}
	for _, spec := range keyspec.All() {
		for _, algorithm := range keyspec.Algorithms(spec, usage) {
			all[algorithm] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// tryAlgorithm has a key of a spec and usage do what another usage, or the same, has with an algorithm.
func (w *world) tryAlgorithm(
	keyID string, spec keyspec.Spec, usage, other keyspec.Usage, kind kind, algorithm keyspec.Algorithm,
) {
	w.t.Helper()
	if other == usage && slices.Contains(keyspec.Algorithms(spec, usage), algorithm) {
		kind.roundTrip(w, spec, object{"KeyId": keyID, kind.member: string(algorithm)})
		return
	}
	for name, in := range kind.operations {
		in = maps.Clone(in)
		in["KeyId"], in[kind.member] = keyID, string(algorithm)
		want := arnOf(keyID) + " key usage is " + string(usage) + " which is not valid for " + name + "."
		if other == usage {
			want = "Algorithm " + string(algorithm) + " is incompatible with key spec " + string(spec) + "."
		}
		if got := w.refused(root(), name, in, kms.InvalidKeyUsageException); got != want {
			w.t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func (w *world) tryPublicKey(keyID string, spec keyspec.Spec, usage keyspec.Usage) {
	w.t.Helper()
	in := object{"KeyId": keyID}
	if !spec.HasPublicKey() {
		got := w.refused(root(), "GetPublicKey", in, kms.UnsupportedOperationException)
		if got != arnOf(keyID)+" key spec is "+string(spec)+" which is not valid for this operation." {
			w.t.Error(got)
		}
		return
	}
	out := w.must(root(), "GetPublicKey", in)
	if out["KeySpec"] != string(spec) || out["KeyUsage"] != string(usage) || out["KeyId"] != arnOf(keyID) {
		w.t.Errorf("GetPublicKey answers %v", out)
	}
	if again := w.must(root(), "GetPublicKey", in); again["PublicKey"] != out["PublicKey"] {
		w.t.Error("GetPublicKey answers another key the second time")
	}
	list := map[keyspec.Usage]string{
		keyspec.EncryptDecrypt: "EncryptionAlgorithms", keyspec.SignVerify: "SigningAlgorithms",
		keyspec.KeyAgreement: "KeyAgreementAlgorithms", keyspec.EncapsulateDecapsulate: "EncapsulationAlgorithms",
	}[usage]
	if names, _ := out[list].([]any); len(names) != len(keyspec.Algorithms(spec, usage)) {
		w.t.Errorf("GetPublicKey lists the algorithms %v", names)
	}
	if event := w.events.last(); !event.ReadOnly || event.RequestParameters["keyId"] != keyID || event.ResponseElements != nil {
		w.t.Errorf("the event is %+v", event)
	}
}

// raw is a member that is a blob, as it was before it went over the wire.
func raw(o object, member string) []byte {
	blob, _ := o[member].([]byte)
	return blob
}

// with is an object with more members.
func with(in, more object) object {
	in = maps.Clone(in)
	maps.Copy(in, more)
	return in
}

// expect is what every operation with a key answers and records beside its result.
func (w *world) expect(key, out object, member string) {
	w.t.Helper()
	if out["KeyId"] != arnOf(str(key, "KeyId")) || out[member] != key[member] {
		w.t.Errorf("the answer is %v", out)
	}
	event := w.events.last()
	if !event.ReadOnly || event.ResponseElements != nil || len(event.Resources) != 1 || event.Resources[0].ARN != out["KeyId"] {
		w.t.Errorf("the event is %+v", event)
	}
	name := string(member[0]|0x20) + member[1:]
	if event.RequestParameters["keyId"] != key["KeyId"] || event.RequestParameters[name] != key[member] {
		w.t.Errorf("the recorded parameters are %v", event.RequestParameters)
	}
	for parameter := range event.RequestParameters {
		if !slices.Contains([]string{"keyId", name, "messageType"}, parameter) {
			w.t.Errorf("the record has %s", parameter)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyspec

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var allUsages = []Usage{EncryptDecrypt, SignVerify, GenerateVerifyMAC, KeyAgreement, EncapsulateDecapsulate}

// published is AWS's table once more, written as text by hand, so that a slip in the real one shows. RSASSA_* stands for
// publishedRSASSA.
const published = `
SYMMETRIC_DEFAULT      ENCRYPT_DECRYPT          SYMMETRIC_DEFAULT
RSA_2048               ENCRYPT_DECRYPT          RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256
RSA_2048               SIGN_VERIFY              RSASSA_*
RSA_3072               ENCRYPT_DECRYPT          RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256
RSA_3072               SIGN_VERIFY              RSASSA_*
RSA_4096               ENCRYPT_DECRYPT          RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256
RSA_4096               SIGN_VERIFY              RSASSA_*
ECC_NIST_P256          SIGN_VERIFY              ECDSA_SHA_256
ECC_NIST_P256          KEY_AGREEMENT            ECDH
ECC_NIST_P384          SIGN_VERIFY              ECDSA_SHA_384
ECC_NIST_P384          KEY_AGREEMENT            ECDH
ECC_NIST_P521          SIGN_VERIFY              ECDSA_SHA_512
ECC_NIST_P521          KEY_AGREEMENT            ECDH
ECC_SECG_P256K1        SIGN_VERIFY              ECDSA_SHA_256
ECC_NIST_EDWARDS25519  SIGN_VERIFY              ED25519_SHA_512,ED25519_PH_SHA_512
HMAC_224               GENERATE_VERIFY_MAC      HMAC_SHA_224
HMAC_256               GENERATE_VERIFY_MAC      HMAC_SHA_256
HMAC_384               GENERATE_VERIFY_MAC      HMAC_SHA_384
HMAC_512               GENERATE_VERIFY_MAC      HMAC_SHA_512
ML_DSA_44              SIGN_VERIFY              ML_DSA_SHAKE_256
ML_DSA_65              SIGN_VERIFY              ML_DSA_SHAKE_256
ML_DSA_87              SIGN_VERIFY              ML_DSA_SHAKE_256
ML_KEM_512             ENCAPSULATE_DECAPSULATE  ML_KEM
ML_KEM_768             ENCAPSULATE_DECAPSULATE  ML_KEM
ML_KEM_1024            ENCAPSULATE_DECAPSULATE  ML_KEM
`

const publishedRSASSA = "RSASSA_PSS_SHA_256,RSASSA_PSS_SHA_384,RSASSA_PSS_SHA_512," +
	"RSASSA_PKCS1_V1_5_SHA_256,RSASSA_PKCS1_V1_5_SHA_384,RSASSA_PKCS1_V1_5_SHA_512"

func TestEverySpecHasExactlyAWSsUsagesAndAlgorithms(t *testing.T) {
	var got []string
	for _, spec := range All() {
		for _, usage := range spec.Usages() {
			algorithms := list(Algorithms(spec, usage))
			got = append(got, string(spec)+" "+string(usage)+" "+strings.ReplaceAll(algorithms, " ", ""))
		}
	}
	var want []string
	for line := range strings.Lines(strings.TrimSpace(published)) {
		line = strings.ReplaceAll(line, "RSASSA_*", publishedRSASSA)
		want = append(want, strings.Join(strings.Fields(line), " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table differs from AWS's (-want +got):\n%s", diff)
	}
}

func TestCheckAcceptsExactlyThePairsOfTheTable(t *testing.T) {
	for _, spec := range All() {
		for _, usage := range allUsages {
			allowed := slices.Contains(spec.Usages(), usage)
			got, err := Check(spec, usage)
			if (err == nil) != allowed {
				t.Errorf("Check(%s, %s) = %v, want allowed %t", spec, usage, err, allowed)
			}
			if allowed && got != usage {
				t.Errorf("Check(%s, %s) changed the usage to %q", spec, usage, got)
			}
			if !allowed && Algorithms(spec, usage) != nil {
				t.Errorf("Algorithms(%s, %s) has an answer for a refused pair", spec, usage)
			}
		}
	}
}

func TestOnlySymmetricDefaultHasADefaultUsage(t *testing.T) {
	for _, spec := range All() {
		got, err := Check(spec, "")
		if spec == SymmetricDefault {
			if got != EncryptDecrypt || err != nil {
				t.Errorf("Check(%s, \"\") = %q, %v, want ENCRYPT_DECRYPT", spec, got, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("Check(%s, \"\") = %q, want an error", spec, got)
		}
	}
}

func TestCheckSaysWhatIsAllowed(t *testing.T) {
	tests := map[string]struct {
		spec  Spec
		usage Usage
		want  string
	}{
		"missing usage": {
			RSA2048, "",
			"keySpec RSA_2048 needs a keyUsage (allowed: ENCRYPT_DECRYPT, SIGN_VERIFY)",
		},
		"missing usage with one choice": {
			HMAC256, "",
			"keySpec HMAC_256 needs a keyUsage (allowed: GENERATE_VERIFY_MAC)",
		},
		"wrong usage": {
			RSA2048, KeyAgreement,
			`keyUsage "KEY_AGREEMENT" is not compatible with keySpec RSA_2048 (allowed: ENCRYPT_DECRYPT, SIGN_VERIFY)`,
		},
		"unknown usage": {
			MLKEM768, "WRAP",
			`keyUsage "WRAP" is not compatible with keySpec ML_KEM_768 (allowed: ENCAPSULATE_DECAPSULATE)`,
		},
		"SM2": {
			"SM2", SignVerify,
			"keySpec SM2 is not offered: AWS KMS has it in its China Regions only",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Check(tt.spec, tt.usage)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAnUnknownSpecIsRefusedWithEveryKnownOneNamed(t *testing.T) {
	for _, spec := range []Spec{"", "AES_256", "rsa_2048"} {
		_, err := Check(spec, EncryptDecrypt)
		if err == nil {
			t.Fatalf("Check(%q) accepted an unknown spec", spec)
		}
		for _, known := range All() {
			if !strings.Contains(err.Error(), string(known)) {
				t.Errorf("%q does not name %s", err, known)
			}
		}
		if spec.Valid() || spec.Usages() != nil || spec.Family() != "" || spec.Symmetric() || spec.HasPublicKey() {
			t.Errorf("unknown spec %q has properties", spec)
		}
		if Algorithms(spec, EncryptDecrypt) != nil {
			t.Errorf("unknown spec %q has algorithms", spec)
		}
	}
}

func TestFamilyDecidesWhoRotatesAndWhoHasAPublicKey(t *testing.T) {
	tests := map[Family]struct {
		prefix            string
		symmetric, public bool
	}{
		FamilySymmetric: {"SYMMETRIC_", true, false},
		FamilyHMAC:      {"HMAC_", false, false},
		FamilyRSA:       {"RSA_", false, true},
		FamilyECC:       {"ECC_", false, true},
		FamilyMLDSA:     {"ML_DSA_", false, true},
		FamilyMLKEM:     {"ML_KEM_", false, true},
	}
	for _, spec := range All() {
		want, known := tests[spec.Family()]
		if !known || !strings.HasPrefix(string(spec), want.prefix) {
			t.Errorf("%s is in family %q", spec, spec.Family())
		}
		if spec.Symmetric() != want.symmetric || spec.HasPublicKey() != want.public {
			t.Errorf("%s: Symmetric %t, HasPublicKey %t", spec, spec.Symmetric(), spec.HasPublicKey())
		}
	}
}

func TestCallersCannotChangeTheTable(t *testing.T) {
	All()[0] = "changed"
	RSA2048.Usages()[0] = "changed"
	Algorithms(RSA2048, SignVerify)[0] = "changed"
	if All()[0] == "changed" || RSA2048.Usages()[0] == "changed" || Algorithms(RSA3072, SignVerify)[0] == "changed" {
		t.Error("a returned slice shares memory with the table")
	}
}

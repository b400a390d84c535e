// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// awsUsages is AWS KMS's table of key specs and the usages that each allows.
var awsUsages = map[string][]v1alpha1.KeyUsage{
	"SYMMETRIC_DEFAULT":     {"ENCRYPT_DECRYPT"},
	"RSA_2048":              {"ENCRYPT_DECRYPT", "SIGN_VERIFY"},
	"RSA_3072":              {"ENCRYPT_DECRYPT", "SIGN_VERIFY"},
	"RSA_4096":              {"ENCRYPT_DECRYPT", "SIGN_VERIFY"},
	"ECC_NIST_P256":         {"SIGN_VERIFY", "KEY_AGREEMENT"},
	"ECC_NIST_P384":         {"SIGN_VERIFY", "KEY_AGREEMENT"},
	"ECC_NIST_P521":         {"SIGN_VERIFY", "KEY_AGREEMENT"},
	"ECC_SECG_P256K1":       {"SIGN_VERIFY"},
	"ECC_NIST_EDWARDS25519": {"SIGN_VERIFY"},
	"HMAC_224":              {"GENERATE_VERIFY_MAC"},
	"HMAC_256":              {"GENERATE_VERIFY_MAC"},
	"HMAC_384":              {"GENERATE_VERIFY_MAC"},
	"HMAC_512":              {"GENERATE_VERIFY_MAC"},
	"ML_DSA_44":             {"SIGN_VERIFY"},
	"ML_DSA_65":             {"SIGN_VERIFY"},
	"ML_DSA_87":             {"SIGN_VERIFY"},
	"ML_KEM_512":            {"ENCAPSULATE_DECAPSULATE"},
	"ML_KEM_768":            {"ENCAPSULATE_DECAPSULATE"},
	"ML_KEM_1024":           {"ENCAPSULATE_DECAPSULATE"},
}

var everyUsage = []v1alpha1.KeyUsage{
	"ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE",
}

func TestKeySpecAllowsTheUsagesThatAWSAllowsAndNoOther(t *testing.T) {
	cases := keyCases{}
	for spec, allowed := range awsUsages {
		for _, usage := range everyUsage {
			test := cases[spec+" "+string(usage)]
			test.change = func(key *v1alpha1.Key) { key.Spec.KeySpec, key.Spec.KeyUsage = spec, usage }
			if !slices.Contains(allowed, usage) {
				// What is allowed instead is in the message.
				test.want = refused("spec.keyUsage", string(allowed[0]))
			}
			cases[spec+" "+string(usage)] = test
		}
	}
	if pairs := 19 * 5; len(cases) != pairs {
		t.Fatalf("the table has %d pairs, want %d", len(cases), pairs)
	}
	cases.run(t)
}

func TestKeyUsageIsRequiredForEveryKeySpecButTheDefaultOne(t *testing.T) {
	cases := keyCases{}
	for spec := range awsUsages {
		test := cases[spec]
		test.change = func(key *v1alpha1.Key) { key.Spec.KeySpec = spec }
		if spec != "SYMMETRIC_DEFAULT" {
			test.want = refused("spec.keyUsage", "keyUsage is required for every keySpec but SYMMETRIC_DEFAULT")
		}
		cases[spec] = test
	}
	cases.run(t)
}

func TestKeySpecAndUsageOutsideAWSsListsAreRefused(t *testing.T) {
	with := func(spec string, usage v1alpha1.KeyUsage) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.KeySpec, key.Spec.KeyUsage = spec, usage }
	}
	oneOf := refused("spec.keySpec", "keySpec must be one of SYMMETRIC_DEFAULT, RSA_2048")
	keyCases{
		"SM2":                 {with("SM2", "SIGN_VERIFY"), refused("spec.keySpec", "AWS KMS has it in its China Regions only")},
		"unknown RSA size":    {with("RSA_1024", "SIGN_VERIFY"), oneOf},
		"lower case":          {with("rsa_2048", "SIGN_VERIFY"), oneOf},
		"64 characters":       {with(repeat("R", 64), "SIGN_VERIFY"), oneOf},
		"65 characters":       {with(repeat("R", 65), "SIGN_VERIFY"), refused("spec.keySpec", "may not be more than 64")},
		"unknown usage":       {with("RSA_2048", "WRAP_KEY"), refused("spec.keyUsage", `supported values: "ENCRYPT_DECRYPT"`)},
		"usage in lower case": {with("RSA_2048", "sign_verify"), refused("spec.keyUsage", "Unsupported value")},
	}.run(t)
}

func TestKeyDefaultsAreAWSs(t *testing.T) {
	key := newKey(env.Namespace(t))
	key.Spec = v1alpha1.KeySpec{Description: "all defaults"}
	if err := env.Client.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if key.Spec.KeySpec != "SYMMETRIC_DEFAULT" {
		t.Errorf("keySpec is %q", key.Spec.KeySpec)
	}
	if key.Spec.Enabled == nil || !*key.Spec.Enabled {
		t.Errorf("enabled is %v, want true", key.Spec.Enabled)
	}
	if key.Spec.Deletion.Policy != v1alpha1.DeletionRetain {
		t.Errorf("deletion.policy is %q", key.Spec.Deletion.Policy)
	}
	if key.Spec.KeyUsage != "" || key.Spec.Rotation != nil || key.Spec.Deletion.Protected != nil {
		t.Errorf("more than keySpec, enabled and deletion.policy was set: %+v", key.Spec)
	}
}

func TestOnlySymmetricKeysRotate(t *testing.T) {
	rotating := func(spec string, usage v1alpha1.KeyUsage) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.KeySpec, key.Spec.KeyUsage = spec, usage
			key.Spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)}
		}
	}
	cases := keyCases{}
	for spec, usages := range awsUsages {
		test := cases[spec]
		test.change = rotating(spec, usages[0])
		if spec != "SYMMETRIC_DEFAULT" {
			test.want = refused("spec.rotation", "only keys with keySpec SYMMETRIC_DEFAULT can rotate")
		}
		cases[spec] = test
	}
	cases.run(t)
}

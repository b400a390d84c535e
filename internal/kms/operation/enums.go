// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import "regexp"

// enums are the values of AWS's enumerations, by their names in the API model (aws-sdk-go-v2 service/kms v1.62.4).
var enums = map[string][]string{
	"AlgorithmSpec":              {"RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE"},
	"CustomerMasterKeySpec":      {"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2"},
	"DataKeyPairSpec":            {"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "SM2", "ECC_NIST_EDWARDS25519", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"},
	"DataKeySpec":                {"AES_256", "AES_128"},
	"DryRunModifierType":         {"IGNORE_CIPHERTEXT"},
	"EncryptionAlgorithmSpec":    {"SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"},
	"ExpirationModelType":        {"KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"},
	"GrantOperation":             {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign", "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "DeriveSharedSecret", "Encapsulate", "Decapsulate"},
	"ImportType":                 {"NEW_KEY_MATERIAL", "EXISTING_KEY_MATERIAL"},
	"IncludeKeyMaterial":         {"ALL_KEY_MATERIAL", "ROTATIONS_ONLY"},
	"KeyAgreementAlgorithmSpec":  {"ECDH"},
	"EncapsulationAlgorithmSpec": {"ML_KEM"},
	"KeyEncryptionMechanism":     {"RSAES_OAEP_SHA_256"},
	"KeySpec":                    {"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ECC_NIST_EDWARDS25519", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"},
	"KeyUsageType":               {"SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"},
	"MacAlgorithmSpec":           {"HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"},
	"MessageType":                {"RAW", "DIGEST", "EXTERNAL_MU"},
	"OriginType":                 {"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"},
	"SigningAlgorithmSpec":       {"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "ECDSA_SHA_256", "ECDSA_SHA_384", "ECDSA_SHA_512", "SM2DSA", "ML_DSA_SHAKE_256", "ED25519_SHA_512", "ED25519_PH_SHA_512"},
	"WrappingKeySpec":            {"RSA_2048", "RSA_3072", "RSA_4096", "SM2"},
}

// patterns are those of AWS's API model, but for the names of Regions: here they are the operator's choice.
var patterns = map[string]*regexp.Regexp{
	"AliasNameType":              regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`),
	"BackingKeyIdType":           regexp.MustCompile(`^[a-f0-9]+$`),
	"GrantNameType":              regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`),
	"KeyMaterialDescriptionType": regexp.MustCompile(`^[a-zA-Z0-9:/_\s.-]+$`),
	"MarkerType":                 regexp.MustCompile(`^[\x{0020}-\x{00FF}]*$`),
	"PolicyNameType":             regexp.MustCompile(`^\w+$`),
	"PolicyType":                 regexp.MustCompile(`^[\x{0009}\x{000A}\x{000D}\x{0020}-\x{00FF}]+$`),
	"PrincipalIdType":            regexp.MustCompile(`^[\w+=,.@:/-]+$`),
	"RegionType":                 regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`),
	"XksKeyIdType":               regexp.MustCompile(`^[a-zA-Z0-9-_.]+$`),
}

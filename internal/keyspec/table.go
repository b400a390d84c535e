// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyspec

// Algorithm is a value of AWS KMS's EncryptionAlgorithm, SigningAlgorithm, MacAlgorithm, KeyAgreementAlgorithm or
// EncapsulationAlgorithm; the usage says which.
type Algorithm string

// The algorithms, by AWS's names. Encryption with a symmetric key has the spec's own name.
const (
	AlgorithmSymmetricDefault Algorithm = "SYMMETRIC_DEFAULT"

	RSAESOAEPSHA1   Algorithm = "RSAES_OAEP_SHA_1"
	RSAESOAEPSHA256 Algorithm = "RSAES_OAEP_SHA_256"

	RSASSAPSSSHA256      Algorithm = "RSASSA_PSS_SHA_256"
	RSASSAPSSSHA384      Algorithm = "RSASSA_PSS_SHA_384"
	RSASSAPSSSHA512      Algorithm = "RSASSA_PSS_SHA_512"
	RSASSAPKCS1V15SHA256 Algorithm = "RSASSA_PKCS1_V1_5_SHA_256"
	RSASSAPKCS1V15SHA384 Algorithm = "RSASSA_PKCS1_V1_5_SHA_384"
	RSASSAPKCS1V15SHA512 Algorithm = "RSASSA_PKCS1_V1_5_SHA_512"

	ECDSASHA256     Algorithm = "ECDSA_SHA_256"
	ECDSASHA384     Algorithm = "ECDSA_SHA_384"
	ECDSASHA512     Algorithm = "ECDSA_SHA_512"
	Ed25519SHA512   Algorithm = "ED25519_SHA_512"
	Ed25519PHSHA512 Algorithm = "ED25519_PH_SHA_512"
	ECDH            Algorithm = "ECDH"

	HMACSHA224 Algorithm = "HMAC_SHA_224"
	HMACSHA256 Algorithm = "HMAC_SHA_256"
	HMACSHA384 Algorithm = "HMAC_SHA_384"
	HMACSHA512 Algorithm = "HMAC_SHA_512"

	MLDSASHAKE256 Algorithm = "ML_DSA_SHAKE_256"
	MLKEM         Algorithm = "ML_KEM"
)

// entry is one row of AWS's table of key specs.
type entry struct {
	spec   Spec
	family Family
	usages []usageAlgorithms
}

// usageAlgorithms is one usage a spec allows, with that usage's algorithms.
type usageAlgorithms struct {
	usage      Usage
	algorithms []Algorithm
}

// table follows the key spec reference of the AWS KMS developer guide. The order shows in error messages and nowhere
// else; in particular the first usage of a spec is not its default.
var table = []entry{
	{SymmetricDefault, FamilySymmetric, []usageAlgorithms{{EncryptDecrypt, []Algorithm{AlgorithmSymmetricDefault}}}},
	{RSA2048, FamilyRSA, rsaUsages},
	{RSA3072, FamilyRSA, rsaUsages},
	{RSA4096, FamilyRSA, rsaUsages},
	{ECCNISTP256, FamilyECC, nistUsages(ECDSASHA256)},
	{ECCNISTP384, FamilyECC, nistUsages(ECDSASHA384)},
	{ECCNISTP521, FamilyECC, nistUsages(ECDSASHA512)},
	{ECCSECGP256K1, FamilyECC, []usageAlgorithms{{SignVerify, []Algorithm{ECDSASHA256}}}},
	{ECCNISTEdwards25519, FamilyECC, []usageAlgorithms{{SignVerify, []Algorithm{Ed25519SHA512, Ed25519PHSHA512}}}},
	{HMAC224, FamilyHMAC, []usageAlgorithms{{GenerateVerifyMAC, []Algorithm{HMACSHA224}}}},
	{HMAC256, FamilyHMAC, []usageAlgorithms{{GenerateVerifyMAC, []Algorithm{HMACSHA256}}}},
	{HMAC384, FamilyHMAC, []usageAlgorithms{{GenerateVerifyMAC, []Algorithm{HMACSHA384}}}},
	{HMAC512, FamilyHMAC, []usageAlgorithms{{GenerateVerifyMAC, []Algorithm{HMACSHA512}}}},
	{MLDSA44, FamilyMLDSA, mldsaUsages},
	{MLDSA65, FamilyMLDSA, mldsaUsages},
	{MLDSA87, FamilyMLDSA, mldsaUsages},
	{MLKEM512, FamilyMLKEM, mlkemUsages},
	{MLKEM768, FamilyMLKEM, mlkemUsages},
	{MLKEM1024, FamilyMLKEM, mlkemUsages},
}

var (
	rsaUsages = []usageAlgorithms{
		{EncryptDecrypt, []Algorithm{RSAESOAEPSHA1, RSAESOAEPSHA256}},
		{SignVerify, []Algorithm{
			RSASSAPSSSHA256, RSASSAPSSSHA384, RSASSAPSSSHA512,
			RSASSAPKCS1V15SHA256, RSASSAPKCS1V15SHA384, RSASSAPKCS1V15SHA512,
		}},
	}
	mldsaUsages = []usageAlgorithms{{SignVerify, []Algorithm{MLDSASHAKE256}}}
	mlkemUsages = []usageAlgorithms{{EncapsulateDecapsulate, []Algorithm{MLKEM}}}
)

// nistUsages: each NIST curve signs with the one hash of its own strength.
func nistUsages(signing Algorithm) []usageAlgorithms {
	return []usageAlgorithms{
		{SignVerify, []Algorithm{signing}},
		{KeyAgreement, []Algorithm{ECDH}},
	}
}

func find(spec Spec) *entry {
	for i := range table {
		if table[i].spec == spec {
			return &table[i]
		}
	}
	return nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package keyspec knows which kinds of key there are: every key spec of AWS KMS, the usages AWS allows for it, and the
// algorithms of each usage. It is the one place that knows; the API's enums, the software KMS and the AWS backend all
// ask here.
//
// Names are AWS's own. A spec and a usage are fixed when a key is created and never change. SM2, the one spec of AWS's
// API that is not here, exists in AWS's China Regions only.
package keyspec

import "slices"

// Spec is AWS KMS's KeySpec: what kind of key material a key holds.
type Spec string

// The key specs, by AWS's names.
const (
	SymmetricDefault    Spec = "SYMMETRIC_DEFAULT"
	RSA2048             Spec = "RSA_2048"
	RSA3072             Spec = "RSA_3072"
	RSA4096             Spec = "RSA_4096"
	ECCNISTP256         Spec = "ECC_NIST_P256"
	ECCNISTP384         Spec = "ECC_NIST_P384"
	ECCNISTP521         Spec = "ECC_NIST_P521"
	ECCSECGP256K1       Spec = "ECC_SECG_P256K1"
	ECCNISTEdwards25519 Spec = "ECC_NIST_EDWARDS25519"
	HMAC224             Spec = "HMAC_224"
	HMAC256             Spec = "HMAC_256"
	HMAC384             Spec = "HMAC_384"
	HMAC512             Spec = "HMAC_512"
	MLDSA44             Spec = "ML_DSA_44"
	MLDSA65             Spec = "ML_DSA_65"
	MLDSA87             Spec = "ML_DSA_87"
	MLKEM512            Spec = "ML_KEM_512"
	MLKEM768            Spec = "ML_KEM_768"
	MLKEM1024           Spec = "ML_KEM_1024"
)

// Usage is AWS KMS's KeyUsage: the one group of operations a key serves.
type Usage string

// The key usages, by AWS's names.
const (
	EncryptDecrypt         Usage = "ENCRYPT_DECRYPT"
	SignVerify             Usage = "SIGN_VERIFY"
	GenerateVerifyMAC      Usage = "GENERATE_VERIFY_MAC"
	KeyAgreement           Usage = "KEY_AGREEMENT"
	EncapsulateDecapsulate Usage = "ENCAPSULATE_DECAPSULATE"
)

// Family groups the specs that share their mathematics.
type Family string

// The families.
const (
	FamilySymmetric Family = "symmetric"
	FamilyHMAC      Family = "HMAC"
	FamilyRSA       Family = "RSA"
	FamilyECC       Family = "ECC"
	FamilyMLDSA     Family = "ML-DSA"
	FamilyMLKEM     Family = "ML-KEM"
)

// All returns every spec, always in the same order.
func All() []Spec {
	specs := make([]Spec, len(table))
	for i, e := range table {
		specs[i] = e.spec
	}
	return specs
}

// Valid reports whether s is a known spec.
func (s Spec) Valid() bool { return find(s) != nil }

// Family returns the spec's family, or "" for an unknown spec.
func (s Spec) Family() Family {
	if e := find(s); e != nil {
		return e.family
	}
	return ""
}

// Usages returns the usages allowed for s, always in the same order; none for an unknown spec.
func (s Spec) Usages() []Usage {
	e := find(s)
	if e == nil {
		return nil
	}
	usages := make([]Usage, len(e.usages))
	for i, u := range e.usages {
		usages[i] = u.usage
	}
	return usages
}

// Symmetric reports whether s is SYMMETRIC_DEFAULT. Only such keys rotate, and only their ciphertext can carry an
// encryption context. HMAC keys are secret too, but AWS does not count them here.
func (s Spec) Symmetric() bool { return s.Family() == FamilySymmetric }

// HasPublicKey reports whether keys of s are pairs, so that GetPublicKey has an answer.
func (s Spec) HasPublicKey() bool {
	switch s.Family() {
	case FamilyRSA, FamilyECC, FamilyMLDSA, FamilyMLKEM:
		return true
	default:
		return false
	}
}

// Algorithms returns what a key of this spec and usage can be asked for by algorithm name, always in the same order;
// none for a pair that Check refuses.
func Algorithms(spec Spec, usage Usage) []Algorithm { return slices.Clone(algorithms(spec, usage)) }

// HasAlgorithm reports whether an algorithm is one of Algorithms.
func HasAlgorithm(spec Spec, usage Usage, algorithm Algorithm) bool {
	return slices.Contains(algorithms(spec, usage), algorithm)
}

func algorithms(spec Spec, usage Usage) []Algorithm {
	e := find(spec)
	if e == nil {
		return nil
	}
	for _, u := range e.usages {
		if u.usage == usage {
			return u.algorithms
		}
	}
	return nil
}

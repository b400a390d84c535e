// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import "encoding/asn1"

// The object identifiers that crypto/x509 does not know, or keeps to itself.
var (
	// RFC 5480, 2.1.1: id-ecPublicKey; SEC 2, A.2.1: secp256k1.
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSECGP256K1  = asn1.ObjectIdentifier{1, 3, 132, 0, 10}

	// RFC 5480, 2.1.1.1: secp256r1, secp384r1, secp521r1.
	oidP256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidP384 = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	oidP521 = asn1.ObjectIdentifier{1, 3, 132, 0, 35}

	// RFC 8017, A.1: rsaEncryption; RFC 8410, 3: id-Ed25519.
	oidRSAEncryption = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEd25519       = asn1.ObjectIdentifier{1, 3, 101, 112}

	// RFC 9881, 2: id-ml-dsa-44, -65, -87.
	oidMLDSA44 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17}
	oidMLDSA65 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}
	oidMLDSA87 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 19}

	// RFC 9935, 3: id-alg-ml-kem-512, -768, -1024.
	oidMLKEM512  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 1}
	oidMLKEM768  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 2}
	oidMLKEM1024 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 3}
)

// subjectPublicKeyInfo assembles the structure of RFC 5280, 4.1. The algorithm identifier is the algorithm's OID, for an
// elliptic curve followed by the curve's as its parameter (RFC 5480, 2.1.1: namedCurve), else by nothing: RFC 9881 and RFC
// 9935 demand that parameters be absent, not NULL. Either way that is a sequence of OIDs.
func subjectPublicKeyInfo(key []byte, algorithm ...asn1.ObjectIdentifier) ([]byte, error) {
	return asn1.Marshal(struct {
		Algorithm []asn1.ObjectIdentifier
		PublicKey asn1.BitString
	}{algorithm, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package wrapping

import (
	"crypto"
	// What crypto.Hash knows is what is linked in.
	_ "crypto/sha1" // #nosec G505 -- of OAEP's hash no resistance to collisions is asked; AWS offers it
	_ "crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// Algorithm is AWS KMS's AlgorithmSpec: how key material is encrypted on its way in.
type Algorithm string

// The wrapping algorithms, by AWS's names.
const (
	RSAESOAEPSHA1       Algorithm = "RSAES_OAEP_SHA_1"
	RSAESOAEPSHA256     Algorithm = "RSAES_OAEP_SHA_256"
	RSAAESKeyWrapSHA1   Algorithm = "RSA_AES_KEY_WRAP_SHA_1"
	RSAAESKeyWrapSHA256 Algorithm = "RSA_AES_KEY_WRAP_SHA_256"

	// RSAESPKCS1V15 is in AWS's API and refused, by AWS since 10 October 2023.
	RSAESPKCS1V15 Algorithm = "RSAES_PKCS1_V1_5"
	// SM2PKE is in AWS's API and refused: AWS has it in its China Regions only.
	SM2PKE Algorithm = "SM2PKE"
)

// KeySpec is AWS KMS's WrappingKeySpec: the kind of wrapping key.
type KeySpec string

// The wrapping key specs, by AWS's names.
const (
	RSA2048 KeySpec = "RSA_2048"
	RSA3072 KeySpec = "RSA_3072"
	RSA4096 KeySpec = "RSA_4096"

	// SM2 is in AWS's API and refused: AWS has it in its China Regions only.
	SM2 KeySpec = "SM2"
)

// The errors of names and combinations. They are wrapped, so use errors.Is.
var (
	// ErrUnknown: AWS's API has no such wrapping algorithm, wrapping key spec or key spec.
	ErrUnknown = errors.New("unknown")
	// ErrUnsupported: AWS's API has it, but not here, or not for this key.
	ErrUnsupported = errors.New("not supported")
)

// form is how an algorithm's ciphertext is made up.
type form struct {
	hash       crypto.Hash
	throughAES bool
}

// offered is in AWS's order of preference.
var offered = []Algorithm{RSAAESKeyWrapSHA256, RSAAESKeyWrapSHA1, RSAESOAEPSHA256, RSAESOAEPSHA1}

var forms = map[Algorithm]form{
	RSAESOAEPSHA1:       {crypto.SHA1, false},
	RSAESOAEPSHA256:     {crypto.SHA256, false},
	RSAAESKeyWrapSHA1:   {crypto.SHA1, true},
	RSAAESKeyWrapSHA256: {crypto.SHA256, true},
}

func (a Algorithm) form() (form, error) {
	f, ok := forms[a]
	switch {
	case ok:
		return f, nil
	case a == RSAESPKCS1V15:
		return form{}, fmt.Errorf("%w: wrapping algorithm %s, which AWS KMS withdrew on 10 October 2023", ErrUnsupported, a)
	case a == SM2PKE:
		return form{}, fmt.Errorf("%w: wrapping algorithm %s, which AWS KMS has in its China Regions only", ErrUnsupported, a)
	default:
		return form{}, fmt.Errorf("%w wrapping algorithm %q", ErrUnknown, string(a))
	}
}

func (s KeySpec) bits() (int, error) {
	switch s {
	case RSA2048:
		return 2048, nil
	case RSA3072:
		return 3072, nil
	case RSA4096:
		return 4096, nil
	case SM2:
		return 0, fmt.Errorf("%w: wrapping key spec %s, which AWS KMS has in its China Regions only", ErrUnsupported, s)
	default:
		return 0, fmt.Errorf("%w wrapping key spec %q", ErrUnknown, string(s))
	}
}

// Algorithms returns the wrapping algorithms for a key and a wrapping key, best first; none if either is unknown.
func Algorithms(spec keyspec.Spec, wrappingKeySpec KeySpec) []Algorithm {
	return slices.DeleteFunc(slices.Clone(offered), func(a Algorithm) bool {
		return CheckAlgorithm(spec, a, wrappingKeySpec) != nil
	})
}

// CheckAlgorithm decides whether key material of a key spec can be imported with a wrapping algorithm and a wrapping key
// spec. Names that AWS's API does not have are ErrUnknown, all else ErrUnsupported. The rules are those of AWS's
// GetParametersForImport:
//
//   - RSA private keys need RSA_AES_KEY_WRAP_*, as RSA-OAEP has room for a fraction of one;
//   - P-521 private keys need it under an RSA_2048 wrapping key: 241 bytes of PKCS #8 where 190 or 214 have room.
//
// All other material fits. AWS's API documents RSA_AES_KEY_WRAP_* for RSA and ECC private keys; here it carries all key
// specs, as it must the longer forms of ML-DSA and ML-KEM private keys.
func CheckAlgorithm(spec keyspec.Spec, algorithm Algorithm, wrappingKeySpec KeySpec) error {
	f, err := algorithm.form()
	if err != nil {
		return err
	}
	if _, err := wrappingKeySpec.bits(); err != nil {
		return err
	}
	switch {
	case !spec.Valid():
		return fmt.Errorf("%w key spec %q", ErrUnknown, string(spec))
	case f.throughAES:
		return nil
	case spec.Family() == keyspec.FamilyRSA:
		return fmt.Errorf("%w: wrapping algorithm %s for %s private keys, which it is too small for: use %s",
			ErrUnsupported, algorithm, spec, RSAAESKeyWrapSHA256)
	case spec == keyspec.ECCNISTP521 && wrappingKeySpec == RSA2048:
		return fmt.Errorf("%w: wrapping algorithm %s for %s private keys with wrapping key spec %s: use %s or %s",
			ErrUnsupported, algorithm, spec, wrappingKeySpec, RSAAESKeyWrapSHA256, RSA3072)
	default:
		return nil
	}
}

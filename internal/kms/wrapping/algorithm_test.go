// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package wrapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material"
)

// documented is AWS's rule once more, by hand: which key specs RSAES_OAEP_* does not serve, for each wrapping key spec.
var documented = map[KeySpec][]keyspec.Spec{
	RSA2048: {keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096, keyspec.ECCNISTP521},
	RSA3072: {keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096},
	RSA4096: {keyspec.RSA2048, keyspec.RSA3072, keyspec.RSA4096},
}

func TestEachKeySpecHasExactlyAWSsAlgorithms(t *testing.T) {
	all := []Algorithm{RSAAESKeyWrapSHA256, RSAAESKeyWrapSHA1, RSAESOAEPSHA256, RSAESOAEPSHA1}
	for wrappingKeySpec, withoutOAEP := range documented {
		for _, spec := range keyspec.All() {
			want := all
			if slices.Contains(withoutOAEP, spec) {
				want = all[:2]
			}
			if diff := cmp.Diff(want, Algorithms(spec, wrappingKeySpec)); diff != "" {
				t.Errorf("%s under %s (-want +got):\n%s", spec, wrappingKeySpec, diff)
			}
		}
	}
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		spec      keyspec.Spec
		algorithm Algorithm
		wrapping  KeySpec
		want      error
		says      string
	}{
		{keyspec.SymmetricDefault, RSAESPKCS1V15, RSA2048, ErrUnsupported, "withdrew on 10 October 2023"},
		{keyspec.SymmetricDefault, SM2PKE, SM2, ErrUnsupported, "China"},
		{keyspec.SymmetricDefault, RSAESOAEPSHA256, SM2, ErrUnsupported, "China"},
		{keyspec.RSA2048, RSAESOAEPSHA256, RSA4096, ErrUnsupported, "use RSA_AES_KEY_WRAP_SHA_256"},
		{keyspec.ECCNISTP521, RSAESOAEPSHA1, RSA2048, ErrUnsupported, "use RSA_AES_KEY_WRAP_SHA_256 or RSA_3072"},
		{keyspec.SymmetricDefault, "AES_KEY_WRAP", RSA2048, ErrUnknown, `unknown wrapping algorithm "AES_KEY_WRAP"`},
		{keyspec.SymmetricDefault, RSAESOAEPSHA256, "RSA_1024", ErrUnknown, `unknown wrapping key spec "RSA_1024"`},
		{"AES_256", RSAESOAEPSHA256, RSA2048, ErrUnknown, `unknown key spec "AES_256"`},
	} {
		err := CheckAlgorithm(tt.spec, tt.algorithm, tt.wrapping)
		if !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s, %s, %s: got %v, want %v that says %q", tt.spec, tt.algorithm, tt.wrapping, err, tt.want, tt.says)
		}
		if got := Algorithms(tt.spec, tt.wrapping); slices.Contains(got, tt.algorithm) {
			t.Errorf("%s is offered all the same", tt.algorithm)
		}
	}
}

// Every offer holds: real material of the spec, in the form that is imported, goes through. What AWS excludes would not fit.
func TestMaterialFitsExactlyWhereAWSOffersTheAlgorithm(t *testing.T) {
	for _, spec := range keyspec.All() {
		t.Run(string(spec), func(t *testing.T) {
			m, err := material.Generate(spec)
			if err != nil {
				t.Fatal(err)
			}
			imported := m.Export()
			if spec.HasPublicKey() {
				if imported, err = m.PKCS8(); err != nil {
					t.Fatal(err)
				}
			}
			for _, wrappingKeySpec := range []KeySpec{RSA2048, RSA3072, RSA4096} {
				key := wrappingKey(t, wrappingKeySpec)
				for _, algorithm := range offered {
					room := key.public.Size() - 2*forms[algorithm].hash.Size() - 2
					fits := forms[algorithm].throughAES || len(imported) <= room
					if err := CheckAlgorithm(spec, algorithm, wrappingKeySpec); (err == nil) != fits {
						t.Errorf("%d bytes with %s under %s: %v", len(imported), algorithm, wrappingKeySpec, err)
					}
					if !fits {
						continue
					}
					unwrapped, err := Unwrap(algorithm, key.private, encrypt(t, key.public, algorithm, imported))
					if err != nil {
						t.Fatal(err)
					}
					back, err := material.ParseImported(spec, unwrapped)
					if err != nil || !back.Equal(m) {
						t.Errorf("%s under %s: other material, or %v", algorithm, wrappingKeySpec, err)
					}
				}
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"testing"

	"filippo.io/mldsa"
	mldsax509 "filippo.io/mldsa/x509"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

func TestMLDSAKeysOfWycheproofAreImported(t *testing.T) {
	type seeds struct{ PrivateSeed, PrivateKeyPkcs8, PublicKey hexBytes }
	type expandeds struct{ PrivateKey, PublicKey hexBytes }
	for size := range mldsaSets() {
		t.Run(size, func(t *testing.T) {
			spec := keyspec.Spec("ML_DSA_" + size)
			expanded := map[string][]byte{}
			for _, g := range load[expandeds](t, "mldsa_"+size+"_sign_noseed_test.json") {
				expanded[string(g.PublicKey)] = g.PrivateKey
			}
			alone, both := 0, 0
			for _, g := range load[seeds](t, "mldsa_"+size+"_sign_seed_test.json") {
				if len(g.PrivateSeed) != mldsa.PrivateKeySize || len(g.PrivateKeyPkcs8) == 0 {
					continue
				}
				m := mustParse(t, spec, g.PrivateSeed)
				same(t, "the seed alone", m, g.PrivateKeyPkcs8)
				if !bytes.Equal(mustPKCS8(t, m), g.PrivateKeyPkcs8) {
					t.Error("PKCS8 differs from Wycheproof's")
				}
				if _, err := mldsax509.ParsePKCS8PrivateKey(mustPKCS8(t, m)); err != nil {
					t.Errorf("the library does not read it: %v", err)
				}
				alone++
				if long, ok := expanded[string(g.PublicKey)]; ok {
					wantBothForms(t, m, long)
					both++
				}
			}
			if alone < 10 || both < 5 {
				t.Errorf("only %d seeds, %d with the expanded key", alone, both)
			}
		})
	}
}

func TestMLKEMKeysOfWycheproofAreImported(t *testing.T) {
	type group struct {
		Tests []struct{ Seed, Dk hexBytes }
	}
	for _, size := range []int{512, 768, 1024} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			tested := 0
			for _, g := range load[group](t, fmt.Sprintf("mlkem_%d_keygen_seed_test.json", size)) {
				for _, tt := range g.Tests[:min(10, len(g.Tests))] {
					m := mustParse(t, keyspec.Spec(fmt.Sprintf("ML_KEM_%d", size)), tt.Seed)
					wantBothForms(t, m, tt.Dk)
					// AWS: the private key of a pair has the same length for all parameter sets, as it is the seed.
					if der := mustPKCS8(t, m); len(der) != 86 {
						t.Errorf("PKCS8 has %d bytes", len(der))
					}
					tested++
				}
			}
			if tested < 10 {
				t.Errorf("only %d keys", tested)
			}
		})
	}
}

// wantBothForms imports a seed with its expanded key, and wants each of them wrong or alone refused.
func wantBothForms(t *testing.T, m Material, expanded []byte) {
	t.Helper()
	key := mustParsePKCS8(t, mustPKCS8(t, m))
	seed := m.Export()
	same(t, "both", m, with(t, key, seedAndExpanded{seed, expanded}))

	other := bytes.Clone(expanded)
	other[len(other)/2] ^= 1
	refuseImport(t, m.Spec(), with(t, key, seedAndExpanded{seed, other}), "belong together")
	refuseImport(t, m.Spec(), with(t, key, seedAndExpanded{seed, nil}), "belong together")
	refuseImport(t, m.Spec(), with(t, key, seedAndExpanded{seed[1:], expanded}), "bytes")
	refuseImport(t, m.Spec(), with(t, key, expanded), "expanded key alone")
	refuseImport(t, m.Spec(), with(t, key, asn1.RawValue{Class: asn1.ClassContextSpecific, Bytes: seed[1:]}), "bytes")
	refuseImport(t, m.Spec(), with(t, key, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: seed}), "neither")
}

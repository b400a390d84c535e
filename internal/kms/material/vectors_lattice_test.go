// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"crypto/sha3"
	"errors"
	"slices"
	"testing"

	"filippo.io/mldsa"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms/material/mldsaverify"
)

func mldsaSets() map[string]mldsa.Parameters {
	return map[string]mldsa.Parameters{"44": mldsa.MLDSA44(), "65": mldsa.MLDSA65(), "87": mldsa.MLDSA87()}
}

func TestMLDSASignaturesOfWycheproof(t *testing.T) {
	type group struct {
		PublicKey hexBytes
		Tests     []signatureTest
	}
	for size, params := range mldsaSets() {
		t.Run(size, func(t *testing.T) {
			accepted, byMu := 0, 0
			for _, g := range load[group](t, "mldsa_"+size+"_verify_test.json") {
				key, err := mldsa.NewPublicKey(params, g.PublicKey)
				for _, tt := range g.Tests {
					if err != nil {
						if tt.Result == "valid" {
							t.Errorf("%s: %v", tt.Comment, err)
						}
						continue
					}
					// AWS has no context strings: what was signed with one does not verify here.
					valid := tt.Result == "valid" && len(tt.Ctx) == 0
					judge(t, tt, valid, verifyMLDSA(key, MessageRaw, tt.Msg, tt.Sig), &accepted)
					// Mu has the context string in it, if the caller computed it so.
					if len(tt.Ctx) <= 255 {
						mu := representative(key, tt.Ctx, tt.Msg)
						judge(t, tt, tt.Result == "valid", verifyMLDSA(key, MessageExternalMu, mu, tt.Sig), &byMu)
					}
				}
			}
			if accepted < 20 || byMu <= accepted {
				t.Errorf("only %d accepted, %d by mu", accepted, byMu)
			}
		})
	}
}

// representative is FIPS 204's mu: SHAKE256(SHAKE256(public key) || 0 || |context| || context || message).
func representative(key *mldsa.PublicKey, context, message []byte) []byte {
	tr := sha3.SumSHAKE256(key.Bytes(), 64)
	return sha3.SumSHAKE256(slices.Concat(tr, []byte{0, byte(len(context))}, context, message), mldsaverify.MuSize)
}

// The vectors were signed without randomness, so Sign's own signatures differ. They must verify as the vectors' do, and
// those made from Wycheproof's mu must verify with the message, which shows that mu is taken as FIPS 204 means it.
func TestMLDSASeedsOfWycheproofSign(t *testing.T) {
	type group struct {
		PrivateSeed hexBytes
		Tests       []struct {
			signatureTest

			Mu hexBytes
		}
	}
	for size := range mldsaSets() {
		t.Run(size, func(t *testing.T) {
			spec := keyspec.Spec("ML_DSA_" + size)
			signed, fromMu := 0, 0
			for _, g := range load[group](t, "mldsa_"+size+"_sign_seed_test.json") {
				for _, tt := range g.Tests {
					if tt.Result != "valid" || len(tt.Ctx) > 0 || tt.Msg == nil {
						continue // a context string, or mu without the message to verify with
					}
					m := mustParse(t, spec, g.PrivateSeed)
					if err := m.Verify(keyspec.MLDSASHAKE256, MessageRaw, tt.Msg, tt.Sig); err != nil {
						t.Errorf("%s: %v", tt.Comment, err)
					}
					forms := map[MessageType][]byte{MessageRaw: tt.Msg}
					if len(tt.Mu) > 0 {
						forms[MessageExternalMu] = tt.Mu
						fromMu++
					}
					for form, input := range forms {
						sig, err := m.Sign(keyspec.MLDSASHAKE256, form, input)
						if err != nil {
							t.Fatal(err)
						}
						for as, message := range forms {
							if err := m.Verify(keyspec.MLDSASHAKE256, as, message, sig); err != nil {
								t.Errorf("%s, signed as %s, verified as %s: %v", tt.Comment, form, as, err)
							}
						}
					}
					signed++
				}
			}
			if signed < 20 || fromMu < 20 {
				t.Errorf("only %d signed, %d from mu", signed, fromMu)
			}
		})
	}
}

// Vectors of implicit rejection are among the valid ones: their K is the pseudo-random secret.
func TestMLKEMCiphertextsOfWycheproof(t *testing.T) {
	type group struct {
		Tests []struct {
			Comment, Result string
			Seed, C, K      hexBytes
			Flags           []string
		}
	}
	for _, size := range []string{"512", "768", "1024"} {
		t.Run(size, func(t *testing.T) {
			accepted, refused := 0, 0
			spec := keyspec.Spec("ML_KEM_" + size)
			for _, g := range load[group](t, "mlkem_"+size+"_test.json") {
				for _, tt := range g.Tests {
					m, err := Parse(spec, tt.Seed)
					if err != nil && tt.Result == "invalid" {
						refused++
						continue
					}
					secret, err := m.Decapsulate(keyspec.MLKEM, tt.C)
					switch {
					case tt.Result == "valid" && err == nil && bytes.Equal(secret, tt.K):
						accepted++
					case tt.Result == "invalid" && errors.Is(err, ErrInvalidCiphertext):
						refused++
					default:
						t.Errorf("%s %v (%s): got %x, %v", tt.Comment, tt.Flags, tt.Result, secret, err)
					}
				}
			}
			if accepted < 100 || refused < 10 {
				t.Errorf("only %d accepted, %d refused", accepted, refused)
			}
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"regexp"
	"sync"
	"testing"
	"testing/cryptotest"

	mldsax509 "filippo.io/mldsa/x509"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
)

// generated makes one material per spec for the whole test run: RSA is too slow to do it in each test.
var generated = sync.OnceValues(func() (map[keyspec.Spec]Material, error) {
	all := map[keyspec.Spec]Material{}
	for _, spec := range keyspec.All() {
		m, err := Generate(spec)
		if err != nil {
			return nil, err
		}
		all[spec] = m
	}
	return all, nil
})

// eachSpec runs a test once per spec, with material of that spec that the test must not destroy.
func eachSpec(t *testing.T, test func(t *testing.T, m Material)) {
	t.Helper()
	all, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range keyspec.All() {
		t.Run(string(spec), func(t *testing.T) { test(t, all[spec]) })
	}
}

func mustParse(t *testing.T, spec keyspec.Spec, encoded []byte) Material {
	t.Helper()
	m, err := Parse(spec, encoded)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEverySpecOfAWSCanBeMade(t *testing.T) {
	if len(kinds) != len(keyspec.All()) {
		t.Errorf("%d kinds for %d specs", len(kinds), len(keyspec.All()))
	}
	hex64 := regexp.MustCompile(`^[0-9a-f]{64}$`)
	eachSpec(t, func(t *testing.T, m Material) {
		if !hex64.MatchString(m.ID()) {
			t.Errorf("ID %q is not 64 lower-case hex digits", m.ID())
		}
		if kinds[m.Spec()] == nil {
			t.Errorf("Spec() is %q", m.Spec())
		}
	})
}

func TestMaterialComesBackFromExportUnchanged(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		back := mustParse(t, m.Spec(), m.Export())
		if !back.Equal(m) || back.ID() != m.ID() || back.Spec() != m.Spec() {
			t.Errorf("%v with ID %s came back as %v with ID %s", m, m.ID(), back, back.ID())
		}
		if !bytes.Equal(back.Export(), m.Export()) {
			t.Error("a second Export differs from the first")
		}
		if !m.Spec().HasPublicKey() {
			return
		}
		before, errBefore := m.PublicKey()
		after, errAfter := back.PublicKey()
		if errBefore != nil || errAfter != nil || !bytes.Equal(before, after) {
			t.Errorf("the public key changed (errors %v, %v)", errBefore, errAfter)
		}
	})
}

func TestExportHasTheDocumentedLength(t *testing.T) {
	lengths := map[keyspec.Spec]int{
		keyspec.SymmetricDefault: 32,
		keyspec.HMAC224:          28, keyspec.HMAC256: 32, keyspec.HMAC384: 48, keyspec.HMAC512: 64,
		keyspec.ECCNISTP256: 32, keyspec.ECCNISTP384: 48, keyspec.ECCNISTP521: 66,
		keyspec.ECCSECGP256K1: 32, keyspec.ECCNISTEdwards25519: 32,
		keyspec.MLDSA44: 32, keyspec.MLDSA65: 32, keyspec.MLDSA87: 32,
		keyspec.MLKEM512: 64, keyspec.MLKEM768: 64, keyspec.MLKEM1024: 64,
	}
	eachSpec(t, func(t *testing.T, m Material) {
		if want, fixed := lengths[m.Spec()]; fixed && len(m.Export()) != want {
			t.Errorf("%d bytes, want %d", len(m.Export()), want)
		}
	})
}

func TestPublicKeyIsASubjectPublicKeyInfoOfExactlyThePairs(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		der, err := m.PublicKey()
		switch m.Spec().Family() {
		case keyspec.FamilySymmetric, keyspec.FamilyHMAC:
			if err == nil {
				t.Errorf("a secret key has the public key %x", der)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch m.Spec() {
		case keyspec.ECCSECGP256K1, keyspec.MLKEM512, keyspec.MLKEM768, keyspec.MLKEM1024:
			return // no parser to hand knows them; the vectors' tests compare each byte
		}
		if _, err := mldsax509.ParsePKIXPublicKey(der); err != nil {
			t.Errorf("not a SubjectPublicKeyInfo: %v", err)
		}
	})
}

func TestGeneratedRSAKeysHaveTheirSize(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		bits, ok := kinds[m.Spec()].(rsaBits)
		if !ok {
			return
		}
		key, err := parseRSA(m.Export())
		if err != nil {
			t.Fatal(err)
		}
		if key.N.BitLen() != int(bits) || key.E != 65537 || len(key.Primes) != 2 {
			t.Errorf("%d bits, exponent %d, %d primes", key.N.BitLen(), key.E, len(key.Primes))
		}
	})
}

func TestGenerateNeverRepeatsItself(t *testing.T) {
	eachSpec(t, func(t *testing.T, m Material) {
		if m.Spec().Family() == keyspec.FamilyRSA {
			return // slow, and crypto/rsa draws from the same generator
		}
		again, err := Generate(m.Spec())
		if err != nil {
			t.Fatal(err)
		}
		if again.Equal(m) || again.ID() == m.ID() || bytes.Equal(again.Export(), m.Export()) {
			t.Error("two calls returned the same material")
		}
	})
}

func TestGenerateIsRepeatableUnderTheGlobalTestRandom(t *testing.T) {
	for _, spec := range keyspec.All() {
		if spec.Family() == keyspec.FamilyRSA {
			continue // as above
		}
		var ids [2]string
		for i := range ids {
			cryptotest.SetGlobalRandom(t, 7)
			m, err := Generate(spec)
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = m.ID()
		}
		if ids[0] != ids[1] {
			t.Errorf("%s draws from somewhere else than the system's generator", spec)
		}
	}
}

// The identifiers are in records and ciphertext, so they may never change. These were computed apart, from RFC 5869 with
// Python's hmac.
func TestTheIdentifierIsPinned(t *testing.T) {
	ascending := make([]byte, 64)
	for i := range ascending {
		ascending[i] = byte(i)
	}
	tests := []struct {
		spec   keyspec.Spec
		length int
		want   string
	}{
		{keyspec.SymmetricDefault, 32, "f43080ead4c8d58ac0baee40db0c97d22091e9475bc62d420d547831273c7f15"},
		{keyspec.HMAC256, 32, "7aeb47eba7b546f4ee3187b252ba0cc7d56c00fb91a8ff90537cba3b175e3cce"},
		{keyspec.MLKEM768, 64, "467a4a7b9e95db9e8ba07edd7c197aa79831c36d0037ef5f1a120d049f0ead9d"},
	}
	for _, tt := range tests {
		if got := mustParse(t, tt.spec, ascending[:tt.length]).ID(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.spec, got, tt.want)
		}
	}
}

func TestTheSameBytesUnderTwoSpecsAreDifferentMaterial(t *testing.T) {
	shared := bytes.Repeat([]byte{0x42}, 32)
	ids := map[string]keyspec.Spec{}
	for _, spec := range []keyspec.Spec{
		keyspec.SymmetricDefault, keyspec.HMAC256, keyspec.ECCNISTP256, keyspec.ECCSECGP256K1,
		keyspec.ECCNISTEdwards25519, keyspec.MLDSA44, keyspec.MLDSA65, keyspec.MLDSA87,
	} {
		id := mustParse(t, spec, shared).ID()
		if other, taken := ids[id]; taken {
			t.Errorf("%s and %s share an identifier", spec, other)
		}
		ids[id] = spec
	}
	if mustParse(t, keyspec.HMAC256, shared).Equal(mustParse(t, keyspec.SymmetricDefault, shared)) {
		t.Error("an HMAC key equals an encryption key")
	}
}

func TestOneBitMakesAnotherMaterial(t *testing.T) {
	a := bytes.Repeat([]byte{0x42}, 32)
	b := bytes.Clone(a)
	b[31] ^= 1
	if mustParse(t, keyspec.SymmetricDefault, a).Equal(mustParse(t, keyspec.SymmetricDefault, b)) {
		t.Error("different material compares equal")
	}
}

func TestDestroyWipesEveryCopy(t *testing.T) {
	m := mustParse(t, keyspec.ECCNISTP256, bytes.Repeat([]byte{0x42}, 32))
	other, id, inside := m, m.ID(), m.reveal()
	m.Destroy()
	if !bytes.Equal(inside, make([]byte, 32)) {
		t.Error("the bytes are still in memory")
	}
	for _, destroyed := range []Material{m, other} {
		if destroyed.Export() != nil {
			t.Error("Export still returns bytes")
		}
		if _, err := destroyed.PublicKey(); !errors.Is(err, ErrDestroyed) {
			t.Errorf("PublicKey: got %v, want ErrDestroyed", err)
		}
		if destroyed.ID() != id || destroyed.Spec() != keyspec.ECCNISTP256 {
			t.Error("the identifier or spec did not outlive Destroy")
		}
	}
	m.Destroy()
}

func TestMaterialSharesNoMemoryWithItsCallers(t *testing.T) {
	encoded := bytes.Repeat([]byte{0x42}, 32)
	m := mustParse(t, keyspec.HMAC256, encoded)
	clear(encoded)
	clear(m.Export())
	if !bytes.Equal(m.Export(), bytes.Repeat([]byte{0x42}, 32)) {
		t.Error("a caller changed the material from outside")
	}
}

func TestTheZeroMaterialIsHarmless(t *testing.T) {
	var m Material
	m.Destroy()
	if m.Spec() != "" || m.ID() != "" || m.Export() != nil || m.String() != "[redacted ]" {
		t.Errorf("got spec %q, ID %q, %q", m.Spec(), m.ID(), m)
	}
	if _, err := m.PublicKey(); !errors.Is(err, ErrDestroyed) {
		t.Errorf("PublicKey: got %v, want ErrDestroyed", err)
	}
	if !m.Equal(Material{}) || m.Equal(mustParse(t, keyspec.HMAC256, make([]byte, 32))) {
		t.Error("the zero material must equal itself and nothing else")
	}
}

func TestUnknownSpecsAreRefused(t *testing.T) {
	for _, spec := range []keyspec.Spec{"", "SM2", "AES_256"} {
		if _, err := Generate(spec); err == nil {
			t.Errorf("Generate(%q) made something", spec)
		}
		if _, err := Parse(spec, make([]byte, 32)); err == nil {
			t.Errorf("Parse(%q) accepted something", spec)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	all, err := generated()
	if err != nil {
		b.Fatal(err)
	}
	for _, spec := range keyspec.All() {
		encoded := all[spec].Export()
		b.Run(string(spec), func(b *testing.B) {
			for b.Loop() {
				if _, err := Parse(spec, encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

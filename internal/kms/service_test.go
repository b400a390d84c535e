// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

func TestACreatedKeyIsAsDescribed(t *testing.T) {
	service, h := newService(t)
	var got *kms.KeyMetadata
	writes := h.written(func() {
		got = create(t, service, kms.CreateKeyInput{
			Description: "orders", Tags: map[string]string{"team": "orders"}, RotationPeriodInDays: 90,
		})
	})
	if _, err := uuid.Parse(got.KeyID); err != nil {
		t.Errorf("the key ID %s is no UUID", got.KeyID)
	}
	want := &kms.KeyMetadata{
		KeyID: got.KeyID, ARN: "arn:aws:kms:local:123456789012:key/" + got.KeyID,
		Spec: keyspec.SymmetricDefault, Usage: keyspec.EncryptDecrypt, Origin: keyring.OriginAWSKMS, State: lifecycle.Enabled,
		Description: "orders", Tags: map[string]string{"team": "orders"}, CreationTime: begin,
		Rotation: kms.RotationStatus{Enabled: true, PeriodInDays: 90, NextTime: begin.Add(90 * day)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if writes != 1 {
		t.Errorf("%d writes, want 1", writes)
	}
}

func TestEverySpecCanBeCreatedAndThoseWithAPublicKeyHaveOne(t *testing.T) {
	service, _ := newService(t)
	for _, spec := range keyspec.All() {
		t.Run(string(spec), func(t *testing.T) {
			key := create(t, service, kms.CreateKeyInput{Spec: spec, Usage: spec.Usages()[0]})
			der, err := service.GetPublicKey(t.Context(), key.ARN)
			if !spec.HasPublicKey() {
				if !kms.HasCode(err, kms.UnsupportedOperationException) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || len(der) == 0 {
				t.Fatalf("got %d bytes, %v", len(der), err)
			}
			if spec.Family() == keyspec.FamilyRSA {
				if _, err := x509.ParsePKIXPublicKey(der); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestAKeyForImportIsMadeWithoutMaterialAndWaitsForIt(t *testing.T) {
	service, _ := newService(t)
	got := create(t, service, kms.CreateKeyInput{Origin: keyring.OriginExternal, Disabled: true})
	if got.State != lifecycle.PendingImport {
		t.Errorf("its state is %s", got.State)
	}
	if record := lookup(t, service, got.KeyID).Record(); record.Origin != keyring.OriginExternal || len(record.Materials) != 0 {
		t.Errorf("the record is %+v", record)
	}
}

func TestAMultiRegionKeyIsThePrimaryInItsRegionAndItsIDSaysSo(t *testing.T) {
	service, _ := newService(t)
	key := lookup(t, service, create(t, service, kms.CreateKeyInput{MultiRegion: true}).KeyID)
	if !regexp.MustCompile(`^mrk-[0-9a-f]{32}$`).MatchString(key.ID()) {
		t.Errorf("its ID is %s", key.ID())
	}
	want := &keyring.MultiRegion{PrimaryRegion: "local", Epoch: 1}
	if diff := cmp.Diff(want, key.Record().MultiRegion); diff != "" || key.MultiRegionType() != kms.MultiRegionPrimary {
		t.Errorf("it is a %s (-want +got):\n%s", key.MultiRegionType(), diff)
	}
}

func TestCreatingWithAKeyIDThatExistsReturnsThatKeyUntouched(t *testing.T) {
	service, h := newService(t)
	first := create(t, service, kms.CreateKeyInput{KeyID: "chosen", Description: "first"})
	writes := h.written(func() {
		again := create(t, service, kms.CreateKeyInput{KeyID: "chosen", Description: "second"})
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("(-first +again):\n%s", diff)
		}
	})
	if writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

func TestAKeyIsFoundByIDARNAliasAndAliasARN(t *testing.T) {
	service, _ := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	if err := service.CreateAlias(t.Context(), "alias/orders", key.KeyID); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{key.KeyID, key.ARN, "alias/orders", "arn:aws:kms:local:123456789012:alias/orders"} {
		got := describe(t, service, ref)
		if got.KeyID != key.KeyID || !cmp.Equal(got.Aliases, []string{"alias/orders"}) {
			t.Errorf("%s: got %+v", ref, got)
		}
	}
}

func TestAReferenceToNothingHereSaysWhy(t *testing.T) {
	service, _ := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	for ref, want := range map[string]string{
		"none": "NotFoundException: Key 'arn:aws:kms:local:123456789012:key/none' does not exist",
		"arn:aws:kms:eu-west-1:123456789012:key/" + key.KeyID: "NotFoundException: Invalid arn eu-west-1",
		"arn:aws:kms:local:999999999999:key/" + key.KeyID:     "NotFoundException: Key 'arn:aws:kms:local:999999999999:key/" + key.KeyID + "' does not exist",
		"alias/none":               "NotFoundException: Alias arn:aws:kms:local:123456789012:alias/none is not found.",
		"arn:aws:s3:::bucket":      "InvalidArnException: Invalid arn 'arn:aws:s3:::bucket'",
		"arn:aws:kms:local:1:tree": "InvalidArnException: Invalid arn 'arn:aws:kms:local:1:tree'",
	} {
		if _, err := service.DescribeKey(t.Context(), ref); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", ref, err, want)
		}
	}
}

func TestInvalidKeysAreRefusedBeforeAnythingIsWritten(t *testing.T) {
	service, h := newService(t)
	manyTags := map[string]string{}
	for i := range 51 {
		manyTags[fmt.Sprint(i)] = ""
	}
	tests := map[string]struct {
		in   kms.CreateKeyInput
		want string
	}{
		"no usage": {
			kms.CreateKeyInput{Spec: keyspec.RSA2048},
			"ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
		},
		"wrong usage": {
			kms.CreateKeyInput{Spec: keyspec.RSA2048, Usage: keyspec.KeyAgreement},
			"ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
		},
		"SM2": {
			kms.CreateKeyInput{Spec: "SM2"},
			"ValidationException: keySpec SM2 is not offered: AWS KMS has it in its China Regions only",
		},
		"period too short": {
			kms.CreateKeyInput{RotationPeriodInDays: 89},
			"ValidationException: 1 validation error detected: Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 90",
		},
		"rotation of a key that does not rotate": {
			kms.CreateKeyInput{KeyID: "id", Spec: keyspec.HMAC256, Usage: keyspec.GenerateVerifyMAC, RotationPeriodInDays: 90},
			"UnsupportedOperationException: arn:aws:kms:local:123456789012:key/id key spec is HMAC_256 which is not valid for this operation.",
		},
		"reserved tag": {
			kms.CreateKeyInput{Tags: map[string]string{"aws:owner": "me"}},
			"TagException: Tags beginning with aws: are reserved",
		},
		"too many tags":    {kms.CreateKeyInput{Tags: manyTags}, "TagException: Too many tags"},
		"tag key too long": {kms.CreateKeyInput{Tags: map[string]string{strings.Repeat("k", 129): ""}}, "ValidationException: "},
		"tag value too long": {
			kms.CreateKeyInput{Tags: map[string]string{"k": strings.Repeat("v", 257)}}, "ValidationException: ",
		},
		"tag character":        {kms.CreateKeyInput{Tags: map[string]string{"a;b": ""}}, "TagException: "},
		"description too long": {kms.CreateKeyInput{Description: strings.Repeat("ä", 8193)}, "ValidationException: "},
		"bad key ID":           {kms.CreateKeyInput{KeyID: "Not/An ID"}, "NotFoundException: Invalid keyId 'Not/An ID'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			writes := h.written(func() {
				_, err := service.CreateKey(t.Context(), tt.in)
				if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("\n got %v\nwant %s", err, tt.want)
				}
			})
			if writes != 0 {
				t.Errorf("%d writes", writes)
			}
		})
	}
	atLimit := map[string]string{strings.Repeat("ü", 128): strings.Repeat("ü", 256)}
	create(t, service, kms.CreateKeyInput{Tags: atLimit, Description: strings.Repeat("ä", 8192)})
}

func TestOwnersKeysAreFoundTheOldestFirst(t *testing.T) {
	service, h := newService(t)
	tags := map[string]string{"owner": "orders/payments"}
	first := create(t, service, kms.CreateKeyInput{Tags: tags})
	h.clock.Step(day)
	second := create(t, service, kms.CreateKeyInput{Tags: tags, Disabled: true})
	create(t, service, kms.CreateKeyInput{})
	got, err := service.FindByOwner(t.Context(), "orders/payments")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*kms.KeyMetadata{first, second}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnAliasHasOneHolderOfAWellFormedName(t *testing.T) {
	service, h := newService(t)
	key, other := create(t, service, kms.CreateKeyInput{}), create(t, service, kms.CreateKeyInput{})
	if writes := h.written(func() {
		if err := service.CreateAlias(t.Context(), "alias/x", key.KeyID); err != nil {
			t.Fatal(err)
		}
	}); writes != 1 {
		t.Errorf("%d writes for an alias", writes)
	}
	writes := h.written(func() {
		for _, keyID := range []string{key.KeyID, other.KeyID} {
			err := service.CreateAlias(t.Context(), "alias/x", keyID)
			want := "AlreadyExistsException: An alias with the name arn:aws:kms:local:123456789012:alias/x already exists"
			taken, ok := errors.AsType[*keyring.AliasTakenError](err)
			if err == nil || err.Error() != want || !ok || taken.KeyID != key.KeyID {
				t.Errorf("got %v, held by %v", err, taken)
			}
		}
		for name, code := range map[string]kms.Code{
			"x": kms.ValidationException, "alias/": kms.ValidationException, "alias/a b": kms.ValidationException,
			"alias/" + strings.Repeat("x", 251): kms.ValidationException, "alias/aws/s3": kms.InvalidAliasNameException,
		} {
			if err := service.CreateAlias(t.Context(), name, key.KeyID); !kms.HasCode(err, code) {
				t.Errorf("%s: got %v, want %s", name, err, code)
			}
		}
		if err := service.CreateAlias(t.Context(), "alias/y", "none"); !kms.HasCode(err, kms.NotFoundException) {
			t.Errorf("an alias of no key: %v", err)
		}
		if err := service.DeleteAlias(t.Context(), "alias/x", other.KeyID); !kms.HasCode(err, kms.NotFoundException) {
			t.Errorf("removed another key's alias: %v", err)
		}
	})
	if writes != 0 {
		t.Errorf("%d writes for refused aliases", writes)
	}
	if err := service.DeleteAlias(t.Context(), "alias/x", key.KeyID); err != nil {
		t.Error(err)
	}
	if err := service.DeleteAlias(t.Context(), "alias/x", key.KeyID); !kms.HasCode(err, kms.NotFoundException) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestAKeyHasAtMostFiftyAliases(t *testing.T) {
	service, _ := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	for i := range kms.MaxAliasesPerKey {
		if err := service.CreateAlias(t.Context(), fmt.Sprintf("alias/%d", i), key.KeyID); err != nil {
			t.Fatal(err)
		}
	}
	if err := service.CreateAlias(t.Context(), "alias/more", key.KeyID); !kms.HasCode(err, kms.LimitExceededException) {
		t.Errorf("got %v", err)
	}
}

func TestADamagedKeyIsUnavailableAndNotMissing(t *testing.T) {
	service, h := newService(t)
	key := create(t, service, kms.CreateKeyInput{})
	item := h.store.Items()[0]
	item.Sealed = append([]byte(nil), item.Sealed...)
	item.Sealed[60] ^= 1
	h.store.Put(item)
	eventually(t, "the damage is seen", func() bool {
		_, err := service.DescribeKey(t.Context(), key.KeyID)
		return kms.HasCode(err, kms.KeyUnavailableException) && errors.Is(err, keyring.ErrDamaged)
	})
	_, err := service.DescribeKey(t.Context(), key.KeyID)
	if known, ok := errors.AsType[*kms.Error](err); !ok || known.Message != "The key is not available at the moment." {
		t.Errorf("a client is told %v", err)
	}
	_, err = service.CreateKey(t.Context(), kms.CreateKeyInput{KeyID: key.KeyID})
	if !kms.HasCode(err, kms.KeyUnavailableException) {
		t.Errorf("a key was made over it: %v", err)
	}
}

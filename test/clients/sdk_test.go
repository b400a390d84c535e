// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// newClient is the SDK's client as an application makes it. Its retries matter: smithy-go 1.28.8 now and then closes the
// connection under an answer of more than 4 KiB that comes faster than the SDK is done with sending, and tries again.
func newClient(who, inRegion string, options ...func(*kms.Options)) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(endpoint), Region: inRegion,
		Credentials: credentials.NewStaticCredentialsProvider(callers[who].AccessKeyID, callers[who].SecretAccessKey, ""),
	}, options...)
}

func root() *kms.Client { return newClient("root", region) }

// newKey creates a key and returns its ARN.
func newKey(t *testing.T, spec types.KeySpec, usage types.KeyUsageType, change ...func(*kms.CreateKeyInput)) *string {
	t.Helper()
	in := &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage}
	for _, f := range change {
		f(in)
	}
	out, err := root().CreateKey(t.Context(), in)
	if err != nil {
		t.Fatalf("creating a key of spec %s: %v", spec, err)
	}
	return out.KeyMetadata.Arn
}

func symmetricKey(t *testing.T) *string {
	t.Helper()
	return newKey(t, types.KeySpecSymmetricDefault, types.KeyUsageTypeEncryptDecrypt)
}

// must returns the answer of a call that has to succeed.
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// mustRefuse fails unless the SDK read the error as one of type E.
func mustRefuse[E error](t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		var want E
		t.Errorf("got %v, want a %T", err, want)
	}
}

func TestTheSDKPagesThroughEveryList(t *testing.T) {
	client, ctx := root(), t.Context()
	keyID := symmetricKey(t)
	prefix := "alias/pages/" + uuid.NewString() + "/"
	var aliases, grants, tags []string
	for i := range 7 {
		name := fmt.Sprintf("%s%d", prefix, i)
		must(client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: keyID}))(t)
		grant := must(client.CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: keyID, Operations: []types.GrantOperation{types.GrantOperationEncrypt},
			GranteePrincipal:  aws.String(callers["user"].Principal),
			RetiringPrincipal: aws.String(callers["role"].Principal),
		}))(t)
		must(client.TagResource(ctx, &kms.TagResourceInput{
			KeyId: keyID, Tags: []types.Tag{{TagKey: &name, TagValue: aws.String("")}},
		}))(t)
		must(client.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: keyID}))(t)
		aliases, grants, tags = append(aliases, name), append(grants, *grant.GrantId), append(tags, name)
	}
	two := aws.Int32(2)
	var got []string
	for pages := kms.NewListAliasesPaginator(client, &kms.ListAliasesInput{KeyId: keyID, Limit: two}); pages.HasMorePages(); {
		for _, entry := range must(pages.NextPage(ctx))(t).Aliases {
			got = append(got, *entry.AliasName)
		}
	}
	sameSet(t, "aliases", got, aliases)
	got = nil
	for pages := kms.NewListGrantsPaginator(client, &kms.ListGrantsInput{KeyId: keyID, Limit: two}); pages.HasMorePages(); {
		for _, entry := range must(pages.NextPage(ctx))(t).Grants {
			got = append(got, *entry.GrantId)
		}
	}
	sameSet(t, "grants", got, grants)
	got = nil
	retirable := &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(callers["role"].Principal), Limit: two}
	for pages := kms.NewListRetirableGrantsPaginator(newClient("role", region), retirable); pages.HasMorePages(); {
		for _, entry := range must(pages.NextPage(ctx))(t).Grants {
			if *entry.KeyId == *keyID {
				got = append(got, *entry.GrantId)
			}
		}
	}
	sameSet(t, "retirable grants", got, grants)
	got = nil
	tagged := &kms.ListResourceTagsInput{KeyId: keyID, Limit: two}
	for pages := kms.NewListResourceTagsPaginator(client, tagged); pages.HasMorePages(); {
		for _, tag := range must(pages.NextPage(ctx))(t).Tags {
			got = append(got, *tag.TagKey)
		}
	}
	sameSet(t, "tags", got, tags)
	rotations := 0
	rotated := &kms.ListKeyRotationsInput{KeyId: keyID, Limit: two}
	for pages := kms.NewListKeyRotationsPaginator(client, rotated); pages.HasMorePages(); {
		rotations += len(must(pages.NextPage(ctx))(t).Rotations)
	}
	if rotations != 7 {
		t.Errorf("%d rotations are listed", rotations)
	}
	listed := false
	for pages := kms.NewListKeysPaginator(client, &kms.ListKeysInput{Limit: aws.Int32(50)}); pages.HasMorePages(); {
		listed = slices.ContainsFunc(must(pages.NextPage(ctx))(t).Keys, func(key types.KeyListEntry) bool {
			return *key.KeyArn == *keyID
		}) || listed
	}
	if !listed {
		t.Error("the key is not listed")
	}
	for pages := kms.NewListKeyPoliciesPaginator(client, &kms.ListKeyPoliciesInput{KeyId: keyID}); pages.HasMorePages(); {
		sameSet(t, "policies", must(pages.NextPage(ctx))(t).PolicyNames, []string{"default"})
	}
}

func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTheSDKKnowsTheErrors(t *testing.T) {
	client, ctx, x := root(), t.Context(), []byte("x")
	keyID := symmetricKey(t)
	sealed := must(client.Encrypt(ctx, &kms.EncryptInput{KeyId: keyID, Plaintext: x}))(t).CiphertextBlob
	_, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(uuid.NewString())})
	mustRefuse[*types.NotFoundException](t, err)
	_, err = client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:x")})
	mustRefuse[*types.InvalidArnException](t, err)
	_, err = client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed, EncryptionContext: map[string]string{"a": "b"}})
	mustRefuse[*types.InvalidCiphertextException](t, err)
	_, err = client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed, KeyId: symmetricKey(t)})
	mustRefuse[*types.IncorrectKeyException](t, err)
	_, err = client.Sign(ctx, &kms.SignInput{KeyId: keyID, Message: x, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
	mustRefuse[*types.InvalidKeyUsageException](t, err)
	_, err = client.Encrypt(ctx, &kms.EncryptInput{KeyId: keyID, Plaintext: x, DryRun: aws.Bool(true)})
	mustRefuse[*types.DryRunOperationException](t, err)
	_, err = client.ListKeys(ctx, &kms.ListKeysInput{Marker: aws.String("no marker of ours")})
	mustRefuse[*types.InvalidMarkerException](t, err)
	hmacKey := newKey(t, types.KeySpecHmac256, types.KeyUsageTypeGenerateVerifyMac)
	_, err = client.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: hmacKey})
	mustRefuse[*types.UnsupportedOperationException](t, err)
	must(client.DisableKey(ctx, &kms.DisableKeyInput{KeyId: keyID}))(t)
	_, err = client.Encrypt(ctx, &kms.EncryptInput{KeyId: keyID, Plaintext: x})
	mustRefuse[*types.DisabledException](t, err)
	must(client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: keyID}))(t)
	_, err = client.Encrypt(ctx, &kms.EncryptInput{KeyId: keyID, Plaintext: x})
	mustRefuse[*types.KMSInvalidStateException](t, err)
	_, err = newClient("user", region).ListKeys(ctx, nil)
	if err == nil || !strings.Contains(err.Error(), "AccessDeniedException: User: "+callers["user"].Principal) {
		t.Errorf("the SDK reads a refusal as %v", err)
	}
}

func TestOneClientServesManyGoroutines(t *testing.T) {
	client, keyID := newClient("root", region), symmetricKey(t)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			plaintext, context := fmt.Appendf(nil, "secret %d", i), map[string]string{"i": fmt.Sprint(i)}
			for range 10 {
				sealed, err := client.Encrypt(t.Context(), &kms.EncryptInput{
					KeyId: keyID, Plaintext: plaintext, EncryptionContext: context,
				})
				if err != nil {
					t.Error(err)
					return
				}
				opened, err := client.Decrypt(t.Context(), &kms.DecryptInput{
					CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context,
				})
				if err != nil || !bytes.Equal(opened.Plaintext, plaintext) {
					t.Errorf("decrypting: %v", err)
				}
			}
		})
	}
	group.Wait()
}

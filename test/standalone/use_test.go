// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An application that finds everything in its environment, as docs/standalone.md says.
func TestAnSDKFindsTheEndpointInItsEnvironment(t *testing.T) {
	p := newCommand(t).start(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": p.url, "AWS_ENDPOINT_URL_STS": p.url, "AWS_REGION": region,
		"AWS_ACCESS_KEY_ID": rootID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	ctx := t.Context()
	environment, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	who, err := sts.NewFromConfig(environment).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != rootARN {
		t.Fatalf("the caller is %+v, %v", who, err)
	}
	client := awskms.NewFromConfig(environment)
	key, err := client.CreateKey(ctx, &awskms.CreateKeyInput{Description: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:kms:" + region + ":" + account + ":key/"; !strings.HasPrefix(*key.KeyMetadata.Arn, want) {
		t.Errorf("the key is %s, not %s...", *key.KeyMetadata.Arn, want)
	}
	alias := aws.String("alias/orders")
	if _, err := client.CreateAlias(ctx, &awskms.CreateAliasInput{AliasName: alias, TargetKeyId: key.KeyMetadata.KeyId}); err != nil {
		t.Fatal(err)
	}
	order := map[string]string{"order": "42"}
	encrypted, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: alias, Plaintext: []byte("attack at dawn"), EncryptionContext: order})
	if err != nil {
		t.Fatal(err)
	}
	decrypted, err := client.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: order})
	if err != nil || string(decrypted.Plaintext) != "attack at dawn" {
		t.Errorf("decrypted %v, %v", decrypted, err)
	}
	_, err = client.Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
	if code(err) != "InvalidCiphertextException" {
		t.Errorf("without its encryption context: %v", err)
	}
}

// There are no identity policies: root may do everything, others what a key policy or a grant gives them.
func TestAUserMayDoWhatAKeyPolicyOrAGrantGives(t *testing.T) {
	p := newCommand(t).start(t)
	root, user, ctx := p.root(), p.client(userID, region), t.Context()
	if _, err := user.CreateKey(ctx, &awskms.CreateKeyInput{}); code(err) != "AccessDeniedException" {
		t.Errorf("a user makes keys: %v", err)
	}
	keyID := p.newKey(nil)
	encrypt := func(client *awskms.Client) string {
		_, err := client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("x")})
		return code(err)
	}
	if got := encrypt(user); got != "AccessDeniedException" {
		t.Errorf("a user that no policy names: %q", got)
	}
	p.logs("operation=Encrypt", userARN, "error=AccessDenied", "reason=")
	grant, err := root.CreateGrant(ctx, &awskms.CreateGrantInput{
		KeyId: &keyID, GranteePrincipal: aws.String(userARN), Operations: []types.GrantOperation{types.GrantOperationEncrypt},
	})
	if err != nil || encrypt(user) != "" {
		t.Errorf("with a grant: %v, %q", err, encrypt(user))
	}
	if _, err := root.RevokeGrant(ctx, &awskms.RevokeGrantInput{KeyId: &keyID, GrantId: grant.GrantId}); err != nil {
		t.Fatal(err)
	}
	if got := encrypt(user); got != "AccessDeniedException" {
		t.Errorf("without the grant again: %q", got)
	}
	allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"kms:*","Resource":"*"},` +
		`{"Effect":"Allow","Principal":{"AWS":"` + userARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`
	if _, err := root.PutKeyPolicy(ctx, &awskms.PutKeyPolicyInput{KeyId: &keyID, Policy: &allow}); err != nil {
		t.Fatal(err)
	}
	if got := encrypt(user); got != "" {
		t.Errorf("with a key policy: %q", got)
	}
}

// state is what clients are told of a key.
type state struct {
	Metadata  *types.KeyMetadata
	Policy    string
	Aliases   []types.AliasListEntry
	Grants    []types.GrantListEntry
	Tags      []types.Tag
	Rotation  *awskms.GetKeyRotationStatusOutput
	Rotations []types.RotationsListEntry
}

func (p *process) state(client *awskms.Client, keyID string) state {
	p.t.Helper()
	ctx, key := p.t.Context(), aws.String(keyID)
	s := state{}
	must := func(err error) {
		p.t.Helper()
		if err != nil {
			p.t.Fatal(err)
		}
	}
	described, err := client.DescribeKey(ctx, &awskms.DescribeKeyInput{KeyId: key})
	must(err)
	s.Metadata = described.KeyMetadata
	policy, err := client.GetKeyPolicy(ctx, &awskms.GetKeyPolicyInput{KeyId: key})
	must(err)
	s.Policy = *policy.Policy
	aliases, err := client.ListAliases(ctx, &awskms.ListAliasesInput{KeyId: key})
	must(err)
	s.Aliases = aliases.Aliases
	grants, err := client.ListGrants(ctx, &awskms.ListGrantsInput{KeyId: key})
	must(err)
	s.Grants = grants.Grants
	tags, err := client.ListResourceTags(ctx, &awskms.ListResourceTagsInput{KeyId: key})
	must(err)
	s.Tags = tags.Tags
	s.Rotation, err = client.GetKeyRotationStatus(ctx, &awskms.GetKeyRotationStatusInput{KeyId: key})
	must(err)
	rotations, err := client.ListKeyRotations(ctx, &awskms.ListKeyRotationsInput{KeyId: key})
	must(err)
	s.Rotations = rotations.Rotations
	return s
}

func TestARestartKeepsEverything(t *testing.T) {
	const second = "eu-west-1"
	c := newCommand(t)
	c.regions = region + "," + second
	p := c.start(t)
	keyID := p.newKey(func(in *awskms.CreateKeyInput) {
		in.MultiRegion, in.Description = aws.Bool(true), aws.String("orders")
		in.Tags = []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("shop")}}
	})
	root, ctx := p.root(), t.Context()
	encrypted, err := root.Encrypt(ctx, &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("attack at dawn")})
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"mine","Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"kms:*","Resource":"*"}]}`
	for what, do := range map[string]func() error{
		"alias": func() error {
			_, err := root.CreateAlias(ctx, &awskms.CreateAliasInput{AliasName: aws.String("alias/orders"), TargetKeyId: &keyID})
			return err
		},
		"policy": func() error {
			_, err := root.PutKeyPolicy(ctx, &awskms.PutKeyPolicyInput{KeyId: &keyID, Policy: &policy})
			return err
		},
		"grant": func() error {
			_, err := root.CreateGrant(ctx, &awskms.CreateGrantInput{
				KeyId: &keyID, Name: aws.String("dev"), GranteePrincipal: aws.String(userARN),
				Operations:  []types.GrantOperation{types.GrantOperationDecrypt},
				Constraints: &types.GrantConstraints{EncryptionContextSubset: map[string]string{"order": "42"}},
			})
			return err
		},
		"automatic rotation": func() error {
			_, err := root.EnableKeyRotation(ctx, &awskms.EnableKeyRotationInput{KeyId: &keyID, RotationPeriodInDays: aws.Int32(90)})
			return err
		},
		"rotation": func() error {
			_, err := root.RotateKeyOnDemand(ctx, &awskms.RotateKeyOnDemandInput{KeyId: &keyID})
			return err
		},
		"replica": func() error {
			_, err := root.ReplicateKey(ctx, &awskms.ReplicateKeyInput{KeyId: &keyID, ReplicaRegion: aws.String(second)})
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	before := []state{p.state(root, keyID), p.state(p.client(rootID, second), keyID)}
	if len(before[0].Aliases) != 1 || len(before[0].Grants) != 1 || len(before[0].Rotations) != 1 || before[0].Policy != policy ||
		!before[0].Rotation.KeyRotationEnabled || before[1].Metadata.MultiRegionConfiguration.MultiRegionKeyType != "REPLICA" {
		t.Fatalf("the state before is %+v", before)
	}
	p.stop()

	p = c.start(t)
	after := []state{p.state(p.root(), keyID), p.state(p.client(rootID, second), keyID)}
	ignore := cmpopts.IgnoreFields(awskms.GetKeyRotationStatusOutput{}, "ResultMetadata")
	if diff := cmp.Diff(before, after, ignore, cmpopts.IgnoreUnexported(
		types.KeyMetadata{}, types.MultiRegionConfiguration{}, types.MultiRegionKey{}, types.AliasListEntry{}, types.GrantListEntry{},
		types.GrantConstraints{}, types.Tag{}, types.RotationsListEntry{}, awskms.GetKeyRotationStatusOutput{},
	)); diff != "" {
		t.Errorf("the state (-before +after the restart):\n%s", diff)
	}
	for _, in := range []string{region, second} {
		decrypted, err := p.client(rootID, in).Decrypt(ctx, &awskms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
		if err != nil || string(decrypted.Plaintext) != "attack at dawn" {
			t.Errorf("in %s: %v", in, err)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"net/http"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

const (
	// attemptTimeout bounds one request.
	attemptTimeout = 30 * time.Second
	// credentialsTimeout bounds one for credentials, for which all other requests wait: the SDK's cache goes on with it though whoever
	// caused it has given up, and makes no second one meanwhile.
	credentialsTimeout = 5 * time.Second
	// appName is how the operator is seen in CloudTrail: in the user agent, and as the name of sessions.
	appName = "chatelaine"
	// connections are kept open to each of AWS's services, as many as keys are worked on at a time.
	connections = 32
)

// kmsAPI is what is used of AWS KMS.
type kmsAPI interface {
	CancelKeyDeletion(context.Context, *kms.CancelKeyDeletionInput, ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error)
	CreateAlias(context.Context, *kms.CreateAliasInput, ...func(*kms.Options)) (*kms.CreateAliasOutput, error)
	CreateGrant(context.Context, *kms.CreateGrantInput, ...func(*kms.Options)) (*kms.CreateGrantOutput, error)
	CreateKey(context.Context, *kms.CreateKeyInput, ...func(*kms.Options)) (*kms.CreateKeyOutput, error)
	DeleteAlias(context.Context, *kms.DeleteAliasInput, ...func(*kms.Options)) (*kms.DeleteAliasOutput, error)
	DeleteImportedKeyMaterial(context.Context, *kms.DeleteImportedKeyMaterialInput, ...func(*kms.Options)) (*kms.DeleteImportedKeyMaterialOutput, error)
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	DisableKey(context.Context, *kms.DisableKeyInput, ...func(*kms.Options)) (*kms.DisableKeyOutput, error)
	DisableKeyRotation(context.Context, *kms.DisableKeyRotationInput, ...func(*kms.Options)) (*kms.DisableKeyRotationOutput, error)
	EnableKey(context.Context, *kms.EnableKeyInput, ...func(*kms.Options)) (*kms.EnableKeyOutput, error)
	EnableKeyRotation(context.Context, *kms.EnableKeyRotationInput, ...func(*kms.Options)) (*kms.EnableKeyRotationOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
	GetKeyRotationStatus(context.Context, *kms.GetKeyRotationStatusInput, ...func(*kms.Options)) (*kms.GetKeyRotationStatusOutput, error)
	GetParametersForImport(context.Context, *kms.GetParametersForImportInput, ...func(*kms.Options)) (*kms.GetParametersForImportOutput, error)
	GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
	ImportKeyMaterial(context.Context, *kms.ImportKeyMaterialInput, ...func(*kms.Options)) (*kms.ImportKeyMaterialOutput, error)
	ListAliases(context.Context, *kms.ListAliasesInput, ...func(*kms.Options)) (*kms.ListAliasesOutput, error)
	ListGrants(context.Context, *kms.ListGrantsInput, ...func(*kms.Options)) (*kms.ListGrantsOutput, error)
	ListKeyRotations(context.Context, *kms.ListKeyRotationsInput, ...func(*kms.Options)) (*kms.ListKeyRotationsOutput, error)
	ListKeys(context.Context, *kms.ListKeysInput, ...func(*kms.Options)) (*kms.ListKeysOutput, error)
	ListResourceTags(context.Context, *kms.ListResourceTagsInput, ...func(*kms.Options)) (*kms.ListResourceTagsOutput, error)
	PutKeyPolicy(context.Context, *kms.PutKeyPolicyInput, ...func(*kms.Options)) (*kms.PutKeyPolicyOutput, error)
	ReplicateKey(context.Context, *kms.ReplicateKeyInput, ...func(*kms.Options)) (*kms.ReplicateKeyOutput, error)
	RevokeGrant(context.Context, *kms.RevokeGrantInput, ...func(*kms.Options)) (*kms.RevokeGrantOutput, error)
	RotateKeyOnDemand(context.Context, *kms.RotateKeyOnDemandInput, ...func(*kms.Options)) (*kms.RotateKeyOnDemandOutput, error)
	ScheduleKeyDeletion(context.Context, *kms.ScheduleKeyDeletionInput, ...func(*kms.Options)) (*kms.ScheduleKeyDeletionOutput, error)
	TagResource(context.Context, *kms.TagResourceInput, ...func(*kms.Options)) (*kms.TagResourceOutput, error)
	UntagResource(context.Context, *kms.UntagResourceInput, ...func(*kms.Options)) (*kms.UntagResourceOutput, error)
	UpdateKeyDescription(context.Context, *kms.UpdateKeyDescriptionInput, ...func(*kms.Options)) (*kms.UpdateKeyDescriptionOutput, error)
	UpdatePrimaryRegion(context.Context, *kms.UpdatePrimaryRegionInput, ...func(*kms.Options)) (*kms.UpdatePrimaryRegionOutput, error)
}

// stsAPI is what is used of AWS STS.
type stsAPI interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// taggingAPI is what is used of the Resource Groups Tagging API.
type taggingAPI interface {
	GetResources(context.Context, *tagging.GetResourcesInput, ...func(*tagging.Options)) (*tagging.GetResourcesOutput, error)
}

// clients are AWS as this backend reaches it.
type clients struct {
	kms     kmsAPI
	sts     stsAPI
	tagging taggingAPI
	region  string
	// endpoints are the URLs of the three, empty for AWS's own.
	endpoints [3]string
	// credentials are those that calls are signed with. source are those by which they are got from STS, if they are.
	credentials, source *awssdk.CredentialsCache
	roles               roles
}

func newClients(ctx context.Context, c Config, observer Observer) (clients, error) {
	return clientsOver(ctx, awshttp.NewBuildableClient(), c, observer)
}

// clientsOver are the clients that make their requests by a copy of transport.
func clientsOver(ctx context.Context, transport *awshttp.BuildableClient, c Config, observer Observer) (clients, error) {
	client := transport.WithTimeout(attemptTimeout).WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = connections })
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client), config.WithAppID(appName), config.WithRetryer(newRetryer),
		config.WithWebIdentityRoleCredentialOptions(webIdentity(observer)), config.WithEndpointCredentialOptions(fromContainer(client)),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(c.Endpoint))
	}
	if s := c.Credentials; s != nil {
		provider := credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, s.SessionToken)
		options = append(options, config.WithCredentialsProvider(provider))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return clients{}, &backend.Error{Class: backend.InvalidInput, Message: "the SDK's configuration cannot be read: " + err.Error(), Err: err}
	}
	if loaded.Region == "" {
		return clients{}, &backend.Error{
			Class: backend.InvalidInput, Message: "no Region: name one in spec.aws.region, or in AWS_REGION in the operator's environment",
		}
	}
	loaded.HTTPClient = plainBodies{loaded.HTTPClient}
	roles := roles{environment: environmentRole(loaded, c)}
	source := cached(loaded.Credentials)
	signing := source
	if c.AssumeRole != nil {
		roles.assumed = *c.AssumeRole
		signing = cached(assume(loaded, roles.assumed, source, observer))
	}
	loaded.Credentials = signing
	kmsClient, stsClient, taggingClient := kms.NewFromConfig(loaded), sts.NewFromConfig(loaded), tagging.NewFromConfig(loaded)
	return clients{
		kms: kmsClient, sts: stsClient, tagging: taggingClient, region: loaded.Region,
		endpoints: [3]string{
			awssdk.ToString(kmsClient.Options().BaseEndpoint), awssdk.ToString(stsClient.Options().BaseEndpoint),
			awssdk.ToString(taggingClient.Options().BaseEndpoint),
		},
		credentials: signing, source: source, roles: roles,
	}, nil
}

// newRetryer repeats a request that was refused because of the operator's clock, with the time that the answer told: that
// had no effect. All else call decides, which knows what may be repeated.
func newRetryer() awssdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 2
		o.Retryables = []retry.IsErrorRetryable{retry.RetryableError{}}
	})
}

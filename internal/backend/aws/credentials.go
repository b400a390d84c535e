// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithy "github.com/aws/smithy-go"
)

// The operations of STS by which roles are assumed, as the SDK names them.
const (
	stsService              = "STS"
	assumeRole              = "AssumeRole"
	assumeRoleByWebIdentity = "AssumeRoleWithWebIdentity"
)

// roles are the IAM roles that the operator is told to take on, before anybody asks AWS. Zero values are none.
type roles struct {
	// environment is the role that a ServiceAccount's annotation gives the operator (IRSA).
	environment string
	assumed     AssumeRole
}

// known is the ARN of the role behind the credentials, if it is known.
func (r roles) known() string {
	if r.assumed.ARN != "" {
		return r.assumed.ARN
	}
	return r.environment
}

// environmentRole is the role that is in the operator's environment.
func environmentRole(loaded awssdk.Config, c Config) string {
	if c.Credentials != nil {
		return ""
	}
	for _, source := range loaded.ConfigSources {
		if env, ok := source.(config.EnvConfig); ok {
			return env.RoleARN
		}
	}
	return ""
}

func cached(provider awssdk.CredentialsProvider) *awssdk.CredentialsCache {
	if cache, ok := provider.(*awssdk.CredentialsCache); ok {
		return cache
	}
	return awssdk.NewCredentialsCache(provider)
}

// assume has STS give credentials of the role, for a request signed with source.
func assume(loaded awssdk.Config, role AssumeRole, source *awssdk.CredentialsCache, observer Observer) awssdk.CredentialsProvider {
	loaded.Credentials = source
	client := &assumer{next: sts.NewFromConfig(loaded), source: source, observer: observer}
	return stscreds.NewAssumeRoleProvider(client, role.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = appName
		if role.SessionName != "" {
			o.RoleSessionName = role.SessionName
		}
		if role.ExternalID != "" {
			o.ExternalID = awssdk.String(role.ExternalID)
		}
	})
}

// assumer assumes a role. Whether there are credentials to ask with is seen before, to tell that from being refused.
type assumer struct {
	next     stscreds.AssumeRoleAPIClient
	source   *awssdk.CredentialsCache
	observer Observer
}

// AssumeRole implements stscreds.AssumeRoleAPIClient.
func (a *assumer) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput, options ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	if _, err := a.source.Retrieve(ctx); err != nil {
		return nil, &smithy.OperationError{ServiceID: stsService, OperationName: assumeRole, Err: &credentialsError{err}}
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	return observed(ctx, a.observer, "sts", assumeRole, func(ctx context.Context) (*sts.AssumeRoleOutput, error) {
		return a.next.AssumeRole(ctx, in, options...)
	})
}

// webIdentity is how the role in the environment is assumed.
func webIdentity(observer Observer) func(*stscreds.WebIdentityRoleOptions) {
	return func(o *stscreds.WebIdentityRoleOptions) {
		if o.RoleSessionName == "" { // the SDK's own is another one each time, and is part of messages
			o.RoleSessionName = appName
		}
		if o.Client != nil { // the SDK asks for options twice, before and after it makes a client
			o.Client = &webAssumer{o.Client, observer}
		}
	}
}

// webAssumer assumes a role by the token of a ServiceAccount.
type webAssumer struct {
	next     stscreds.AssumeRoleWithWebIdentityAPIClient
	observer Observer
}

// AssumeRoleWithWebIdentity implements stscreds.AssumeRoleWithWebIdentityAPIClient.
func (a *webAssumer) AssumeRoleWithWebIdentity(
	ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, options ...func(*sts.Options),
) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	return observed(ctx, a.observer, "sts", assumeRoleByWebIdentity, func(ctx context.Context) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return a.next.AssumeRoleWithWebIdentity(ctx, in, options...)
	})
}

// fromContainer is how credentials are asked for where the environment names a URL that has them (EKS Pod Identity). The SDK's own
// client for it waits for ever.
func fromContainer(client *awshttp.BuildableClient) func(*endpointcreds.Options) {
	return func(o *endpointcreds.Options) { o.HTTPClient = client.WithTimeout(credentialsTimeout) }
}

// stsCall is the request to STS for credentials that an error is about; empty if it is about none. Where one was made to be able
// to make another, it is the one that failed.
func stsCall(err error) string {
	call := ""
	for err != nil {
		failed, is := errors.AsType[*smithy.OperationError](err)
		if !is {
			return call
		}
		if failed.ServiceID == stsService {
			call = failed.OperationName
		}
		err = failed.Err
	}
	return call
}

// naming is how an error names a request to STS: by its role, where that is known.
func (r roles) naming(call string) string {
	role := map[string]string{assumeRole: r.assumed.ARN, assumeRoleByWebIdentity: r.environment}[call]
	if role == "" {
		return "sts:" + call
	}
	return "sts:" + call + " for " + role
}

// wayOut is what a person can do when AWS refuses the request to STS.
func (r roles) wayOut(call string) string {
	switch {
	case call == assumeRoleByWebIdentity:
		return "have the role's trust policy let in the operator's ServiceAccount, by the cluster's OpenID Connect provider, the token's " +
			"subject and its audience"
	case r.assumed.ARN == "":
		return "have the role's trust policy let that caller assume it, and the caller's own policies too"
	case r.assumed.ExternalID == "":
		return "have the role's trust policy let that caller assume it, and the caller's own policies too; if the trust policy asks for an " +
			"external ID, name it in spec.aws.assumeRole.externalID"
	default:
		return "have the role's trust policy let that caller assume it, with the external ID in spec.aws.assumeRole.externalID, and the " +
			"caller's own policies too"
	}
}

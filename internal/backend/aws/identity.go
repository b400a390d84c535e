// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// identityAge is for how long what AWS said of the credentials is not asked again.
const identityAge = 10 * time.Minute

// identityCache is what AWS said last, and of which access key.
type identityCache struct {
	asking sync.Mutex // held while AWS is asked

	mu          sync.Mutex
	accessKeyID string
	at          time.Time
	identity    backend.Identity
}

// Identify implements backend.Backend. It asks AWS again when the credentials are others, or after ten minutes; and it asks
// whether AWS KMS answers as well.
func (b *Backend) Identify(ctx context.Context) (backend.Identity, error) {
	c := &b.identity
	c.asking.Lock()
	defer c.asking.Unlock()
	credentials, err := b.clients.credentials.Retrieve(ctx)
	if err != nil {
		return backend.Identity{}, b.classify("GetCallerIdentity", &credentialsError{err})
	}
	if identity, ok := c.get(credentials.AccessKeyID, b.clock.Now()); ok {
		return identity, nil
	}
	caller, err := call(ctx, b, "GetCallerIdentity", b.clients.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return backend.Identity{}, err
	}
	if awssdk.ToString(caller.Account) == "" || awssdk.ToString(caller.Arn) == "" {
		return backend.Identity{}, lacking("GetCallerIdentity", "the caller")
	}
	if _, err := call(ctx, b, "ListKeys", b.clients.kms.ListKeys, &kms.ListKeysInput{Limit: awssdk.Int32(1)}); err != nil {
		return backend.Identity{}, err
	}
	identity := backend.Identity{
		AccountID: awssdk.ToString(caller.Account), Region: b.clients.region, CallerARN: awssdk.ToString(caller.Arn),
		PrincipalARN: principalOf(awssdk.ToString(caller.Arn), b.clients.roles.known()),
	}
	c.set(credentials.AccessKeyID, b.clock.Now(), identity)
	return identity, nil
}

func (c *identityCache) get(accessKeyID string, now time.Time) (backend.Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity, c.accessKeyID == accessKeyID && now.Sub(c.at) < identityAge
}

func (c *identityCache) set(accessKeyID string, now time.Time, identity backend.Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accessKeyID, c.at, c.identity = accessKeyID, now, identity
}

// principalOf is the IAM role or user behind a caller: whom policies name. The ARN of a role's session lacks the role's path;
// known is the ARN of the role if the operator was told it.
func principalOf(caller, known string) string {
	parsed, err := arn.Parse(caller)
	if err != nil {
		return caller
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	parsed.Service = "iam"
	if kind != "assumed-role" {
		return parsed.String()
	}
	name, _, _ := strings.Cut(rest, "/")
	if role, err := arn.Parse(known); err == nil && role.AccountID == parsed.AccountID && strings.HasSuffix(role.Resource, "/"+name) {
		return known
	}
	parsed.Resource = "role/" + name
	return parsed.String()
}

// account is the account ID, if AWS was asked for it.
func (b *Backend) account() string {
	b.identity.mu.Lock()
	defer b.identity.mu.Unlock()
	return b.identity.identity.AccountID
}

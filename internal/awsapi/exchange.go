// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
)

// Exchange makes sessions of ServiceAccount tokens.
type Exchange struct {
	Reviewer interface {
		Review(ctx context.Context, token string, audiences []string) (serviceaccount.Identity, error)
	}
	Sessions *identity.Sessions
	// Serves says whether an account is one of the partition's.
	Serves func(accountID string) bool
	// DefaultAccount is the one whose role a pod gets that names none; empty if there is none.
	DefaultAccount func() string
}

const defaultDuration = time.Hour

// granted is a session and the token that it was made of.
type granted struct {
	identity.Issued
	token    serviceaccount.Identity
	provider string
}

// byRole is a session of the role for whoever holds the token.
func (x *Exchange) byRole(
	ctx context.Context, token, roleARN, sessionName string, lifetime time.Duration,
) (*granted, error) {
	reviewed, err := x.Reviewer.Review(ctx, token, []string{serviceaccount.AudienceWebIdentity})
	if err != nil {
		return nil, err
	}
	account, err := serviceaccount.Permit(reviewed.ServiceAccount, roleARN, x.Serves)
	if err != nil {
		return &granted{token: reviewed}, err
	}
	return x.issue(reviewed, account, sessionName, lifetime)
}

// byPod is a session of the ServiceAccount's own role in the account, named after its pod.
func (x *Exchange) byPod(ctx context.Context, token, accountID string) (*granted, error) {
	reviewed, err := x.Reviewer.Review(ctx, token, []string{serviceaccount.AudienceContainerCredentials})
	if err != nil {
		return nil, err
	}
	role := serviceaccount.RoleARN(accountID, reviewed.Namespace, reviewed.Name)
	account, err := serviceaccount.Permit(reviewed.ServiceAccount, role, x.Serves)
	if err != nil {
		return &granted{token: reviewed}, err
	}
	return x.issue(reviewed, account, podSessionName(reviewed.ServiceAccount), defaultDuration)
}

func (x *Exchange) issue(
	token serviceaccount.Identity, accountID, sessionName string, lifetime time.Duration,
) (*granted, error) {
	provider := serviceaccount.ProviderARN(accountID, token.Issuer)
	issued, err := x.Sessions.Issue(
		serviceaccount.RoleARN(accountID, token.Namespace, token.Name),
		identity.Session{
			Name: sessionName, Provider: provider, Subject: token.Subject, Audience: token.Audience,
			ServiceAccount: token.ServiceAccount,
		}, lifetime)
	if err != nil {
		return &granted{token: token}, fmt.Errorf("issuing a session: %w", err)
	}
	return &granted{Issued: issued, token: token, provider: provider}, nil
}

var notInSessionName = regexp.MustCompile(`[^\w+=,.@-]`)

// podSessionName is a session name that tells which pod calls; names of Kubernetes are within its characters.
func podSessionName(account identity.ServiceAccount) string {
	name := account.PodName
	if name == "" {
		name = account.Name
	}
	name = notInSessionName.ReplaceAllString(name, "-")
	if len(name) > identity.MaxSessionName {
		name = name[:identity.MaxSessionName]
	}
	if len(name) < identity.MinSessionName {
		name += "-pod"
	}
	return name
}

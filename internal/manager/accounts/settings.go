// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package accounts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/backend/aws"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// fieldSessionToken is the entry of a Secret with the token of temporary credentials.
const fieldSessionToken = "sessionToken"

// errGone is the cause when a Secret with credentials does not exist.
var errGone = errors.New("not found")

func isGone(err error) bool { return errors.Is(err, errGone) }

// settings are all that decides how AWS is reached. Two that are equal mean the same.
type settings struct {
	region, endpoint string
	role             aws.AssumeRole  // the zero value means none
	credentials      aws.Credentials // the zero value means the SDK's chain
}

// settings reads them from the spec and its Secret.
func (a *Accounts) settings(ctx context.Context, spec *v1alpha1.AWSBackend) (settings, error) {
	s := settings{region: spec.Region, endpoint: spec.Endpoint}
	if role := spec.AssumeRole; role != nil {
		s.role = aws.AssumeRole{ARN: role.ARN, ExternalID: role.ExternalID, SessionName: role.SessionName}
	}
	if spec.CredentialsSecretRef == nil {
		return s, nil
	}
	var err error
	s.credentials, err = a.credentials(ctx, spec.CredentialsSecretRef.Name)
	return s, err
}

// config is that of a backend with the settings.
func (a *Accounts) config(s settings) aws.Config {
	config := aws.Config{
		Region: s.region, Endpoint: s.endpoint, ClusterUID: a.options.ClusterUID, Clock: a.options.Clock, Quotas: a.options.Quotas,
	}
	if s.role.ARN != "" {
		config.AssumeRole = &s.role
	}
	if s.credentials.AccessKeyID != "" {
		config.Credentials = &s.credentials
	}
	return config
}

// credentials reads an access key from a Secret.
func (a *Accounts) credentials(ctx context.Context, name string) (aws.Credentials, error) {
	secret, err := a.options.Client.CoreV1().Secrets(a.options.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return aws.Credentials{}, a.unusable(name, " does not exist: create it with "+identity.FieldAccessKeyID+" and "+
			identity.FieldSecretAccessKey, errGone)
	}
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("reading Secret %s/%s: %w", a.options.Namespace, name, err)
	}
	return a.parse(secret)
}

func (a *Accounts) parse(secret *corev1.Secret) (aws.Credentials, error) {
	read := aws.Credentials{
		AccessKeyID:     string(secret.Data[identity.FieldAccessKeyID]),
		SecretAccessKey: string(secret.Data[identity.FieldSecretAccessKey]),
		SessionToken:    string(secret.Data[fieldSessionToken]),
	}
	for _, field := range []struct {
		name, value string
		required    bool
	}{
		{identity.FieldAccessKeyID, read.AccessKeyID, true},
		{identity.FieldSecretAccessKey, read.SecretAccessKey, true},
		{fieldSessionToken, read.SessionToken, false},
	} {
		switch {
		case field.value == "" && field.required:
			return aws.Credentials{}, a.unusable(secret.Name, " has no "+field.name+": add it", nil)
		case strings.IndexFunc(field.value, notVisible) >= 0:
			return aws.Credentials{}, a.unusable(secret.Name, ": "+field.name+" has blanks, a line break or other characters that no "+
				"access key has: write it without", nil)
		}
	}
	return read, nil
}

// notVisible says of a character that it is none of those that access keys and tokens consist of.
func notVisible(r rune) bool { return r <= ' ' || r > '~' }

func (a *Accounts) unusable(name, problem string, cause error) error {
	return &backend.Error{
		Class: backend.InvalidInput, Reason: v1alpha1.ReasonCredentialsInvalid, Err: cause,
		Message: fmt.Sprintf("spec.aws.credentialsSecretRef: Secret %s/%s%s", a.options.Namespace, name, problem),
	}
}

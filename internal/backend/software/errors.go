// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package software

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal/rootsecret"
)

// What can be wrong with a root key. They are causes of a *backend.Error with the reason of the same name.
type (
	// RootKeyMissingError says that there is no root key although records need one.
	RootKeyMissingError = rootsecret.MissingError
	// RootKeyInvalidError says that the root key's Secret cannot be read as one.
	RootKeyInvalidError = rootsecret.InvalidError
	// RootKeyMismatchError says that the Secret lacks root keys under which records are sealed.
	RootKeyMismatchError = rootsecret.MismatchError
)

// classes says what a caller can do about each of the KMS's errors. DependencyTimeoutException is not in it: its cause
// decides.
var classes = map[kms.Code]backend.Class{
	kms.AlreadyExistsException:        backend.Conflict,
	kms.ConflictException:             backend.Conflict,
	kms.DisabledException:             backend.NotReady,
	kms.IncorrectKeyMaterialException: backend.InvalidInput,
	kms.InvalidAliasNameException:     backend.InvalidInput,
	kms.InvalidArnException:           backend.InvalidInput,
	kms.KMSInternalException:          backend.Unavailable,
	kms.KMSInvalidStateException:      backend.NotReady,
	kms.KeyUnavailableException:       backend.Damaged,
	kms.LimitExceededException:        backend.InvalidInput,
	kms.MalformedPolicyException:      backend.InvalidInput,
	kms.NotFoundException:             backend.NotFound,
	kms.TagException:                  backend.InvalidInput,
	kms.ThrottlingException:           backend.Throttled,
	kms.UnsupportedOperationException: backend.InvalidInput,
	kms.ValidationException:           backend.InvalidInput,
}

// classify makes a *backend.Error of an error of the KMS about ref, a key or an alias; nil stays nil. Of a list of
// refused mutations it takes the first.
func (b *Backend) classify(err error, ref string) error {
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*kms.Error](err)
	if !ok {
		return storeError(err)
	}
	class, ok := classes[failure.Code]
	if !ok {
		return storeError(failure)
	}
	message := failure.Message
	if damaged, ok := errors.AsType[*keyring.DamagedError](err); ok {
		message = damaged.Error() // the KMS's clients are not told, but who reads a Key's status is to restore it
	}
	if class == backend.NotFound {
		message = b.notFound(ref, message)
	}
	return &backend.Error{Class: class, Message: message, Err: err}
}

func invalid(format string, args ...any) error {
	return &backend.Error{Class: backend.InvalidInput, Message: fmt.Sprintf(format, args...)}
}

// notFound says what does not exist where, and of an ARN from elsewhere that it is from elsewhere.
func (b *Backend) notFound(ref, message string) string {
	if ref == "" {
		return message
	}
	here := fmt.Sprintf("region %s of account %s", b.config.Region, b.config.AccountID)
	arn, err := kms.ParseARN(ref)
	switch {
	case err == nil && (arn.Region != b.config.Region || arn.AccountID != b.config.AccountID):
		return fmt.Sprintf("%s is of region %s of account %s, and this backend is %s", ref, arn.Region, arn.AccountID, here)
	case err == nil:
		return ref + " does not exist"
	case strings.HasPrefix(ref, "alias/"):
		return fmt.Sprintf("alias %s does not exist in %s", ref, here)
	default:
		return fmt.Sprintf("key %s does not exist in %s", ref, here)
	}
}

// storeError classifies an error by what the API server said.
func storeError(err error) *backend.Error {
	switch {
	case apierrors.IsForbidden(err):
		return &backend.Error{Class: backend.AccessDenied, Message: "the API server refuses the operator: " + said(err), Err: err}
	case apierrors.IsTooManyRequests(err):
		return &backend.Error{Class: backend.Throttled, Message: "the API server asks to be called less often", Err: err}
	case apierrors.IsInvalid(err), apierrors.IsRequestEntityTooLargeError(err), apierrors.IsBadRequest(err):
		return &backend.Error{Class: backend.InvalidInput, Message: "the API server refuses the key's record: " + said(err), Err: err}
	case apierrors.IsNotFound(err):
		return &backend.Error{Class: backend.Unavailable, Message: "the API server lacks what key records need: " + said(err), Err: err}
	default:
		return &backend.Error{Class: backend.Unavailable, Message: "the API server did not take a request about key records", Err: err}
	}
}

// said is the API server's own message, which is the same at each attempt.
func said(err error) string {
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return status.ErrStatus.Message
	}
	return err.Error()
}

// rootKeyError classifies an error of the root key's Secret.
func rootKeyError(err error) error {
	reason := ""
	if _, ok := errors.AsType[*RootKeyMissingError](err); ok {
		reason = v1alpha1.ReasonRootKeyMissing
	}
	if _, ok := errors.AsType[*RootKeyInvalidError](err); ok {
		reason = v1alpha1.ReasonRootKeyInvalid
	}
	if _, ok := errors.AsType[*RootKeyMismatchError](err); ok {
		reason = v1alpha1.ReasonRootKeyMismatch
	}
	if reason == "" {
		return storeError(err)
	}
	return &backend.Error{Class: backend.Damaged, Reason: reason, Message: err.Error(), Err: err}
}

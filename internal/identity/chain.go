// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Chain asks one source after the other for credentials until one knows them. It keeps the two kinds of credentials apart:
// an access key ID that begins with TemporaryKeyPrefix needs a session token, and any other must come without one.
func Chain(sources ...Source) Source { return chain(sources) }

type chain []Source

// Lookup implements Source. ErrUnavailable of one source stands only if no other knows the credentials.
func (c chain) Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error) {
	switch temporary := strings.HasPrefix(accessKeyID, TemporaryKeyPrefix); {
	case temporary && sessionToken == "":
		return Credential{}, fmt.Errorf("a session's access key ID came without a session token: %w", ErrUnknown)
	case !temporary && sessionToken != "":
		return Credential{}, fmt.Errorf("a session token came with an access key ID that is no session's: %w", ErrUnknown)
	}
	err := ErrUnknown
	for _, source := range c {
		credential, sourceErr := source.Lookup(ctx, accessKeyID, sessionToken)
		if sourceErr == nil {
			return credential, nil
		}
		if saysMore(sourceErr, err) {
			err = sourceErr
		}
	}
	return Credential{}, err
}

// saysMore prefers what is more than not knowing, and then a reason.
func saysMore(err, than error) bool {
	if !errors.Is(than, ErrUnknown) {
		return false
	}
	return !errors.Is(err, ErrUnknown) || errors.Unwrap(than) == nil
}

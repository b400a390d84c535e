// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"slices"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// source is the key that a ciphertext is to be decrypted with.
type source struct {
	// key is nil where the ciphertext names one that is not here.
	key *kms.Key
	// named: the request names the key, so its caller knows of it. What is known from the ciphertext alone is not to be
	// disclosed to a caller who may not use the key, not even whether it exists.
	named bool
	// err is what is wrong with the request's grant tokens, for those who may know that the key exists.
	err error
}

// sourceOf finds the key of a ciphertext: the one that the request names or, for a symmetric ciphertext, the one that the
// ciphertext names itself.
func (r *Request) sourceOf(ctx context.Context, ciphertext []byte, ref string) (source, error) {
	if ref != "" {
		key, err := r.find(ctx, ref, KeyOrAlias)
		return source{key: key, named: true}, err
	}
	keyID, err := kms.KeyIDOfCiphertext(ciphertext)
	if err != nil {
		return source{}, err
	}
	key, err := r.search(keyID)
	if key == nil || err != nil {
		return source{}, err
	}
	if key.Service() == r.service {
		r.about(key)
	}
	found := source{key: key}
	if key, err := r.redeem(ctx, key); err != nil {
		found.err = err
	} else {
		found.key = key
	}
	return found, nil
}

// search finds a key in the call's Region by its ID alone, which does not tell the account: the caller's own first, then
// the others, whose keys may allow the caller. It is nil if no account has such a key. Errors of other accounts are not
// told, but for one that is the same for every key.
func (r *Request) search(keyID string) (*kms.Key, error) {
	if r.service != nil {
		if key, err := r.service.Key(keyID); !kms.HasCode(err, kms.NotFoundException) {
			return key, err
		}
	}
	partition := r.executor.Partition
	for _, accountID := range partition.Accounts() {
		service := partition.Service(accountID, r.Region)
		if service == nil || service == r.service {
			continue
		}
		key, err := service.Key(keyID)
		if err == nil || kms.HasCode(err, kms.DependencyTimeoutException) {
			return key, err
		}
	}
	return nil, nil
}

// authorizeSource returns the key of a ciphertext if the caller may do with it what the permission says.
func (r *Request) authorizeSource(s source, permission string, encryptionContext map[string]string) (*kms.Key, error) {
	if s.key == nil {
		r.reason = "the ciphertext names a key that is not in this Region"
		return nil, undisclosed()
	}
	err := r.authorizeIn(s.key, permission, encryptionContext)
	switch {
	case err != nil && s.named:
		return nil, err
	case err != nil:
		r.reason = s.key.ARN() + ": " + r.reason
		return nil, undisclosed()
	case s.err != nil:
		return nil, s.err
	}
	r.about(s.key)
	return s.key, nil
}

// undisclosed is the same for a key that does not exist and one that the caller may not use.
func undisclosed() error {
	return kms.Errorf(kms.AccessDeniedException, "The ciphertext refers to a customer master key that does not exist, "+
		"does not exist in this region, or you are not allowed to access.")
}

// checkCiphertext holds what Decrypt and ReEncrypt demand of a ciphertext and its key, whose member is called member.
func checkCiphertext(
	ciphertext []byte, algorithm, keyID, member string, dryRun bool, modifiers []string,
) error {
	switch {
	case len(modifiers) > 0 && !dryRun:
		return kms.Errorf(kms.ValidationException, "DryRunModifiers can only be specified if DryRun is true")
	case len(ciphertext) == 0 && !ignoresCiphertext(modifiers):
		return kms.Errorf(kms.ValidationException, "1 validation error detected: Value null at 'ciphertextBlob' failed to "+
			"satisfy constraint: Member must not be null")
	case keyID == "" && (ignoresCiphertext(modifiers) || algorithm != string(keyspec.AlgorithmSymmetricDefault)):
		return kms.Errorf(kms.ValidationException, "%s must not be null", member)
	default:
		return nil
	}
}

// ignoresCiphertext says whether a dry run is about permissions alone.
func ignoresCiphertext(modifiers []string) bool {
	return slices.Contains(modifiers, "IGNORE_CIPHERTEXT")
}

// refuse refuses a recipient: the answer would have to be encrypted for a Nitro Enclave that has proved what it is.
func (in *RecipientInfo) refuse() error {
	if in == nil {
		return nil
	}
	return kms.Errorf(kms.UnsupportedOperationException,
		"Recipient is not supported: the software KMS has no Nitro Enclaves attestation.")
}

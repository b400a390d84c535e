// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"cmp"
	"context"
	"strconv"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

const (
	reEncryptFrom = "kms:ReEncryptFrom"
	reEncryptTo   = "kms:ReEncryptTo"
)

func reEncryptOperation() Operation {
	op := useOperation("ReEncrypt", keyspec.EncryptDecrypt)
	op.Permissions = []string{reEncryptFrom, reEncryptTo}
	return op
}

func (in *ReEncryptInput) check() error {
	return checkCiphertext(in.CiphertextBlob, in.SourceEncryptionAlgorithm, in.SourceKeyID, "SourceKeyId",
		in.DryRun, in.DryRunModifiers)
}

func reEncrypt(ctx context.Context, r *Request, in *ReEncryptInput) (*ReEncryptOutput, error) {
	from, to, err := r.bothKeys(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &ReEncryptOutput{
		SourceKeyID: from.ARN(), KeyID: to.ARN(),
		SourceEncryptionAlgorithm: in.SourceEncryptionAlgorithm, DestinationEncryptionAlgorithm: in.DestinationEncryptionAlgorithm,
	}
	if ignoresCiphertext(in.DryRunModifiers) {
		return out, nil
	}
	plaintext, sourceMaterial, err := from.Decrypt(ctx,
		keyspec.Algorithm(in.SourceEncryptionAlgorithm), in.SourceEncryptionContext, in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	defer clear(plaintext)
	ciphertext, destinationMaterial, err := to.Encrypt(
		keyspec.Algorithm(in.DestinationEncryptionAlgorithm), in.DestinationEncryptionContext, plaintext)
	if err != nil {
		return nil, err
	}
	r.note("sourceKeyMaterialId", sourceMaterial)
	r.note("destinationKeyMaterialId", destinationMaterial)
	out.CiphertextBlob = ciphertext
	out.SourceKeyMaterialID, out.DestinationKeyMaterialID = sourceMaterial, destinationMaterial
	return out, nil
}

// bothKeys are the keys of a ReEncrypt after everything that stands before their use. Whether the destination is there is
// answered whatever the ciphertext names, so that the answer tells nothing of the source.
func (r *Request) bothKeys(ctx context.Context, in *ReEncryptInput) (from, to *kms.Key, err error) {
	r.permission = reEncryptFrom
	source, err := r.sourceOf(ctx, in.CiphertextBlob, in.SourceKeyID)
	if err != nil {
		return nil, nil, err
	}
	r.permission = reEncryptTo
	if to, err = r.find(ctx, in.DestinationKeyID, KeyOrAlias); err != nil {
		return nil, nil, err
	}
	same := source.key != nil && source.key.ARN() == to.ARN()
	r.reEncryptFacts(same, in.SourceEncryptionAlgorithm)
	if from, err = r.authorizeSource(source, reEncryptFrom, in.SourceEncryptionContext); err != nil {
		return nil, nil, err
	}
	in.SourceKeyID = cmp.Or(in.SourceKeyID, from.ARN())
	r.reEncryptFacts(same, in.DestinationEncryptionAlgorithm)
	if err := r.authorizeIn(to, reEncryptTo, in.DestinationEncryptionContext); err != nil {
		return nil, nil, err
	}
	r.keys = nil
	r.about(from) // AWS records the source first
	r.about(to)
	if err := r.suits(from); err != nil {
		return nil, nil, err
	}
	if err := r.suits(to); err != nil {
		return nil, nil, err
	}
	return from, to, checkBoth(from, to, in)
}

// checkBoth refuses algorithms and contexts that are not the keys'. The source's is left to Decrypt if there is a
// ciphertext, because AWS looks at that first.
func checkBoth(from, to *kms.Key, in *ReEncryptInput) error {
	if ignoresCiphertext(in.DryRunModifiers) {
		err := from.CheckEncryption(keyspec.Algorithm(in.SourceEncryptionAlgorithm), in.SourceEncryptionContext)
		if err != nil {
			return err
		}
	}
	return to.CheckEncryption(keyspec.Algorithm(in.DestinationEncryptionAlgorithm), in.DestinationEncryptionContext)
}

// reEncryptFacts are what conditions on one of the two keys see.
func (r *Request) reEncryptFacts(same bool, algorithm string) {
	r.facts = map[string][]string{
		"kms:ReEncryptOnSameKey":  {strconv.FormatBool(same)},
		"kms:EncryptionAlgorithm": {algorithm},
	}
}

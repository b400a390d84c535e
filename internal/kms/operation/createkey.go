// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"cmp"
	"context"

	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const (
	specSM2               = "SM2"
	originCloudHSM        = "AWS_CLOUDHSM"
	originExternalStorage = "EXTERNAL_KEY_STORE"
)

func createKey(ctx context.Context, r *Request, in *CreateKeyInput) (*CreateKeyOutput, error) {
	if err := in.settle(); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := r.authorizeAccount(everything); err != nil {
		return nil, err
	}
	service, err := r.local()
	if err != nil {
		return nil, err
	}
	document, err := r.newPolicy(service, in.Policy, in.BypassPolicyLockoutSafetyCheck)
	if err != nil {
		return nil, err
	}
	created, err := service.CreateKey(ctx, kms.CreateKeyInput{
		Spec: keyspec.Spec(in.KeySpec), Usage: keyspec.Usage(in.KeyUsage), Origin: keyring.Origin(in.Origin),
		Description: in.Description, Tags: tags, MultiRegion: in.MultiRegion, Policy: document,
	})
	if err != nil {
		return nil, err
	}
	key, err := service.Key(created.KeyID)
	if err != nil {
		return nil, err
	}
	r.about(key)
	out := &CreateKeyOutput{KeyMetadata: describe(key)}
	r.response = map[string]any{"keyMetadata": out.KeyMetadata.recorded()}
	return out, nil
}

// settle fills in what the caller left to AWS's defaults, and refuses what only AWS has.
func (in *CreateKeyInput) settle() error {
	if in.KeySpec != "" && in.CustomerMasterKeySpec != "" {
		return kms.Errorf(kms.ValidationException, "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "+
			"CustomerMasterKeySpec is deprecated.")
	}
	in.KeySpec = cmp.Or(in.KeySpec, in.CustomerMasterKeySpec, string(keyspec.SymmetricDefault))
	in.Origin = cmp.Or(in.Origin, string(keyring.OriginAWSKMS))
	switch {
	case in.CustomKeyStoreID != "" || in.XKSKeyID != "" || in.Origin == originCloudHSM || in.Origin == originExternalStorage:
		return kms.Errorf(kms.UnsupportedOperationException, "The software KMS has no custom key stores.")
	case in.KeySpec == specSM2:
		return kms.Errorf(kms.UnsupportedOperationException, "KeySpec SM2 is supported only in China Regions.")
	default:
		return nil
	}
}

// newPolicy is the policy of a key to be made: the one given, if it passes, or AWS's default one.
func (r *Request) newPolicy(service *kms.Service, document string, bypass bool) (string, error) {
	if document == "" {
		return policy.Default(service.ID().AccountID).String(), nil
	}
	return service.CheckPolicy(r.principal(), document, bypass)
}

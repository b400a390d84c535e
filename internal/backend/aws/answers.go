// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// lacking is the error of an answer to the operation with that name that lacks what each has. The SDK takes any JSON object for a
// success, and none at all too, such as something before AWS may send. The request may have been carried out.
func lacking(name, what string) error {
	return &backend.Error{Class: backend.Unavailable, Message: fmt.Sprintf(
		"%s:%s: the answer lacks %s: see whether it is AWS that answers at spec.aws.endpoint", operations[name].service, name, what)}
}

// idIn is the ID of the key in an answer that tells of one.
func idIn(name string, told *types.KeyMetadata) (string, error) {
	if told == nil || awssdk.ToString(told.KeyId) == "" {
		return "", lacking(name, "the key")
	}
	return *told.KeyId, nil
}

// following is the marker of the page after the one that this marker began, of a list that goes on.
func following(name string, this, next *string) (*string, error) {
	if marker := awssdk.ToString(next); marker == "" || marker == awssdk.ToString(this) {
		return nil, lacking(name, "the place where the list goes on")
	}
	return next, nil
}

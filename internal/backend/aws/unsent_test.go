// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	smithy "github.com/aws/smithy-go"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

func TestWhatTheSDKFindsWrongIsInvalidInputThatNamesTheField(t *testing.T) {
	bare(t)
	_, p, b := faulty(t)
	grant := func(b *Backend, in *kms.CreateGrantInput) error {
		_, err := call(t.Context(), b, "CreateGrant", b.clients.kms.CreateGrant, in)
		return err
	}
	at := func(url string) *Backend { return open(t, settings(url, clock.RealClock{})) }
	elsewhere := settings("", clock.RealClock{})
	elsewhere.Region = "not a Region"
	for name, c := range map[string]struct {
		do   func() error
		says string
	}{
		"a field that is missing": {func() error { return grant(b, &kms.CreateGrantInput{GranteePrincipal: new("p"), KeyId: new("k")}) },
			"kms:CreateGrant: AWS would not take the request: missing required field, CreateGrantInput.Operations"},
		"two": {func() error { return grant(b, &kms.CreateGrantInput{GranteePrincipal: new("p")}) },
			"kms:CreateGrant: AWS would not take the request: missing required field, CreateGrantInput.KeyId; " +
				"missing required field, CreateGrantInput.Operations"},
		"a URL of another kind": {func() error { _, err := at("ftp://127.0.0.1").listKeys(t.Context()); return err },
			`kms:ListKeys: no request can be made: unsupported protocol scheme "ftp"; look at spec.aws.region, spec.aws.endpoint and the ` +
				"operator's environment"},
		"no URL": {func() error { _, err := at("http://[::1").listKeys(t.Context()); return err },
			"kms:ListKeys: no request can be made: Failed to parse uri: http://[::1; look at spec.aws.region, " +
				"spec.aws.endpoint and the operator's environment"},
		"no Region": {func() error { _, err := open(t, elsewhere).listKeys(t.Context()); return err },
			"kms:ListKeys: no request can be made: invalid input region not a Region; look at spec.aws.region, spec.aws.endpoint and the " +
				"operator's environment"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := p.counted(func() {
				err := c.do()
				if backend.ClassOf(err) != backend.InvalidInput || err.Error() != c.says || mayHaveHappened(err) {
					t.Errorf("%s, may have happened %t: %v, want %s", backend.ClassOf(err), mayHaveHappened(err), err, c.says)
				}
			})
			if total(calls) != 0 {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

func TestARequestThatCannotBeWrittenIsInvalidInput(t *testing.T) {
	b := open(t, settings("http://127.0.0.1:1", clock.RealClock{}))
	_, err := call(t.Context(), b, "ListKeys", func(context.Context, *kms.ListKeysInput, ...func(*kms.Options)) (*kms.ListKeysOutput, error) {
		return nil, &smithy.OperationError{ServiceID: "KMS", OperationName: "ListKeys", Err: &smithy.SerializationError{Err: errors.New("this is why")}}
	}, &kms.ListKeysInput{})
	if backend.ClassOf(err) != backend.InvalidInput || err.Error() != "kms:ListKeys: the request cannot be written as AWS reads it: this is why" {
		t.Errorf("%s: %v", backend.ClassOf(err), err)
	}
}

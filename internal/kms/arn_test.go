// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func FuzzAnARNThatParsesNamesOneThingAndItsOwnParts(f *testing.F) {
	for _, seed := range []string{
		"", "arn:", "arn:aws:kms:local:111122223333:key/0000", "arn:aws:kms:local:111122223333:alias/a/b:c",
		"arn:aws:kms:local:111122223333:key/", "arn:aws:s3:::bucket", "arn:aws-cn:kms:local:1:key/x", "arn:aws:kms:::alias/",
		"arn:aws:kms:local:111122223333:key/a:b:c", strings.Repeat(":", 7),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		arn, err := kms.ParseARN(text)
		if err != nil {
			if !kms.HasCode(err, kms.InvalidArnException) {
				t.Errorf("error %v has another code", err)
			}
			return
		}
		if (arn.KeyID == "") == (arn.Alias == "") {
			t.Errorf("%q names a key (%q) and an alias (%q), or neither", text, arn.KeyID, arn.Alias)
		}
		resource := arn.Alias
		if resource == "" {
			resource = "key/" + arn.KeyID
		}
		if again := "arn:aws:kms:" + arn.Region + ":" + arn.AccountID + ":" + resource; again != text {
			t.Errorf("the parts of %q make %q", text, again)
		}
	})
}

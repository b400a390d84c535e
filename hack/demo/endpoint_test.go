// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestTheLinesShownLetAWSsSDKUseTheKey(t *testing.T) {
	run := startDemo(t)
	run.waitFor("export AWS_ACCESS_KEY_ID=")
	run.waitFor("generate-data-key")
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	for line := range strings.Lines(run.output.String()) {
		assignments, isExport := strings.CutPrefix(strings.TrimSpace(line), "export AWS_")
		if !isExport {
			continue
		}
		for assignment := range strings.FieldsSeq("AWS_" + assignments) {
			name, value, _ := strings.Cut(assignment, "=")
			t.Setenv(name, value)
		}
	}
	environment, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	who, err := sts.NewFromConfig(environment).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || !strings.HasSuffix(*who.Arn, ":root") {
		t.Errorf("the caller is %+v, %v; want the account's root user", who, err)
	}
	_, err = kms.NewFromConfig(environment).GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{
		KeyId: aws.String("alias/orders"), KeySpec: types.DataKeySpecAes256,
	})
	if err != nil {
		t.Errorf("what is shown for another terminal does not work: %v\n%s", err, run.output.String())
	}
	if err := run.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := run.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// TestNewCredentialsAreTakenUpWhenAWSRefusesTheOld has the SDK's chain ask a program for them.
func TestNewCredentialsAreTakenUpWhenAWSRefusesTheOld(t *testing.T) {
	w := newEndpoint(t)
	bare(t)
	folder := t.TempDir()
	file, configuration := filepath.Join(folder, "credentials"), filepath.Join(folder, "config")
	give := func(accessKeyID string) {
		t.Helper()
		text := fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":"2099-01-01T00:00:00Z"}`, accessKeyID, secretKey)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(configuration, []byte("[default]\ncredential_process = cat "+file+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", configuration)
	config := settings(w.url(), clock.RealClock{})
	config.Credentials = nil
	give("AKIAIOSFODNN9EXAMPLE")
	b := open(t, config)
	if _, err := b.Identify(t.Context()); backend.ClassOf(err) != backend.AccessDenied {
		t.Errorf("with an access key that AWS does not know: %v", err)
	}
	give(accessKey)
	if _, err := b.Identify(t.Context()); err != nil {
		t.Errorf("with another one: %v", err)
	}
}

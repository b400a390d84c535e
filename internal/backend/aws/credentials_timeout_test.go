// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// silentAtFirst stands for whoever gives credentials out. It takes the first request and never answers it, and answers each later one
// with what gives credentials of the form that is asked for. It works within synctest's time.
type silentAtFirst struct {
	contentType, body string
	asked             atomic.Int32
}

// client makes requests to it, whatever their address.
func (s *silentAtFirst) client() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.Proxy = nil
		t.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go s.serve(theirs)
			return ours, nil
		}
		t.DialTLSContext = t.DialContext
	})
}

func (s *silentAtFirst) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, request.Body)
	if s.asked.Add(1) == 1 {
		_, _ = io.Copy(io.Discard, conn) // until the other side gives up
		return
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", s.contentType, len(s.body), s.body)
}

// bySTS is the answer of STS to the operation.
func bySTS(operation string) *silentAtFirst {
	return &silentAtFirst{contentType: "text/xml", body: fmt.Sprintf(`<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials>`+
		`<AccessKeyId>%[2]s</AccessKeyId><SecretAccessKey>%[3]s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>`+
		`</Credentials></%[1]sResult></%[1]sResponse>`, operation, accessKey, secretKey)}
}

// TestCredentialsThatDoNotComeOnceAreAskedForAgain has a request for credentials accepted and never answered. Whoever gives up waiting
// for it must not leave it to those who come later.
func TestCredentialsThatDoNotComeOnceAreAskedForAgain(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, c := range map[string]struct {
		environment map[string]string
		assume      *AssumeRole
		key         *Credentials
		source      *silentAtFirst
		within      time.Duration
	}{
		"a role in spec.aws.assumeRole": {
			assume: &AssumeRole{ARN: operatorRole}, key: &Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey},
			source: bySTS(assumeRole), within: credentialsTimeout,
		},
		"the ServiceAccount's role (IRSA)": {
			environment: map[string]string{"AWS_ROLE_ARN": operatorRole, "AWS_WEB_IDENTITY_TOKEN_FILE": write("token", "a token")},
			source:      bySTS(assumeRoleByWebIdentity), within: credentialsTimeout,
		},
		"EKS Pod Identity": {
			environment: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"},
			source: &silentAtFirst{contentType: "application/json", body: fmt.Sprintf(
				`{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":"t","Expiration":"2099-01-01T00:00:00Z"}`, accessKey, secretKey)},
			within: credentialsTimeout,
		},
		"a role in the SDK's own configuration": {
			environment: map[string]string{"AWS_CONFIG_FILE": write("config", "[default]\nrole_arn = "+operatorRole+
				"\nsource_profile = other\n[profile other]\naws_access_key_id = "+accessKey+"\naws_secret_access_key = "+secretKey+"\n")},
			source: bySTS(assumeRole), within: attemptTimeout,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			synctest.Test(t, func(t *testing.T) {
				config := Config{Region: region, Credentials: c.key, AssumeRole: c.assume}
				used, err := clientsOver(t.Context(), c.source.client(), config, nobody{})
				if err != nil {
					t.Fatal(err)
				}
				retrieve := func(patience time.Duration) error {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					_, err := used.credentials.Retrieve(ctx)
					return err
				}
				begun := time.Now()
				if retrieve(time.Second) == nil {
					t.Fatal("there are credentials, and nobody gave any")
				}
				err = retrieve(time.Hour)
				if v := verdictOn(&credentialsError{err}); time.Since(begun) > c.within || v.class != backend.Unavailable {
					t.Errorf("those who waited with it heard after %s: %v, %s", time.Since(begun), err, v.class)
				}
				if err := retrieve(time.Second); err != nil || c.source.asked.Load() != 2 {
					t.Errorf("asked %d times, %v", c.source.asked.Load(), err)
				}
			})
		})
	}
}

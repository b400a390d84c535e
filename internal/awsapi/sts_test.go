// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
)

const (
	roleARN    = "arn:aws:iam::" + account + ":role/shop/orders"
	sessionARN = "arn:aws:sts::" + account + ":assumed-role/orders/"
)

func assume(token string) *sts.AssumeRoleWithWebIdentityInput {
	return &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(roleARN), RoleSessionName: aws.String("session-1"), WebIdentityToken: &token,
	}
}

// allow lets the role use the key.
func (w *world) allow(keyID string) {
	w.t.Helper()
	document := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + roleARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`
	_, err := w.kms(rootID).PutKeyPolicy(w.t.Context(), &awskms.PutKeyPolicyInput{KeyId: &keyID, Policy: &document})
	if err != nil {
		w.t.Fatal(err)
	}
}

// environment is that of a pod: nothing but what is set here.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(goodToken), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPodNeedsOnlyTheStandardVariables(t *testing.T) {
	w := newWorld(t, nil)
	keyID := w.newKey()
	w.allow(keyID)
	tests := map[string]map[string]string{
		"web identity": {
			"AWS_ROLE_ARN": roleARN, "AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile(t), "AWS_REGION": region,
			"AWS_ENDPOINT_URL_KMS": w.server.URL, "AWS_ENDPOINT_URL_STS": w.server.URL,
		},
		"container credentials": {
			"AWS_CONTAINER_CREDENTIALS_FULL_URI":     w.server.URL + "/v1/credentials",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": tokenFile(t), "AWS_REGION": region, "AWS_ENDPOINT_URL": w.server.URL,
		},
	}
	for name, variables := range tests {
		t.Run(name, func(t *testing.T) {
			environment(t, variables)
			loaded, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			client := awskms.NewFromConfig(loaded)
			if _, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("x")}); err != nil {
				t.Fatal(err)
			}
			event := w.recorder.last(t)
			if event.UserIdentity.Type != "AssumedRole" || !strings.HasPrefix(event.UserIdentity.ARN, sessionARN) ||
				event.UserIdentity.SessionContext.SessionIssuer.ARN != roleARN {
				t.Errorf("the event is %+v", event)
			}
			_, err = client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
			wantCode(t, err, "AccessDeniedException")
		})
	}
}

func TestAssumeRoleWithWebIdentityAnswersAndRecordsWhoItWas(t *testing.T) {
	w := newWorld(t, nil)
	out, err := w.sts(rootID).AssumeRoleWithWebIdentity(t.Context(), assume(goodToken))
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != sessionARN+"session-1" || *out.SubjectFromWebIdentityToken != "system:serviceaccount:shop:orders" ||
		*out.Audience != "sts.amazonaws.com" || *out.Provider != "arn:aws:iam::111122223333:oidc-provider/kube.example" {
		t.Errorf("the answer is %+v", out)
	}
	if lasts := out.Credentials.Expiration.Sub(w.clock.Now()); lasts < 59*time.Minute || lasts > time.Hour {
		t.Errorf("the session lasts %s, want an hour", lasts)
	}
	event := w.recorder.last(t)
	if event.Source != "sts.amazonaws.com" || event.UserIdentity.UserName != "system:serviceaccount:shop:orders" {
		t.Errorf("the event is %+v", event)
	}
	recorded := map[string]any{}
	for _, parameter := range event.RequestParameters {
		recorded[parameter.Name] = parameter.Value
	}
	if recorded["roleSessionName"] != "session-1" {
		t.Errorf("the event's parameters are %v", recorded)
	}
	for _, secret := range []string{goodToken, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken} {
		if strings.Contains(strings.Join(flatten(recorded, event.ResponseElements), " "), secret) {
			t.Error("the event has a secret in it")
		}
	}
}

// flatten is every text in maps of maps.
func flatten(maps ...map[string]any) []string {
	var texts []string
	for _, m := range maps {
		for _, value := range m {
			switch value := value.(type) {
			case string:
				texts = append(texts, value)
			case map[string]any:
				texts = append(texts, flatten(value)...)
			}
		}
	}
	return texts
}

func TestTokensThatDoNotProveTheRoleAreRefusedAndRecorded(t *testing.T) {
	w := newWorld(t, nil)
	other := "arn:aws:iam::" + account + ":role/shop/payments"
	tests := map[string]struct {
		fail   error
		change func(*sts.AssumeRoleWithWebIdentityInput)
		code   string
	}{
		"forged":          {nil, func(in *sts.AssumeRoleWithWebIdentityInput) { in.WebIdentityToken = aws.String("forged") }, "InvalidIdentityToken"},
		"expired":         {serviceaccount.ErrExpired, nil, "ExpiredTokenException"},
		"wrong audience":  {serviceaccount.ErrAudience, nil, "InvalidIdentityToken"},
		"no API server":   {serviceaccount.ErrUnavailable, nil, "IDPCommunicationError"},
		"another's role":  {nil, func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleArn = &other }, "AccessDenied"},
		"session policy":  {nil, func(in *sts.AssumeRoleWithWebIdentityInput) { in.Policy = aws.String("{}") }, "ValidationError"},
		"too long":        {nil, func(in *sts.AssumeRoleWithWebIdentityInput) { in.DurationSeconds = aws.Int32(43201) }, "ValidationError"},
		"no session name": {nil, func(in *sts.AssumeRoleWithWebIdentityInput) { in.RoleSessionName = aws.String("a b") }, "ValidationError"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.reviewer.fail = tt.fail
			in := assume(goodToken)
			if tt.change != nil {
				tt.change(in)
			}
			_, err := w.sts(rootID).AssumeRoleWithWebIdentity(t.Context(), in)
			wantCode(t, err, tt.code)
			if event := w.recorder.last(t); event.ErrorCode != tt.code || event.Name != "AssumeRoleWithWebIdentity" {
				t.Errorf("the event is %+v", event)
			}
		})
	}
}

func TestAnExpiredSessionIsRefusedInBothProtocols(t *testing.T) {
	w := newWorld(t, nil)
	keyID := w.newKey()
	issued, err := w.sessions.Issue(roleARN, identity.Session{Name: "session-1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.SetTime(time.Now().Add(2 * time.Minute))
	in := w.config(issued.Caller.AccessKeyID, issued.SecretAccessKey.Reveal())
	in.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: issued.Caller.AccessKeyID, SecretAccessKey: issued.SecretAccessKey.Reveal(), SessionToken: issued.SessionToken,
		}, nil
	})
	who, err := sts.NewFromConfig(in).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != sessionARN+"session-1" {
		t.Fatalf("got %v, %v", who, err)
	}
	w.clock.SetTime(time.Now().Add(-2 * time.Hour))
	old, err := w.sessions.Issue(roleARN, identity.Session{Name: "session-1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.SetTime(time.Now())
	issued = old
	_, err = awskms.NewFromConfig(in).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	wantCode(t, err, "ExpiredTokenException")
	_, err = sts.NewFromConfig(in).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "ExpiredToken")
}

func TestGetCallerIdentityTakesAPresignedURL(t *testing.T) {
	w := newWorld(t, nil)
	presigned, err := sts.NewPresignClient(w.sts(userID)).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), presigned.Method, presigned.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	got := w.do(req)
	if got.status != http.StatusOK || !strings.Contains(got.body, "<Arn>arn:aws:iam::111122223333:user/dev</Arn>") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

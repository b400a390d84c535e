// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
)

func TestTheGoSDKEncryptsAndDecrypts(t *testing.T) {
	w := newWorld(t, nil)
	client, keyID := w.kms(rootID), w.newKey()
	encrypted, err := client.Encrypt(t.Context(), &awskms.EncryptInput{
		KeyId: &keyID, Plaintext: []byte("attack at dawn"), EncryptionContext: map[string]string{"tenant": "42"},
	})
	if err != nil {
		t.Fatal(err)
	}
	decrypted, err := client.Decrypt(t.Context(), &awskms.DecryptInput{
		CiphertextBlob: encrypted.CiphertextBlob, EncryptionContext: map[string]string{"tenant": "42"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(decrypted.Plaintext, []byte("attack at dawn")) {
		t.Error("another text came back")
	}
	event := w.recorder.last(t)
	if event.Name != "Decrypt" || event.UserIdentity.Type != "Root" || event.UserIdentity.AccessKeyID != rootID ||
		event.SourceIPAddress != "127.0.0.1" || !strings.HasPrefix(event.UserAgent, "aws-sdk-go-v2/") {
		t.Errorf("the event is %+v", event)
	}
}

func TestErrorsHaveAWSsShapeAndStatus(t *testing.T) {
	w := newWorld(t, nil)
	client, keyID := w.kms(rootID), w.newKey()
	if _, err := client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: &keyID}); err != nil {
		t.Fatal(err)
	}
	_, err := client.Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("x")})
	wantCode(t, err, "DisabledException")
	_, err = w.kms(userID).Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("x")})
	got, message := code(err)
	want := "User: arn:aws:iam::111122223333:user/dev is not authorized to perform: kms:Encrypt on resource: " +
		"arn:aws:kms:eu-central-1:111122223333:key/" + keyID + " because no identity-based policy allows the kms:Encrypt action"
	if got != "AccessDeniedException" || message != want {
		t.Errorf("got %s: %s", got, message)
	}
	if event := w.recorder.last(t); event.ErrorCode != "AccessDenied" || event.Reason == "" || strings.Contains(message, event.Reason) {
		t.Errorf("the event is %+v", event)
	}
}

func TestWhoDoesNotProveWhoTheyAreIsRefusedAndRecorded(t *testing.T) {
	w := newWorld(t, nil)
	keyID := w.newKey()
	late := func() { w.clock.SetTime(time.Now().Add(6 * time.Minute)) }
	tests := map[string]struct {
		client *awskms.Client
		before func()
		code   string
	}{
		"another secret":     {awskms.NewFromConfig(w.config(rootID, "another")), nil, "InvalidSignatureException"},
		"unknown access key": {awskms.NewFromConfig(w.config("AKIAUNKNOWN", secret)), nil, "UnrecognizedClientException"},
		"another Region": {awskms.NewFromConfig(w.config(rootID, secret), func(o *awskms.Options) { o.Region = "mars-1" }),
			nil, "InvalidSignatureException"},
		"an old signature": {w.kms(rootID), late, "InvalidSignatureException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.clock.SetTime(time.Now())
			if tt.before != nil {
				tt.before()
			}
			_, err := tt.client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
			wantCode(t, err, tt.code)
			event := w.recorder.last(t)
			if event.ErrorCode != tt.code || event.Name != "DescribeKey" || event.UserIdentity.ARN != "" {
				t.Errorf("the event is %+v", event)
			}
		})
	}
}

func TestRequestsThatNoClientSendsAreAnsweredInTheirProtocol(t *testing.T) {
	w := newWorld(t, nil)
	target := func(name string) map[string]string {
		return map[string]string{"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.1"}
	}
	tests := map[string]struct {
		path, body string
		header     map[string]string
		status     int
		want       string
	}{
		"no operation":           {"/", "{}", target("TrentService.Explode"), 400, `{"__type":"UnknownOperationException"}`},
		"another service":        {"/", "{}", target("DynamoDB.GetItem"), 400, `{"__type":"UnknownOperationException"}`},
		"unsigned":               {"/", "{}", target("TrentService.ListKeys"), 400, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		"another path":           {"/admin", "{}", nil, 404, `UnknownOperationException`},
		"an over-long body":      {"/", strings.Repeat("x", 600<<10), target("TrentService.Encrypt"), 413, `RequestEntityTooLargeException`},
		"nothing to go by":       {"/", "", nil, 400, `<Code>MissingAction</Code>`},
		"another STS operation":  {"/", "Action=GetSessionToken", nil, 400, `<Code>InvalidAction</Code>`},
		"a parameter twice":      {"/?Action=GetCallerIdentity", "Action=GetCallerIdentity", nil, 400, `<Code>MalformedInput</Code>`},
		"unsigned GetCallerI...": {"/", "Action=GetCallerIdentity&Version=2011-06-15", nil, 403, `<Code>MissingAuthenticationToken</Code>`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if tt.header == nil {
				tt.header = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
			}
			got := w.post(tt.path, tt.body, tt.header)
			if got.status != tt.status || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tt.status, tt.want)
			}
			if got.header.Get("X-Amzn-Requestid") != w.recorder.last(t).RequestID || got.header.Get("Date") == "" {
				t.Errorf("the headers are %v", got.header)
			}
		})
	}
}

func TestAPanicIsAFailureOfItsOwnRequest(t *testing.T) {
	w := newWorld(t, nil)
	keyID := w.newKey()
	w.source.before = func() { panic("a bug") }
	_, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	got, message := code(err)
	if got != "KMSInternalException" || strings.Contains(message, "bug") {
		t.Errorf("got %s: %s", got, message)
	}
	if event := w.recorder.last(t); event.ErrorCode != "KMSInternalException" || event.Name != "DescribeKey" {
		t.Errorf("the event is %+v", event)
	}
	w.source.before = nil
	if _, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID}); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

func TestARequestThatCannotBeRecordedIsNotAnswered(t *testing.T) {
	w := newWorld(t, nil)
	keyID := w.newKey()
	w.recorder.fail = errors.New("the disk is full")
	_, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	wantCode(t, err, "KMSInternalException")
	_, err = w.kms("AKIAUNKNOWN").DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	wantCode(t, err, "KMSInternalException")
}

func TestRequestsAboveTheLimitAreThrottledAndTheOthersCarriedOut(t *testing.T) {
	w := newWorld(t, func(o *awsapi.Options) { o.MaxRequests = 1 })
	keyID := w.newKey()
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.source.before = func() { once.Do(func() { close(entered); <-leave }) }
	first := make(chan error, 1)
	go func() {
		_, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
		first <- err
	}()
	<-entered
	_, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	wantCode(t, err, "ThrottlingException")
	close(leave)
	if err := <-first; err != nil {
		t.Errorf("the first request: %v", err)
	}
}

func TestARequestThatWasChangedOnTheWayIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	client := w.kms(rootID)
	out, err := client.ListKeys(t.Context(), &awskms.ListKeysInput{}, func(o *awskms.Options) {
		o.HTTPClient = tamperer{w.server.Client()}
	})
	if err == nil {
		t.Fatalf("a request whose body was changed on the way was carried out: %v", out)
	}
	wantCode(t, err, "InvalidSignatureException")
}

// tamperer changes the body of requests after they were signed.
type tamperer struct{ *http.Client }

func (t tamperer) Do(req *http.Request) (*http.Response, error) {
	body := `{"Limit":1}`
	req.Body, req.ContentLength = http.NoBody, 0
	changed, err := http.NewRequestWithContext(req.Context(), req.Method, req.URL.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	changed.Header = req.Header
	return t.Client.Do(changed)
}

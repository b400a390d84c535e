// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
)

// serve serves the world's endpoint as the program does and returns its address.
func (w *world) serve() string {
	w.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- awsapi.Serve(ctx, listener, w.handler, nil) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("serving ended with: %v", err)
		}
	})
	return listener.Addr().String()
}

// raw sends bytes and returns the first line of the answer; empty if the connection was closed without one.
func raw(t *testing.T, address, text string) string {
	t.Helper()
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil && line != "" {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestHeadersThatAreTooLargeOrNoneAreRefused(t *testing.T) {
	address := newWorld(t, nil).serve()
	tests := map[string]struct{ request, want string }{
		"70 KiB of headers": {
			"POST / HTTP/1.1\r\nHost: kms\r\nX-Large: " + strings.Repeat("x", 70<<10) + "\r\n\r\n",
			"HTTP/1.1 431 Request Header Fields Too Large",
		},
		"no Host":                   {"POST / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request: missing required Host header"},
		"two lengths":               {"POST / HTTP/1.1\r\nHost: kms\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "HTTP/1.1 400 Bad Request"},
		"no HTTP":                   {"GREETINGS\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		"a header name in Cyrillic": {"POST / HTTP/1.1\r\nHost: kms\r\nХ-Amz-Date: 1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
		"a space before the colon":  {"POST / HTTP/1.1\r\nHost: kms\r\nX-Amz-Date : 1\r\n\r\n", "HTTP/1.1 400 Bad Request: invalid header name"},
		"health":                    {"GET /healthz HTTP/1.1\r\nHost: kms\r\n\r\n", "HTTP/1.1 200 OK"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := raw(t, address, tt.request); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A client that sends its header byte by byte is cut off after ten seconds, and holds up nobody meanwhile.
func TestASlowClientIsCutOffAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *awsapi.Options) { o.MaxRequests = 1 })
	address := w.serve()
	slow := make(chan string, 2)
	go func() { slow <- raw(t, address, "POST / HTTP/1.1\r\nHost: kms\r\n") }()
	go func() { slow <- raw(t, address, "POST / HTTP/1.1\r\nHost: kms\r\nContent-Length: 100\r\n\r\n{") }()
	for range 10 {
		if got := raw(t, address, "GET / HTTP/1.1\r\nHost: kms\r\n\r\n"); got != "HTTP/1.1 400 Bad Request" {
			t.Errorf("another client got %q", got)
		}
	}
	for range 2 {
		if got := <-slow; got != "" && got != "HTTP/1.1 400 Bad Request" {
			t.Errorf("the slow client got %q", got)
		}
	}
}

func TestWhatIsUnderWayIsAnsweredWhenServingEnds(t *testing.T) {
	w := newWorld(t, nil)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		close(entered)
		<-leave
		w.handler.ServeHTTP(out, in)
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- awsapi.Serve(ctx, listener, handler, nil) }()
	answered := make(chan string, 1)
	go func() {
		answered <- raw(t, listener.Addr().String(), "GET /healthz HTTP/1.1\r\nHost: kms\r\n\r\n")
	}()
	<-entered
	cancel()
	close(leave)
	if got := <-answered; got != "HTTP/1.1 200 OK" {
		t.Errorf("the answer was %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// FuzzHandler looks for panics, which would be recovered and recorded as such, in everything before the signature.
func FuzzHandler(f *testing.F) {
	w := newWorld(f, nil)
	f.Add("POST", "/", "", "TrentService.Encrypt", "application/x-amz-json-1.1", `{"KeyId":"x"}`, "AWS4-HMAC-SHA256 Credential=a/20260301/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=00")
	f.Add("POST", "/", "", "", "application/x-www-form-urlencoded", "Action=AssumeRoleWithWebIdentity&RoleArn="+roleARN+"&RoleSessionName=abc&WebIdentityToken="+goodToken, "")
	f.Add("POST", "/", "", "", "application/x-www-form-urlencoded", "Action=AssumeRoleWithWebIdentity&DurationSeconds=1e9&RoleArn=%zz", "")
	f.Add("GET", "/", "Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60", "", "", "", "")
	f.Add("GET", "/v1/credentials/"+account, "", "", "", "", goodToken)
	f.Add("GET", "/v1/credentials/../x", "", "", "", "", "x")
	f.Fuzz(func(t *testing.T, method, path, query, target, contentType, body, authorization string) {
		req := &http.Request{
			Method: method, Host: "kms.example", RemoteAddr: "192.0.2.1:5", Header: http.Header{},
			Body: http.NoBody, Proto: "HTTP/1.1",
		}
		built, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://kms.example/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.URL, req.Body, req.ContentLength = built.URL, built.Body, built.ContentLength
		req.URL.Path, req.URL.RawQuery = path, query
		for name, value := range map[string]string{"X-Amz-Target": target, "Content-Type": contentType, "Authorization": authorization} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, req.WithContext(t.Context()))
		if answer.Code == http.StatusInternalServerError {
			t.Errorf("it is a failure of ours: %s", answer.Body)
		}
		if strings.Contains(fmt.Sprint(answer.Result().Header, answer.Body.String()), secret) {
			t.Error("the answer has the secret in it")
		}
	})
}

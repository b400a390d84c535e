// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
)

// stuck is a client that does not read its answer.
type stuck struct {
	http.ResponseWriter
	writing chan<- struct{}
	release <-chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	close(s.writing)
	<-s.release
	return s.ResponseWriter.Write(p)
}

func TestWhoDoesNotReadHisAnswerHoldsUpNobody(t *testing.T) {
	w := newWorld(t, func(o *awsapi.Options) { o.MaxRequests = 1 })
	writing, release := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		w.handler.ServeHTTP(stuck{httptest.NewRecorder(), writing, release}, req)
	}()
	<-writing
	if _, err := w.kms(rootID).ListKeys(t.Context(), &awskms.ListKeysInput{}); err != nil {
		t.Errorf("another client: %v", err)
	}
	close(release)
	<-done
}

func TestOneCallerLeavesRoomForTheOthers(t *testing.T) {
	w := newWorld(t, func(o *awsapi.Options) { o.MaxRequests = 4 })
	keyID := w.newKey()
	entered, release := make(chan struct{}, 2), make(chan struct{})
	w.recorder.hold = func() { entered <- struct{}{}; <-release }
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() {
			if _, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID}); err != nil {
				t.Errorf("the first two: %v", err)
			}
		})
	}
	<-entered
	<-entered
	w.recorder.let()
	_, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	wantCode(t, err, "ThrottlingException")
	_, err = w.kms(userID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID})
	wantCode(t, err, "AccessDeniedException")
	close(release)
	running.Wait()
	if _, err := w.kms(rootID).DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: &keyID}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// What somebody sends before he has proved anything takes memory, so there is a bound to it.
func TestFewLongBodiesAreReadAtATime(t *testing.T) {
	t.Parallel()
	address := newWorld(t, nil).serve()
	request := "POST / HTTP/1.1\r\nHost: kms\r\nX-Amz-Target: TrentService.Encrypt\r\nContent-Length: 100000\r\n\r\n{"
	send := func() net.Conn {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = connection.Close() })
		if _, err := connection.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		return connection
	}
	answers := make(chan string, 80)
	for range cap(answers) {
		connection := send()
		go func() {
			answer := make([]byte, 1024)
			n, _ := connection.Read(answer)
			answers <- string(answer[:n])
		}()
	}
	for range cap(answers) - 64 { // the others are waited for
		if got := <-answers; !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request") || !strings.Contains(got, "ThrottlingException") {
			t.Errorf("a long body above the bound got %q", got)
		}
	}
	if got := raw(t, address, "GET /healthz HTTP/1.1\r\nHost: kms\r\n\r\n"); got != "HTTP/1.1 200 OK" {
		t.Errorf("another client got %q", got)
	}
}

func TestOneAddressHasAShareOfTheConnections(t *testing.T) {
	address := newWorld(t, nil).serve()
	var open []net.Conn
	defer func() {
		for _, connection := range open {
			_ = connection.Close()
		}
	}()
	for range 512 {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, connection)
	}
	const health = "GET /healthz HTTP/1.1\r\nHost: kms\r\n\r\n"
	if got := raw(t, address, health); got != "" {
		t.Errorf("the 513th connection got %q", got)
	}
	_ = open[0].Close()
	for deadline := time.Now().Add(10 * time.Second); raw(t, address, health) == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a connection that was closed still counts")
		}
	}
}

func TestItSpeaksHTTP1AloneOverTLS(t *testing.T) {
	w := newWorld(t, nil)
	certificates := httptest.NewTLSServer(w.handler)
	defer certificates.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- awsapi.Serve(ctx, listener, w.handler, &tls.Config{
			Certificates: certificates.TLS.Certificates, MinVersion: tls.VersionTLS12,
		})
	}()
	defer func() { cancel(); <-ended }()
	connection, err := (&tls.Dialer{Config: &tls.Config{
		RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}, ServerName: "example.com", MinVersion: tls.VersionTLS12,
	}}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if spoken, ok := connection.(*tls.Conn); !ok || spoken.ConnectionState().NegotiatedProtocol == "h2" {
		t.Error("HTTP/2 was agreed on")
	}
}

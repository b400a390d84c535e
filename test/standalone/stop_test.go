// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
)

// halfRequest is a CreateKey of which the process has the header and waits for the body.
type halfRequest struct {
	t          *testing.T
	connection net.Conn
	answers    *bufio.Reader
	request    *http.Request
	body       string
}

func (p *process) beginCreateKey() *halfRequest {
	p.t.Helper()
	h := &halfRequest{t: p.t, body: `{"Description":"made at the last moment"}`}
	var err error
	if h.request, err = http.NewRequest(http.MethodPost, p.url+"/", strings.NewReader(h.body)); err != nil {
		p.t.Fatal(err)
	}
	h.request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	h.request.Header.Set("X-Amz-Target", "TrentService.CreateKey")
	h.request.Header.Set("Expect", "100-continue")
	sum := sha256.Sum256([]byte(h.body))
	err = v4.NewSigner().SignHTTP(p.t.Context(), aws.Credentials{AccessKeyID: rootID, SecretAccessKey: secret}, h.request,
		hex.EncodeToString(sum[:]), "kms", region, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	if h.connection, err = net.Dial("tcp", h.request.URL.Host); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = h.connection.Close() })
	var header strings.Builder
	header.WriteString("POST / HTTP/1.1\r\nHost: " + h.request.URL.Host + "\r\n")
	h.request.Header.Set("Content-Length", strconv.Itoa(len(h.body)))
	if err := h.request.Header.Write(&header); err != nil {
		p.t.Fatal(err)
	}
	header.WriteString("\r\n")
	if _, err := h.connection.Write([]byte(header.String())); err != nil {
		p.t.Fatal(err)
	}
	h.answers = bufio.NewReader(h.connection)
	// The process asks for the body: the request is under way.
	answer, err := http.ReadResponse(h.answers, h.request)
	if err != nil || answer.StatusCode != http.StatusContinue {
		p.t.Fatalf("the answer to the header is %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	return h
}

// end sends the body and returns the status of the answer.
func (h *halfRequest) end() int {
	h.t.Helper()
	if _, err := h.connection.Write([]byte(h.body)); err != nil {
		h.t.Fatal(err)
	}
	answer, err := http.ReadResponse(h.answers, h.request)
	if err != nil {
		h.t.Fatalf("the request was cut off: %v", err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func TestRequestsUnderWayComeToTheirEndWhenItIsStopped(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			c := newCommand(t)
			p := c.start(t)
			request := p.beginCreateKey()
			p.signal(signal)
			p.refusesConnections()
			if status := request.end(); status != http.StatusOK {
				t.Errorf("the request is answered with %d", status)
			}
			p.ended()

			keys, err := c.start(t).root().ListKeys(t.Context(), &awskms.ListKeysInput{})
			if err != nil || len(keys.Keys) != 1 {
				t.Errorf("the key that was made is not among %v, %v", keys, err)
			}
		})
	}
}

// refusesConnections waits until the process takes no more of them.
func (p *process) refusesConnections() {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		connection, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			return
		}
		_ = connection.Close()
	}
	p.t.Fatal("it takes connections although it was told to stop")
}

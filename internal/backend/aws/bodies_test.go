// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

// heldUp is for how long somebody does not go on, on a machine with other things to do.
const heldUp = time.Second

// lateWriter is a connection on which whoever writes is held up when all was written.
type lateWriter struct{ net.Conn }

func (l lateWriter) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	time.Sleep(heldUp)
	return n, err
}

// inHalves gives each answer in two halves, between which whoever is held up goes on.
func inHalves(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		half := whole.Body.Len() / 2
		_, _ = w.Write(whole.Body.Next(half))
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2 * heldUp)
		_, _ = w.Write(whole.Body.Bytes())
	})
}

func TestAnAnswerThatBeginsBeforeWhoeverWroteTheRequestGoesOnIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newEndpoint(t)
		p := newProxy(t, w)
		p.handler = inHalves(p.handler)
		made, err := w.service.CreateKey(t.Context(), kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		config, connections := settings(piped, clock.RealClock{}), 0
		b := open(t, config)
		b.clients, err = clientsOver(t.Context(), awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.Proxy = nil
			t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				connections++
				connection, err := p.pipe().DialContext(ctx, network, address)
				return lateWriter{connection}, err
			}
		}), config, b.observer)
		if err != nil {
			t.Fatal(err)
		}
		calls := p.counted(func() {
			for range 3 {
				if ids, err := b.listKeys(t.Context()); err != nil || len(ids) != 1 || ids[0] != made.KeyID {
					t.Errorf("keys %v, %v", ids, err)
				}
			}
		})
		if calls["ListKeys"] != 3 || connections != 1 {
			t.Errorf("%v on %d connections", calls, connections)
		}
		time.Sleep(heldUp) // until nobody is held up any more
	})
}

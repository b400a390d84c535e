// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi"
	"github.com/chatelaine-dev/chatelaine/internal/heapfloor"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring/memstore"
	"github.com/chatelaine-dev/chatelaine/internal/kms/seal"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
	role    = "arn:aws:iam::" + account + ":role/shop/orders"
	// keyPolicy names the account, as every policy does, those who administer the key, and the role that uses it.
	keyPolicy = `{"Version": "2012-10-17", "Statement": [
		{"Sid": "account", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + account + `:root"}, "Action": "kms:*", "Resource": "*"},
		{"Sid": "administer", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::` + account + `:role/platform/admin"},
			"Action": ["kms:Describe*", "kms:Put*", "kms:Enable*", "kms:Disable*", "kms:ScheduleKeyDeletion"], "Resource": "*"},
		{"Sid": "use", "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::` + account + `:role/shop/billing", "` + role + `"]},
			"Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:Sign"], "Resource": "*"},
		{"Sid": "never", "Effect": "Deny", "Principal": {"AWS": "` + role + `"}, "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}]}`
)

// service is an endpoint with one key and a session of the role that may use it.
type service struct {
	handler *awsapi.Handler
	credentials
}

// credentials are what a client has to know.
type credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	KeyID string
	// Ciphertext of 1 KiB is there if the key encrypts.
	Ciphertext []byte
}

// recorder is the manager's at its default log level, or encoding.
func recorder(encodes bool) audit.Recorder {
	if encodes {
		return encoding{}
	}
	return audit.Log{Logger: logr.FromSlogHandler(slog.NewJSONHandler(io.Discard, nil))}
}

// encoding is a Recorder that brings every event into the form in which it is kept, and keeps none.
type encoding struct{}

func (encoding) Record(_ context.Context, event *audit.Event) error {
	return jsonv2.MarshalWrite(io.Discard, event)
}

func newService(ctx context.Context, o order) (*service, error) {
	roots, err := seal.NewRootKeys(seal.NewRootKey())
	if err != nil {
		return nil, err
	}
	ring := keyring.New(keyring.ID{AccountID: account, Region: region}, &memstore.Store{}, roots, keyring.Options{})
	go func() { _ = ring.Run(ctx) }()
	if err := ring.WaitSynced(ctx); err != nil {
		return nil, err
	}
	keys := kms.New(ring, clock.RealClock{}, kms.Options{})
	go keys.Run(ctx)
	partition := kms.NewPartition()
	partition.Add(keys)
	sessions := identity.NewSessions(identity.NewMemoryKeys(clock.RealClock{}), clock.RealClock{})
	s := &service{handler: awsapi.NewHandler(awsapi.Options{
		Partition: partition, Credentials: identity.Chain(sessions), Recorder: recorder(o.Encodes),
		Clock: clock.RealClock{}, NewID: awsapi.NewID, Log: logr.Discard(),
	})}
	issued, err := sessions.Issue(role, identity.Session{Name: "orders-7d9f4c"}, identity.MaxSession)
	if err != nil {
		return nil, err
	}
	s.AccessKeyID, s.SessionToken = issued.Caller.AccessKeyID, issued.SessionToken
	s.SecretAccessKey = issued.SecretAccessKey.Reveal()
	return s, s.makeKey(ctx, keys, o)
}

func (s *service) makeKey(ctx context.Context, keys *kms.Service, o order) error {
	made, err := keys.CreateKey(ctx, kms.CreateKeyInput{Spec: o.Spec, Usage: o.Usage, Policy: keyPolicy})
	if err != nil {
		return err
	}
	s.KeyID = made.KeyID
	if o.Usage != keyspec.EncryptDecrypt {
		return nil
	}
	key, err := keys.Key(s.KeyID)
	if err != nil {
		return err
	}
	s.Ciphertext, _, err = key.Encrypt(keyspec.AlgorithmSymmetricDefault, nil, make([]byte, plaintextSize))
	return err
}

// bare reads a request's body and answers with so many bytes.
type bare []byte

func (body bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// order says what a server's process is to serve.
type order struct {
	// Bare is the size of the bare handler's answers; 0 asks for the endpoint.
	Bare int
	// Encodes has every event brought into its JSON.
	Encodes bool
	Spec    keyspec.Spec
	Usage   keyspec.Usage
}

// running is what a server's process tells once it serves.
type running struct {
	Address     string
	Credentials credentials
}

const orderVariable = "CHATELAINE_BENCH_SERVE"

// TestMain makes a server's process of this binary where start asks for one.
func TestMain(m *testing.M) {
	if text := os.Getenv(orderVariable); text != "" {
		if err := serve(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve serves as ordered until standard input ends.
func serve(text string) error {
	heapfloor.Keep()
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var tell running
	var handler http.Handler = bare(make([]byte, o.Bare))
	if o.Bare == 0 {
		s, err := newService(ctx, o)
		if err != nil {
			return err
		}
		handler, tell.Credentials = s.handler, s.credentials
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	tell.Address = listener.Addr().String()
	if err := json.NewEncoder(os.Stdout).Encode(tell); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return awsapi.Serve(ctx, listener, handler, nil)
}

// start starts a server as a process of its own, for as long as the benchmark runs.
func start(b *testing.B, o order) running {
	b.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	var r running
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		b.Fatalf("starting a server: %v", err)
	}
	if err := json.Unmarshal(line, &r); err != nil {
		b.Fatal(err)
	}
	return r
}

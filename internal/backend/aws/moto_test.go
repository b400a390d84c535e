// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend/backendtest"
	"github.com/chatelaine-dev/chatelaine/test/python"
)

// moto is moto's server, an AWS of others. It is one process for all tests, which reset it.
var moto = sync.OnceValues(startMoto)

// motoProcess is the process that runs, if moto was started.
var motoProcess struct {
	stop context.CancelFunc
	done chan struct{}
}

// startMoto returns the server's URL once it listens.
func startMoto() (string, error) {
	interpreter, err := python.Interpreter()
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, interpreter, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0")
	says, err := command.StderrPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		stop()
		return "", err
	}
	motoProcess.stop, motoProcess.done = stop, make(chan struct{})
	heard := make(chan string, 1)
	go func() {
		defer close(motoProcess.done)
		heard <- listenTo(says)
		_, _ = io.Copy(io.Discard, says)
		_ = command.Wait()
	}()
	said := <-heard
	if _, url, ok := strings.Cut(said, listens); ok {
		return url, nil
	}
	return "", fmt.Errorf("moto's server ended:\n%s", said)
}

// listens comes before the server's URL in the line that says that it listens, at a port of its own choice.
const listens = "Running on "

// listenTo returns the line in which a server says that it listens, or all that it said before it ended.
func listenTo(server io.Reader) string {
	var said strings.Builder
	for lines := bufio.NewScanner(server); lines.Scan(); {
		if strings.Contains(lines.Text(), listens) {
			return lines.Text()
		}
		said.WriteString(lines.Text() + "\n")
	}
	return said.String()
}

func stopMoto() {
	if motoProcess.stop != nil {
		motoProcess.stop()
		<-motoProcess.done
	}
}

// resetMoto has moto forget everything.
func resetMoto(url string) error {
	answer, err := http.Post(url+"/moto-api/reset", "", nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("this is not moto: it answers %s", answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

// motoLacks are the tests that moto cannot pass. TestTheAWSBackendIsABackend shows each of them on our own endpoint.
var motoLacks = backendtest.Lacking{
	"creates every key spec and usage/ECC_NIST_EDWARDS25519 for SIGN_VERIFY":   noSpec,
	"creates every key spec and usage/ML_DSA_44 for SIGN_VERIFY":               noSpec,
	"creates every key spec and usage/ML_DSA_65 for SIGN_VERIFY":               noSpec,
	"creates every key spec and usage/ML_DSA_87 for SIGN_VERIFY":               noSpec,
	"creates every key spec and usage/ML_KEM_512 for ENCAPSULATE_DECAPSULATE":  noSpec,
	"creates every key spec and usage/ML_KEM_768 for ENCAPSULATE_DECAPSULATE":  noSpec,
	"creates every key spec and usage/ML_KEM_1024 for ENCAPSULATE_DECAPSULATE": noSpec,

	"answers NotFound for what is not there":        noEnd,
	"destroys a key when its window has passed":     noEnd,
	"rotates automatically on the date":             noClock,
	"rotates once when several dates passed":        noClock,
	"rotates on demand and keeps the key's name":    noClock,
	"takes a key back from deletion":                noClock,
	"applies a change again without doing it twice": noClock,
	"turns rotation on, over and off":               "moto rotates asymmetric keys, and forgets periods and dates",
	"schedules deletion once":                       "moto schedules the deletion of a key that is pending deletion again",
	"refuses what AWS refuses":                      "moto does not look at lengths, periods and reserved names",
	"refuses a bad policy and does the rest":        anyPolicy,
	"creates no key with a bad policy":              anyPolicy,

	"waits for key material and takes it once":                    noImport,
	"takes no other key material than before":                     noImport,
	"takes key material of every form":                            noImport,
	"changes when key material expires":                           noImport,
	"loses key material when it expires and takes the same again": noImport,
	"deletes key material and takes the same again":               noImport,
	"refuses bad key material":                                    noImport,
	"imports into a key in every state but pending deletion":      noImport,

	"makes a grant before the one it replaces goes":              anyGrant,
	"makes grants on enabled keys and revokes them on every key": "moto makes grants in every key state",
	"refuses a bad grant and does the rest":                      anyGrant,
	"has no grants where there is no key":                        "moto's ListGrants fails on a key that does not exist",

	"makes a replica with settings of its own":        copies,
	"makes a replica once, however often it is asked": copies,
	"keeps the settings of relatives apart":           copies,
	"keeps the grants of relatives apart":             copies,
	"makes no replica where there cannot be one":      "moto replicates any key with anything, and fails on a Region that does not exist",
	"makes no replica of a key that is not enabled":   "moto replicates keys in every key state",
	"rotates relatives together":                      copies,
	"imports key material into each relative":         noImport,
	"changes the primary Region and back":             noUpdate,
	"refuses a primary Region that cannot be":         noUpdate,
	"keeps a primary until its replicas are gone":     "moto's primaries wait for no replica, and moto destroys no key",
	"takes relatives back from deletion":              noClock,
	"makes a replica anew after the end of the first": noEnd,
}

const (
	noSpec    = "moto does not know this key spec"
	noEnd     = "moto destroys no key"
	noClock   = "moto's clock is the real one, and nothing happens in it by itself"
	anyPolicy = "moto takes any text for a key policy"
	noImport  = "moto imports no key material"
	anyGrant  = "moto makes any grant"
	copies    = "moto's replicas are copies of the primary as it was, with its policy, description and grants, and without tags"
	noUpdate  = "moto has no UpdatePrimaryRegion"
)

func TestTheAWSBackendIsABackendOnMoto(t *testing.T) {
	t.Parallel()
	url, err := moto()
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Run(t, func(t *testing.T) backendtest.Subject {
		if err := resetMoto(url); err != nil {
			t.Fatal(err)
		}
		config := settings(url, clock.RealClock{})
		b := open(t, config)
		return backendtest.Subject{
			Backend: b, Elsewhere: openIn(t, elsewhere, config),
			CreateOutside: func(t *testing.T, tags map[string]string) string {
				t.Helper()
				made, err := b.clients.kms.CreateKey(t.Context(), &kms.CreateKeyInput{Tags: tagList(tags)})
				if err != nil {
					t.Fatal(err)
				}
				return awssdk.ToString(made.KeyMetadata.KeyId)
			},
			Destroy: func(t *testing.T, _ string) { t.Helper(); t.Fatal("moto destroys no key") },
			Advance: func(t *testing.T, by time.Duration) {
				t.Helper()
				if by > time.Second {
					t.Fatal("moto's clock is the real one")
				}
				time.Sleep(by)
			},
		}
	}, motoLacks)
}

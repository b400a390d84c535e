// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package clients_test runs the clients that people have against the real thing: `chatelaine kms` as a process of its own,
// with two Regions, over HTTP.
//
//   - python/: boto3 calls every operation, and every answer and every error is checked, as raw JSON, against botocore's own
//     model of AWS KMS (suite.py, checker.py); spoilt requests are refused as AWS refuses them (hostile.py).
//   - the AWS CLI, in the way that people use it.
//   - the AWS SDK for Go: what the endpoint answers is compared with what Go's own cryptography computes.
//   - Tink, which knows AWS KMS as a place for key-encryption keys.
//
// The Python clients are the machine's if they have the versions of test/python/requirements.txt; else they are installed once,
// into bin/python-clients. Where that fails the tests fail.
package clients_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	account     = "111122223333"
	region      = "eu-central-1"
	otherRegion = "eu-west-1"
	patience    = time.Minute
)

// caller is an access key and who it stands for.
type caller struct {
	AccessKeyID     string `json:"accessKeyID"`
	SecretAccessKey string `json:"secretAccessKey"`
	Principal       string `json:"principal"`
}

// callers are those that the endpoint knows. The stranger is another account's.
var callers = map[string]caller{
	"root":     {"AKIATESTROOT00000000", "root-secret-of-the-client-tests", "arn:aws:iam::" + account + ":root"},
	"user":     {"AKIATESTUSER00000000", "user-secret-of-the-client-tests", "arn:aws:iam::" + account + ":user/alice"},
	"role":     {"AKIATESTROLE00000000", "role-secret-of-the-client-tests", "arn:aws:iam::" + account + ":role/app"},
	"stranger": {"AKIATESTSTRANGER0000", "stranger-secret-of-these-tests", "arn:aws:iam::444455556666:user/mallory"},
}

// endpoint is the URL of the process that all tests use.
var endpoint string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chatelaine-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	p, err := start(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	endpoint = p.url
	code := m.Run()
	if err := p.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// process is `chatelaine kms`.
type process struct {
	cmd  *exec.Cmd
	url  string
	log  strings.Builder
	done chan error
}

// start builds the binary and runs it on a directory of its own and a free port.
func start(dir string) (*process, error) {
	binary, credentials := filepath.Join(dir, "chatelaine"), filepath.Join(dir, "credentials.yaml")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building chatelaine: %w\n%s", err, output)
	}
	var list []caller
	for _, c := range callers {
		list = append(list, c)
	}
	content, err := json.Marshal(list) // JSON is YAML
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(credentials, content, 0o600); err != nil {
		return nil, err
	}
	p := &process{done: make(chan error, 1)}
	p.cmd = exec.Command(binary, "kms", "--data-dir", filepath.Join(dir, "kms"), "--listen", "127.0.0.1:0", "--account-id", account,
		"--region", region+","+otherRegion, "--credentials-file", credentials, "--log-format", "json", "--log-level", "debug")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	return p, p.await(bufio.NewReader(stderr))
}

// await waits until the process says where it listens, and keeps what it says that nobody expects: panics, 500s, secrets.
func (p *process) await(stderr *bufio.Reader) error {
	address := make(chan string, 1)
	go func() {
		for {
			line, err := stderr.ReadString('\n')
			var entry struct{ Level, Msg, Address string }
			malformed := line != "" && json.Unmarshal([]byte(line), &entry) != nil
			if malformed || strings.EqualFold(entry.Level, "error") || tellsASecret(line) {
				p.log.WriteString(line)
			}
			if strings.HasPrefix(entry.Msg, "serving ") {
				address <- entry.Address
			}
			if err != nil {
				p.done <- p.cmd.Wait()
				return
			}
		}
	}()
	select {
	case host := <-address:
		p.url = "http://" + host
		return nil
	case err := <-p.done:
		return fmt.Errorf("chatelaine kms ended: %w\n%s", err, p.log.String())
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		return errors.New("chatelaine kms does not say where it listens")
	}
}

func tellsASecret(line string) bool {
	for _, c := range callers {
		if strings.Contains(line, c.SecretAccessKey) {
			return true
		}
	}
	return false
}

// stop ends the process as a service manager does. A process that logged an error, or ends with one, has failed.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-p.done:
		if err != nil || p.log.Len() > 0 {
			return fmt.Errorf("chatelaine kms: %w\n%s", err, p.log.String())
		}
		return nil
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		return errors.New("chatelaine kms does not stop")
	}
}

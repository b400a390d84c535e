// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
	secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

	// The access keys: the account's root user, and a user.
	rootID  = "AKIAIOSFODNN7EXAMPLE"
	userID  = "AKIAIOSFODNN8EXAMPLE"
	rootARN = "arn:aws:iam::" + account + ":root"
	userARN = "arn:aws:iam::" + account + ":user/dev"

	people = "- {accessKeyID: " + rootID + ", secretAccessKey: \"" + secret + "\", principal: \"" + rootARN + "\"}\n" +
		"- {accessKeyID: " + userID + ", secretAccessKey: \"" + secret + "\", principal: \"" + userARN + "\"}\n"

	patience = time.Minute
)

// command is a command line of chatelaine kms.
type command struct {
	dir, account, regions string
	credentials           string // the file
	listen                string
	more                  []string
	environment           []string
	program               string
}

// newCommand is one that works, on a new directory and any free port.
func newCommand(t *testing.T) command {
	t.Helper()
	folder := t.TempDir()
	c := command{
		dir: filepath.Join(folder, "kms"), account: account, regions: region, listen: "127.0.0.1:0",
		credentials: filepath.Join(folder, "credentials.yaml"), program: program,
	}
	write(t, c.credentials, people, 0o600)
	return c
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
}

func (c command) exec(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(c.program, append([]string{
		"kms", "--data-dir", c.dir, "--account-id", c.account, "--region", c.regions,
		"--credentials-file", c.credentials, "--listen", c.listen,
	}, c.more...)...)
	cmd.Env = append(os.Environ(), c.environment...)
	return cmd
}

// refused runs the command, which must fail before it serves, and returns what it says: one line.
func (c command) refused(t *testing.T) string {
	t.Helper()
	cmd := c.exec(t)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || stdout.Len() > 0 {
		t.Fatalf("it ended with %v after printing %q and %q", err, stdout.String(), stderr.String())
	}
	lines := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	message, ok := strings.CutPrefix(lines[len(lines)-1], "chatelaine: ")
	if !ok || len(lines) != 1 {
		t.Errorf("it says more than one line, or another one:\n%s", stderr.String())
	}
	return message
}

// process is chatelaine kms, serving.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	http *http.Client // of all clients: one address has a share of the connections
	log  *text
	done chan struct{} // closed when it has ended
	err  error         // how
}

// text is what a process has written so far.
type text struct {
	mu      sync.Mutex
	written strings.Builder
}

func (l *text) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.Write(p)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.String()
}

// start runs the command until it says where it serves. The end of the test ends it, if nothing else did.
func (c command) start(t *testing.T) *process {
	t.Helper()
	client := &http.Client{Transport: awstest.PlainBodies{Next: &http.Transport{}}}
	p := &process{http: client, t: t, cmd: c.exec(t), log: &text{}, done: make(chan struct{})}
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		lines.Scan()
		url <- lines.Text()
		_, _ = io.Copy(io.Discard, stdout)
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	select {
	case p.url = <-url:
	case <-time.After(patience):
	}
	if !strings.HasPrefix(p.url, "http") {
		p.kill()
		t.Fatalf("it does not serve, it says %q and logs:\n%s", p.url, p.log)
	}
	return p
}

// kill ends the process by SIGKILL, if it still runs.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// stop ends the process as a service manager does, and wants it to end well.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.ended()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits for the end of the process, which must be a good one.
func (p *process) ended() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.signal(syscall.SIGQUIT) // its goroutines go into its log
		<-p.done
		p.t.Fatalf("it still ran; its log:\n%s", p.log)
	}
	if p.err != nil {
		p.t.Fatalf("it ended with %v; its log:\n%s", p.err, p.log)
	}
}

// logs waits for a line of the log that has all of the parts: it arrives through a pipe, later than an answer may.
func (p *process) logs(parts ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !p.hasLogged(parts...); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no line of the log has all of %q:\n%s", parts, p.log)
		}
	}
}

// hasLogged says whether a line of the log so far has all of the parts.
func (p *process) hasLogged(parts ...string) bool {
	for line := range strings.Lines(p.log.String()) {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			return true
		}
	}
	return false
}

// client is the SDK's, for one access key and Region. It does not retry, so that no failure is missed.
func (p *process) client(accessKeyID, region string) *awskms.Client {
	return p.clientWith(accessKeyID, secret, region)
}

func (p *process) clientWith(accessKeyID, secret, region string) *awskms.Client {
	return awskms.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: &p.url, RetryMaxAttempts: 1, HTTPClient: p.http,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, secret, ""),
	})
}

func (p *process) root() *awskms.Client { return p.client(rootID, region) }

// newKey makes a key and returns its ID.
func (p *process) newKey(change func(*awskms.CreateKeyInput)) string {
	p.t.Helper()
	in := &awskms.CreateKeyInput{}
	if change != nil {
		change(in)
	}
	out, err := p.root().CreateKey(p.t.Context(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	return *out.KeyMetadata.KeyId
}

// code is AWS's code of an SDK's error; empty for none.
func code(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorCode()
	}
	if err == nil {
		return ""
	}
	return fmt.Sprintf("no error of the API: %v", err)
}

func TestItIsHealthyAsSoonAsItSaysWhereItServes(t *testing.T) {
	p := newCommand(t).start(t)
	answer, err := http.Get(p.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || string(body) != "ok\n" {
		t.Errorf("it answers %d %q, %v", answer.StatusCode, body, err)
	}
	address := strings.TrimPrefix(p.url, "http://")
	if strings.HasSuffix(address, ":0") {
		t.Errorf("it says that it serves at %s", address)
	}
	p.logs("serving AWS's API", "address="+address+" ")
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
)

// runKMS runs the command with flags that are good, but for those given, on a credentials file that does not exist: so far
// it comes with good ones.
func runKMS(t *testing.T, flags ...string) error {
	t.Helper()
	missing := filepath.Join(t.TempDir(), "credentials.yaml")
	stdout, stderr, err := run(t, append([]string{
		"kms", "--data-dir", t.TempDir(), "--account-id", "111122223333", "--region", "eu-central-1", "--listen", "127.0.0.1:0",
		"--credentials-file", missing,
	}, flags...)...)
	if stdout != "" || stderr != "" {
		t.Errorf("printed %q and %q", stdout, stderr)
	}
	return err
}

func TestTheKMSRefusesABadFlagByItsName(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{"--data-dir=", "--data-dir must name a directory"},
		{"--account-id=12", `--account-id must have 12 digits, such as 111122223333, not "12"`},
		{"--account-id=11112222333a", "--account-id must have 12 digits"},
		{"--account-id=1111222233334", "--account-id must have 12 digits"},
		{"--region=EU", `--region must have up to 32 lower-case letters, digits and hyphens, such as eu-central-1, not "EU"`},
		{"--region=eu-central-1,", `not ""`},
		{"--region=eu-", `not "eu-"`},
		{"--region=eu_1", `not "eu_1"`},
		{"--region=" + strings.Repeat("a", 33), "--region must have up to 32"},
		{"--credentials-file=", "--credentials-file must name a file"},
		{"--tls-cert-file=x", "--tls-cert-file and --tls-key-file go together"},
		{"--tls-key-file=x", "--tls-cert-file and --tls-key-file go together"},
		{"--tls-cert-file=none.crt --tls-key-file=none.key", "reading --tls-cert-file none.crt: no such file or directory"},
		{"--listen=8080", "--listen 8080: address 8080: missing port in address; write host:port, such as 127.0.0.1:8080"},
		{"--listen=127.0.0.1:http-alt-alt", "--listen 127.0.0.1:http-alt-alt: "},
		{"--listen=127.0.0.1:65536", "--listen 127.0.0.1:65536: address 65536: invalid port"},
		{"--listen=192.0.2.1:0", "--listen 192.0.2.1:0: this machine does not have the address; 127.0.0.1 is for its own clients"},
		{"--log-level=loud", `--log-level must be debug, info, warn or error, not "loud"`},
		{"--log-format=xml", `--log-format must be json or text, not "xml"`},
		{"--colour", "unknown flag: --colour"},
		{"please", `unknown command "please" for "chatelaine kms"`},
	} {
		t.Run(c.flags, func(t *testing.T) {
			err := runKMS(t, strings.Fields(c.flags)...)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheKMSAcceptsGoodFlags(t *testing.T) {
	for _, flags := range []string{
		"",
		"--region=local",
		"--region=eu-central-1,eu-west-1,eu-west-1",
		"--region=" + strings.Repeat("a", 32),
		"--account-id=000000000000",
		"--listen=localhost:0",
		"--listen=:0",
		"--log-level=debug --log-format=json",
	} {
		t.Run(flags, func(t *testing.T) {
			err := runKMS(t, strings.Fields(flags)...)
			if err == nil || !strings.HasPrefix(err.Error(), "reading credentials file") {
				t.Errorf("error %v, want none of its flags", err)
			}
		})
	}
}

func TestTheKMSNamesEveryFlagThatIsMissing(t *testing.T) {
	_, _, err := run(t, "kms", "--region", "local")
	want := `required flag(s) "data-dir", "account-id", "credentials-file" not set`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestTheKMSExplainsItself(t *testing.T) {
	stdout, _, err := run(t, "kms", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"kms.db", "root-key", "AWS_ENDPOINT_URL_KMS", "principal: arn:aws:iam::111122223333:root",
		"--data-dir directory ", "--listen host:port ", `(default "127.0.0.1:8080")`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%s is missing in:\n%s", want, stdout)
		}
	}
}

func TestAnAddressThatCannotBeHadComesWithAWayOut(t *testing.T) {
	for cause, want := range map[error]string{
		syscall.EADDRINUSE:    "the address is in use; stop what listens there, or choose another port (0 takes any free one)",
		syscall.EACCES:        "permission denied; choose a port above 1023",
		syscall.EADDRNOTAVAIL: "this machine does not have the address; 127.0.0.1 is for its own clients, 0.0.0.0 for everybody's",
		errors.New("odd"):     "odd; write host:port, such as 127.0.0.1:8080",
	} {
		err := &net.OpError{Op: "listen", Net: "tcp", Err: cause}
		if _, ok := errors.AsType[syscall.Errno](cause); ok {
			err.Err = os.NewSyscallError("bind", cause)
		}
		if got := listenProblem(err).Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// at is a listener with an address.
type at struct {
	net.Listener
	address net.TCPAddr
}

func (l at) Addr() net.Addr { return &l.address }

func TestTheURLIsOneThatClientsOnThisMachineReach(t *testing.T) {
	for _, c := range []struct {
		listen string
		port   int
		https  bool
		want   string
	}{
		{"127.0.0.1:0", 4711, false, "http://127.0.0.1:4711"},
		{"localhost:8443", 8443, true, "https://localhost:8443"},
		{":8080", 8080, false, "http://127.0.0.1:8080"},
		{"0.0.0.0:8080", 8080, false, "http://127.0.0.1:8080"},
		{"[::]:8080", 8080, false, "http://127.0.0.1:8080"},
		{"[::1]:8080", 8080, false, "http://[::1]:8080"},
		{"10.1.2.3:8080", 8080, false, "http://10.1.2.3:8080"},
	} {
		f := &kmsFlags{listen: c.listen}
		f.options.Listener = at{address: net.TCPAddr{Port: c.port}}
		if c.https {
			f.options.Certificate = &certificate.Files{}
		}
		if got := f.url(); got != c.want {
			t.Errorf("--listen %s, port %d: %s, want %s", c.listen, c.port, got, c.want)
		}
	}
}

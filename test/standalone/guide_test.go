// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
	"github.com/chatelaine-dev/chatelaine/test/python"
)

var (
	shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)\n```\n")
	// openssl is the guide's way to a certificate. Not every machine has it, so the test makes one itself.
	openssl = regexp.MustCompile(`(?m)^openssl (.*\\\n)*.*$`)
)

// asAReader makes commands of the guide's work here: its ports somebody may have, and a reader is slower than a script, which has to be
// told to wait until somebody listens.
func asAReader(t *testing.T) *strings.Replacer {
	t.Helper()
	port := func() string {
		address := testenv.FreeAddress(t)
		return address[strings.LastIndex(address, ":")+1:]
	}
	plain, secure := port(), port()
	const started = "kms=$!\n"
	return strings.NewReplacer(
		":8080", ":"+plain, ":8443", ":"+secure,
		// The default has to be said where it is not to be that.
		"--credentials-file credentials.yaml &", "--credentials-file credentials.yaml --listen 127.0.0.1:"+plain+" &",
		started, started+"until (: </dev/tcp/127.0.0.1/"+plain+" || : </dev/tcp/localhost/"+secure+") 2>/dev/null; do\n"+
			"  kill -0 \"$kms\"; sleep 0.1\ndone\n",
	)
}

// The commands of docs/standalone.md, one after the other, as a reader has them run.
func TestTheGuidesCommandsDoWhatItSays(t *testing.T) {
	path, err := testenv.Path("docs", "standalone.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euxo pipefail\ntrap 'kill \"$kms\"' ERR\n"
	for _, block := range shellBlock.FindAllStringSubmatch(string(guide), -1) {
		script += openssl.ReplaceAllLiteralString(block[1], "") + "\n"
	}
	cmd := exec.Command("bash", "-c", asAReader(t).Replace(script))
	cmd.Dir = t.TempDir()
	certificateFor(t, "localhost", filepath.Join(cmd.Dir, "tls.crt"), filepath.Join(cmd.Dir, "tls.key"))
	if err := python.Commands(cmd.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(cmd.Dir, "chatelaine")); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "PATH="+cmd.Dir+":"+os.Getenv("PATH"), "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stdout.String(), stderr.String())
	}
	for text, count := range map[string]int{
		"attack at dawn\n":                            3,
		"arn:aws:iam::111122223333:root":              1,
		"arn:aws:kms:eu-central-1:111122223333:key/":  1,
		"arn:aws:kms:eu-west-1:111122223333:key/mrk-": 1,
		"alias/orders":                                1,
	} {
		if strings.Count(stdout.String(), text) != count {
			t.Errorf("%q is not there %d times in:\n%s\n%s", text, count, stdout.String(), stderr.String())
		}
	}
}

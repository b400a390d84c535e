// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
)

// refusedFor wants the command refused with a message that has all of the parts.
func (c command) refusedFor(t *testing.T, parts ...string) string {
	t.Helper()
	message := c.refused(t)
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("it says:\n%s\nand not:\n%s", message, part)
		}
	}
	return message
}

func TestASecondProcessOnADirectoryIsRefused(t *testing.T) {
	c := newCommand(t)
	first := c.start(t)
	keyID := first.newKey(nil)
	c.refusedFor(t, "opening data directory "+c.dir+": another process is using it")
	if s := first.state(first.root(), keyID); *s.Metadata.KeyId != keyID {
		t.Errorf("the first process has %v", s.Metadata)
	}
	first.stop()
	c.start(t)
}

func TestAnAddressThatIsInUseIsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	c := newCommand(t)
	c.listen = taken.Addr().String()
	c.refusedFor(t, "--listen "+c.listen+": the address is in use", "choose another port")
	if _, err := os.Stat(c.dir); err == nil {
		t.Errorf("%s was made all the same", c.dir)
	}
}

func TestADirectoryThatCannotBeOneIsRefused(t *testing.T) {
	c := newCommand(t)
	write(t, c.dir, "a file", 0o600)
	c.refusedFor(t, "opening data directory "+c.dir, "not a directory")
}

func TestAMissingCredentialsFileIsRefusedWithOneThatWorks(t *testing.T) {
	c := newCommand(t)
	if err := os.Remove(c.credentials); err != nil {
		t.Fatal(err)
	}
	message := c.refusedFor(t, "reading credentials file "+c.credentials+": no such file or directory")
	_, example, found := strings.Cut(message, "make it, with a line like this for each access key: ")
	if !found {
		t.Fatalf("it says %q", message)
	}
	write(t, c.credentials, example+"\n", 0o600)
	p := c.start(t)
	p.newKey(nil) // with the very access key of the example
}

func TestACredentialsFileThatIsNoGoodIsRefusedAndNotQuoted(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"writable by others": {people, 0o622, "others than its owner may write it (mode 0622), and so could give themselves any identity: chmod go-w it"},
		"no YAML":            {"- {accessKeyID: hunter2hunter2", 0o600, "it is not YAML"},
		"empty":              {"", 0o600, "it has no entries"},
		"no principal":       {"- {accessKeyID: AKIA0001, secretAccessKey: hunter2hunter2}", 0o600, "entry 1: principal: it is missing"},
		"an unknown field":   {"- {accessKeyID: AKIA0001, secretAccessKey: hunter2hunter2, role: x}", 0o600, `entry 1: field "role": there is no such field`},
		"twice the same":     {people + people, 0o600, "entry 3: accessKeyID: entry 1 has the same"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCommand(t)
			write(t, c.credentials, tt.content, tt.mode)
			message := c.refusedFor(t, "reading credentials file "+c.credentials+": "+tt.want)
			if strings.Contains(message, "hunter2") || strings.Contains(message, secret) {
				t.Errorf("it tells the secret: %s", message)
			}
		})
	}
}

func TestACredentialsFileThatOthersReadIsWarnedOf(t *testing.T) {
	c := newCommand(t)
	p := c.start(t)
	p.stop()
	if p.hasLogged("level=WARN") {
		t.Errorf("without a reason, it warns:\n%s", p.log)
	}
	write(t, c.credentials, people, 0o640)
	c.start(t).logs("level=WARN", `msg="other users may read the credentials file"`, "mode=0640", `advice="chmod 600 `+c.credentials+`"`)
}

func TestAWrongRootKeyIsRefusedAndTheRightOneOpensEverythingAgain(t *testing.T) {
	c, other := newCommand(t), newCommand(t)
	p := c.start(t)
	keyID := p.newKey(nil)
	p.stop()
	other.start(t).stop()
	path := filepath.Join(c.dir, "root-key")
	right, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := os.ReadFile(filepath.Join(other.dir, "root-key"))
	if err != nil {
		t.Fatal(err)
	}

	write(t, path, string(wrong), 0o600)
	c.refusedFor(t, path+" does not have root key ", "the record of key "+keyID, filepath.Join(c.dir, "kms.db"), "put the one in its place")
	write(t, path, "{}", 0o600)
	c.refusedFor(t, path+" does not hold root keys", "restore it from a backup")
	write(t, path, string(right), 0o644)
	c.refusedFor(t, "the root key in "+path+" is open to other users", "chmod 600 "+path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.refusedFor(t, path+" does not exist", "restore it from a backup")
	write(t, path, string(right), 0o600)
	p = c.start(t)
	p.state(p.root(), keyID)
}

func TestADamagedRecordIsNamedAndTheOthersServe(t *testing.T) {
	c := newCommand(t)
	p := c.start(t)
	damaged, intact := p.newKey(nil), p.newKey(nil)
	p.stop()
	flipBits(t, filepath.Join(c.dir, "kms.db"), "key/"+damaged)

	p = c.start(t)
	p.logs("level=ERROR", `msg="record is damaged and not served, the others are"`, "name="+damaged, "region="+region, "restore kms.db from a backup")
	if p.hasLogged("is damaged", intact) {
		t.Errorf("the other key is said to be damaged:\n%s", p.log)
	}
	encrypt := func(keyID string) string {
		_, err := p.root().Encrypt(t.Context(), &awskms.EncryptInput{KeyId: &keyID, Plaintext: []byte("x")})
		return code(err)
	}
	if got := encrypt(intact); got != "" {
		t.Errorf("the intact key: %s", got)
	}
	if got := encrypt(damaged); got != "KeyUnavailableException" {
		t.Errorf("the damaged key: %q", got)
	}
	p.newKey(nil)
}

// flipBits changes the record in the file, in every copy of it.
func flipBits(t *testing.T, path, record string) {
	t.Helper()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range image {
		if rest := image[at:]; bytes.HasPrefix(rest, []byte(record)) && len(rest) > len(record)+100 {
			rest[len(record)+100] ^= 1
		}
	}
	write(t, path, string(image), 0o600)
}

func TestADatabaseThatWasCutIsRefused(t *testing.T) {
	c := newCommand(t)
	p := c.start(t)
	p.newKey(nil)
	p.stop()
	path := filepath.Join(c.dir, "kms.db")
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	c.refusedFor(t, "opening data directory "+c.dir, path, "restore the file from a backup")
}

func TestAnotherRegionOrAccountFindsNoKeysAndIsToldWhereTheyAre(t *testing.T) {
	c := newCommand(t)
	p := c.start(t)
	p.newKey(nil)
	p.stop()
	for name, tt := range map[string]struct{ account, regions, advice string }{
		"another Region":  {account, "eu-west-1", `advice="name the Region in --region as well"`},
		"another account": {"999999999999", region, `advice="start with --account-id ` + account + " --region " + region + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := c
			c.account, c.regions = tt.account, tt.regions
			p := c.start(t)
			p.logs("level=WARN", `msg="the data directory has keys that are not served"`, "account="+account, "region="+region, tt.advice)
			p.stop()
		})
	}
	c.regions = "eu-west-1," + region
	p = c.start(t)
	keys, err := p.root().ListKeys(t.Context(), &awskms.ListKeysInput{})
	if err != nil || len(keys.Keys) != 1 || p.hasLogged("level=WARN") {
		t.Errorf("with both Regions there are %v, %v, and in the log:\n%s", keys, err, p.log)
	}
}

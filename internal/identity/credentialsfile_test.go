// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodFile = `
- accessKeyID: AKIAEXAMPLE123456789
  secretAccessKey: "*qzjxvkwypfmbgculdrh"
  principal: arn:aws:iam::111122223333:root
- {accessKeyID: test, secretAccessKey: test, principal: "arn:aws:iam::000000000000:user/dev"}
`

func TestACredentialsFileIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	writeFile(t, path, goodFile, 0o644)
	keys := must[*StaticKeys](t)(ReadCredentialsFile(path))
	if keys.Len() != 2 {
		t.Fatalf("%d keys", keys.Len())
	}
	root := must[Credential](t)(keys.Lookup(t.Context(), keyID, ""))
	if root.SecretAccessKey.Reveal() != "*qzjxvkwypfmbgculdrh" || root.Caller.Type != Root || root.Caller.AccessKeyID != keyID {
		t.Errorf("got %+v", root)
	}
	if dev := must[Credential](t)(keys.Lookup(t.Context(), "test", "")); dev.Caller.UserName != "dev" {
		t.Errorf("got %+v", dev)
	}
	if _, err := keys.Lookup(t.Context(), "TEST", ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("access key IDs are told apart by case: %v", err)
	}
}

func TestABadCredentialsFileIsRefusedWithTheEntryTheFieldAndNoSecret(t *testing.T) {
	const secret = "qzjxvkwypfmbgculdrh"
	entry := func(id, secret, principal string) string {
		return "- accessKeyID: " + id + "\n  secretAccessKey: " + secret + "\n  principal: " + principal + "\n"
	}
	const root = "arn:aws:iam::111122223333:root"
	good := entry("AKIAEXAMPLE123456780", secret, root)
	for what, try := range map[string]struct{ content, want string }{
		"empty file":         {"", "no entries"},
		"empty list":         {"[]", "no entries"},
		"not a list":         {"accessKeyID: " + secret, "not a list"},
		"no map":             {"- " + secret, "entry 1: it is not a map"},
		"null entry":         {good + "- null", "entry 2: accessKeyID: it is missing"},
		"unknown field":      {good + entry(keyID, secret, root) + "  region: x", `entry 2: field "region": there is no such field`},
		"secret as a field":  {"- {" + secret + secret + ": x}", "entry 1: a field: there is no such field"},
		"fields by case":     {"- AccessKeyId: x", `entry 1: field "AccessKeyId"`},
		"repeated field":     {good + "  principal: x", "repeats a field at line 4"},
		"repeated ID":        {good + good, "entry 2: accessKeyID: entry 1 has the same"},
		"alias as secret":    {entry(keyID, "*"+secret, root), "double quotes"},
		"syntax":             {entry(keyID, "@"+secret, root), "at line 2; put values between double quotes"},
		"tag":                {entry(keyID, "!!binary "+secret, root), "not YAML"},
		"number as ID":       {entry("1234567890123456", secret, root), "entry 1: accessKeyID: it is not a string"},
		"list as secret":     {entry(keyID, "["+secret+"]", root), "entry 1: secretAccessKey: it is not a string"},
		"null secret":        {entry(keyID, "null", root), "entry 1: secretAccessKey: it is not a string"},
		"no secret":          {entry(keyID, `""`, root), "entry 1: secretAccessKey: it is missing"},
		"short secret":       {entry(keyID, "abc", root), "entry 1: secretAccessKey: it has 3 characters, not 4 to 128"},
		"long secret":        {entry(keyID, strings.Repeat("a", 129), root), "it has 129 characters"},
		"secret with a line": {entry(keyID, `"`+secret+`\n"`, root), "white space"},
		"secret with umlaut": {entry(keyID, secret+"ä", root), "visible ASCII"},
		"no ID":              {entry(`""`, secret, root), "entry 1: accessKeyID: it is missing"},
		"short ID":           {entry("abc", secret, root), "entry 1: accessKeyID: it has 3 characters"},
		"long ID":            {entry(strings.Repeat("a", 129), secret, root), "entry 1: accessKeyID: it has 129 characters"},
		"slash in ID":        {entry("AKIA/"+secret, secret, root), "entry 1: accessKeyID: it has other characters"},
		"session's ID":       {entry("ASIAEXAMPLE123456789", secret, root), "entry 1: accessKeyID: it begins with ASIA"},
		"no principal":       {entry(keyID, secret, `""`), "entry 1: principal: it is missing; write the ARN"},
		"secret for it":      {entry(keyID, secret, secret), "entry 1: principal: it is no ARN; write the ARN"},
		"a key's ARN":        {entry(keyID, secret, "arn:aws:kms:local:111122223333:key/x"), `entry 1: principal: "arn:aws:kms`},
		"short account":      {entry(keyID, secret, "arn:aws:iam::1111:root"), `entry 1: principal: "arn:aws:iam::1111:root" is not`},
		"anybody":            {entry(keyID, secret, `"*"`), "entry 1: principal: it is no ARN"},
		"too large":          {strings.Repeat("#", maxCredentialsFile+1), "more than 1048576 bytes"},
	} {
		keys, err := ParseCredentials([]byte(try.content))
		switch {
		case err == nil:
			t.Errorf("%s: read %d keys", what, keys.Len())
		case !strings.Contains(err.Error(), try.want):
			t.Errorf("%s: %q does not say %q", what, err, try.want)
		case strings.Contains(err.Error(), secret):
			t.Errorf("%s: %q shows the secret", what, err)
		}
	}
}

func TestACredentialsFileThatOthersMayWriteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o644: "", 0o620: "chmod go-w", 0o602: "chmod go-w", 0o666: "chmod go-w",
	} {
		writeFile(t, path, goodFile, mode)
		_, err := ReadCredentialsFile(path)
		if (err == nil) != (want == "") || err != nil && !(strings.Contains(err.Error(), want) && strings.Contains(err.Error(), path)) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestACredentialsFileThatIsNoneNamesThePathOnce(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nosuch")} {
		if _, err := ReadCredentialsFile(path); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	_ = os.Remove(path)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// maxCredentialsFile is the size in bytes of the largest credentials file: some thousand entries.
const maxCredentialsFile = 1 << 20

// othersMayWrite are the permissions that a credentials file must not have.
const othersMayWrite fs.FileMode = 0o022

var lineOfError = regexp.MustCompile(`line (\d+)`)

// ReadCredentialsFile reads static access keys from a YAML file:
//
//   - accessKeyID: AKIAEXAMPLE123456789
//     secretAccessKey: "..."
//     principal: arn:aws:iam::111122223333:root
//
// It is strict: an unknown or repeated field, a value that is not a string, an access key ID that two entries have, a
// principal that is not an ARN and a wrong length (StandaloneStrength, at most 128) are errors that name the entry, the
// field and the way out, and never what is in them.
//
// A file that others than its owner may write is refused, because who writes it can make himself anybody. One that others
// may read is not: that is how Kubernetes mounts Secrets and how CI checks files out. Keep it to yourself where that
// matters (chmod 600).
func ReadCredentialsFile(path string) (*StaticKeys, error) {
	keys, err := readCredentialsFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading credentials file %s: %w", path, err)
	}
	return keys, nil
}

func readCredentialsFile(path string) (*StaticKeys, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case info.Mode().Perm()&othersMayWrite != 0:
		return nil, fmt.Errorf("others than its owner may write it (mode %04o), and so could give themselves any identity: chmod go-w it",
			info.Mode().Perm())
	}
	content, err := io.ReadAll(io.LimitReader(file, maxCredentialsFile+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	return ParseCredentials(content)
}

// withoutPath takes away what the caller says already.
func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// ParseCredentials reads the content of a credentials file; see ReadCredentialsFile.
func ParseCredentials(content []byte) (*StaticKeys, error) {
	if len(content) > maxCredentialsFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxCredentialsFile)
	}
	entries, err := parseEntries(content)
	if err != nil {
		return nil, err
	}
	keys := &StaticKeys{byAccessKeyID: make(map[string]Credential, len(entries))}
	positions := map[string]int{}
	for i, entry := range entries {
		credential, err := parseCredential(entry)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		id := credential.Caller.AccessKeyID
		if first, ok := positions[id]; ok {
			return nil, fmt.Errorf("entry %d: %w", i+1, &FieldError{FieldAccessKeyID,
				fmt.Sprintf("entry %d has the same; give each its own", first)})
		}
		positions[id] = i + 1
		keys.byAccessKeyID[id] = credential
	}
	return keys, nil
}

// parseEntries passes on nothing of what the parsers say but the line: they quote what they stumble over, and a secret
// that begins with * is an alias to YAML.
func parseEntries(content []byte) ([]json.RawMessage, error) {
	converted, err := yaml.YAMLToJSONStrict(content)
	if err != nil {
		at := ""
		if line := lineOfError.FindString(err.Error()); line != "" {
			at = " at " + line
		}
		return nil, fmt.Errorf("it is not YAML, or repeats a field%s; put values between double quotes", at)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(converted, &entries); err != nil {
		return nil, fmt.Errorf("it is not a list of entries, each with %s", fieldNames)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("it has no entries; write at least one, with %s", fieldNames)
	}
	return entries, nil
}

const fieldNames = FieldAccessKeyID + ", " + FieldSecretAccessKey + " and " + FieldPrincipal

func parseCredential(entry json.RawMessage) (Credential, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(entry, &fields); err != nil {
		return Credential{}, errors.New("it is not a map with " + fieldNames)
	}
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != FieldAccessKeyID && name != FieldSecretAccessKey && name != FieldPrincipal {
			return Credential{}, &FieldError{shortened(name), "there is no such field; the fields are " + fieldNames}
		}
		// JSON numbers and the like are refused, as YAML has changed them by now: 0123 would be 83.
		if !bytes.HasPrefix(fields[name], []byte(`"`)) {
			return Credential{}, &FieldError{name, "it is not a string; put it between double quotes"}
		}
		var value string
		if err := json.Unmarshal(fields[name], &value); err != nil {
			return Credential{}, &FieldError{name, "it is not a string; put it between double quotes"}
		}
		values[name] = value
	}
	return NewStaticCredential(values[FieldAccessKeyID], values[FieldSecretAccessKey], values[FieldPrincipal], StandaloneStrength)
}

// shortened keeps the name of an unknown field from being a secret that was written in its place.
func shortened(name string) string {
	const longest = len(FieldSecretAccessKey) + 3
	if len(name) > longest || !onlyLettersAndDigits(strings.ReplaceAll(name, "_", "")) {
		return "a field"
	}
	return fmt.Sprintf("field %q", name)
}

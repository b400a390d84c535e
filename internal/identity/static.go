// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"context"
	"fmt"
	"strings"
)

// Strength is how much is asked of a static access key.
type Strength struct {
	// MinAccessKeyID and MinSecretAccessKey are the fewest characters.
	MinAccessKeyID, MinSecretAccessKey int
}

// What is asked of static access keys. AWS's have 20 and 40 characters.
//
// Whoever sees one signed request can try secrets on it without asking anybody, so a secret has to be beyond guessing: a
// random one of 16 letters and digits has 95 bits. Only a standalone KMS, whose file its owner writes and whose network its
// owner chooses, takes the short ones with which people run emulators ("test").
var (
	ClusterStrength    = Strength{MinAccessKeyID: 16, MinSecretAccessKey: 16}
	StandaloneStrength = Strength{MinAccessKeyID: 4, MinSecretAccessKey: 4}
)

// maxStatic is the length of the longest static access key ID (STS API reference) and, of ours, the longest secret.
const maxStatic = 128

// The fields of a static access key, as the credentials file and the Secrets name them.
const (
	FieldAccessKeyID     = "accessKeyID"
	FieldSecretAccessKey = "secretAccessKey"
	FieldPrincipal       = "principal"
)

// FieldError says what is wrong with a field of a static access key, and what to write instead. It quotes nothing but a
// principal that has the shape of an ARN: people put secrets into the wrong field.
type FieldError struct {
	Field   string
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// NewStaticCredential is the credential of a static access key that stands for principal: the ARN of an account's root, a
// user, a role or a role's session. Errors are *FieldError.
func NewStaticCredential(accessKeyID, secretAccessKey, principal string, strength Strength) (Credential, error) {
	if err := checkAccessKeyID(accessKeyID, strength.MinAccessKeyID); err != nil {
		return Credential{}, err
	}
	if err := checkSecret(secretAccessKey, strength.MinSecretAccessKey); err != nil {
		return Credential{}, err
	}
	caller, err := NewCaller(principal, accessKeyID)
	if err != nil {
		return Credential{}, &FieldError{FieldPrincipal, principalProblem(principal)}
	}
	return Credential{SecretAccessKey: NewSecretAccessKey(secretAccessKey), Caller: caller}, nil
}

func checkAccessKeyID(id string, shortest int) error {
	switch {
	case id == "":
		return &FieldError{FieldAccessKeyID, "it is missing"}
	case !onlyLettersAndDigits(id):
		return &FieldError{FieldAccessKeyID, "it has other characters than ASCII letters and digits" + spaceHint(id)}
	case len(id) < shortest || len(id) > maxStatic:
		return &FieldError{FieldAccessKeyID, lengthProblem(id, shortest)}
	case strings.HasPrefix(id, TemporaryKeyPrefix):
		return &FieldError{FieldAccessKeyID, "it begins with " + TemporaryKeyPrefix +
			", as only those of temporary sessions do; choose another one, such as AKIA and 16 capital letters or digits"}
	}
	return nil
}

func checkSecret(secret string, shortest int) error {
	switch {
	case secret == "":
		return &FieldError{FieldSecretAccessKey, "it is missing"}
	case !onlyGraphic(secret):
		return &FieldError{FieldSecretAccessKey, "it has characters that are not visible ASCII" + spaceHint(secret)}
	case len(secret) < shortest || len(secret) > maxStatic:
		return &FieldError{FieldSecretAccessKey, lengthProblem(secret, shortest) + "; `openssl rand -base64 30` makes a good one"}
	}
	return nil
}

func lengthProblem(text string, shortest int) string {
	return fmt.Sprintf("it has %d characters, not %d to %d", len(text), shortest, maxStatic)
}

// spaceHint names the usual cause.
func spaceHint(text string) string {
	if strings.TrimSpace(text) != text {
		return "; take away the white space at its beginning or end (echo adds a line end, printf does not)"
	}
	return ""
}

func principalProblem(principal string) string {
	const way = "write the ARN of an account's root (arn:aws:iam::111122223333:root), of a user (...:user/NAME), of a role " +
		"(...:role/NAME) or of a role's session (arn:aws:sts::111122223333:assumed-role/NAME/SESSION)"
	switch {
	case principal == "":
		return "it is missing; " + way
	case strings.HasPrefix(principal, "arn:"):
		return fmt.Sprintf("%q is not one of what a key can stand for%s; %s", principal, spaceHint(principal), way)
	default:
		return "it is no ARN" + spaceHint(principal) + "; " + way
	}
}

func onlyLettersAndDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func onlyGraphic(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// StaticKeys are static access keys that do not change. The zero value has none.
type StaticKeys struct {
	byAccessKeyID map[string]Credential
}

var _ Source = (*StaticKeys)(nil)

// Lookup implements Source.
func (s *StaticKeys) Lookup(_ context.Context, accessKeyID, sessionToken string) (Credential, error) {
	found, ok := s.byAccessKeyID[accessKeyID]
	if !ok || sessionToken != "" {
		return Credential{}, ErrUnknown
	}
	return found, nil
}

// Len is how many there are.
func (s *StaticKeys) Len() int { return len(s.byAccessKeyID) }

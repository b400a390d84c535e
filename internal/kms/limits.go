// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
	"github.com/chatelaine-dev/chatelaine/internal/kms/lifecycle"
)

// AWS KMS's limits on names and numbers (AWS KMS API reference and "Resource quotas").
const (
	MaxTagsPerKey    = 50
	MaxAliasesPerKey = 50

	maxTagKey      = 128
	maxTagValue    = 256
	maxDescription = 8192
	maxAliasName   = 256
	maxKeyID       = 64 // our own: the key ID is part of a Secret's name
)

var (
	tagText   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	aliasText = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)
	keyIDText = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
)

// violation is AWS's text for a member that breaks a constraint of its API model.
func violation(value any, member, constraint string) *Error {
	return Errorf(ValidationException,
		"1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must %s",
		value, member, constraint)
}

func checkDescription(text string) error {
	if utf8.RuneCountInString(text) > maxDescription {
		return violation("...", "description", "have length less than or equal to 8192")
	}
	return nil
}

func checkKeyID(keyID string) error {
	if len(keyID) > maxKeyID || !keyIDText.MatchString(keyID) {
		return Errorf(NotFoundException, "Invalid keyId '%s'", keyID)
	}
	return nil
}

// checkTags looks at tags that are to be set on a key.
func checkTags(tags map[string]string) error {
	for key, value := range tags {
		switch {
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return Errorf(TagException, "Tags beginning with aws: are reserved")
		case key == "" || utf8.RuneCountInString(key) > maxTagKey:
			return violation(key, "tags.member.tagKey", "have length between 1 and 128")
		case utf8.RuneCountInString(value) > maxTagValue:
			return violation("...", "tags.member.tagValue", "have length less than or equal to 256")
		case !tagText.MatchString(key) || !tagText.MatchString(value):
			return Errorf(TagException, "Tag '%s' has characters other than letters, digits, spaces and _ . : / = + - @", key)
		}
	}
	return nil
}

func checkTagCount(r *keyring.KeyRecord) error {
	if len(r.Tags) > MaxTagsPerKey {
		return Errorf(TagException, "Too many tags")
	}
	return nil
}

// CheckAliasName refuses a name that no alias may have.
func CheckAliasName(name string) error {
	if err := checkAliasPrefix(name); err != nil {
		return err
	}
	switch {
	case len(name) > maxAliasName:
		return violation(name, "aliasName", "have length less than or equal to 256")
	case !aliasText.MatchString(name):
		return violation(name, "aliasName", "satisfy regular expression pattern: ^alias/[a-zA-Z0-9/_-]+$")
	case strings.HasPrefix(name, "alias/aws/"):
		return Errorf(InvalidAliasNameException, "Aliases beginning with alias/aws/ are reserved: %s", name)
	default:
		return nil
	}
}

func checkAliasPrefix(name string) error {
	if strings.HasPrefix(name, aliasPrefix) {
		return nil
	}
	return Errorf(ValidationException, `Alias must start with the prefix "alias/". Please see `+
		"https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
}

func checkPeriod(days int32) error {
	if lifecycle.CheckPeriod(days) == nil {
		return nil
	}
	return outside(days, "rotationPeriodInDays", lifecycle.MinPeriodDays, lifecycle.MaxPeriodDays)
}

func checkWindow(days int32) error {
	if lifecycle.CheckWindow(days) == nil {
		return nil
	}
	return outside(days, "pendingWindowInDays", lifecycle.MinWindowDays, lifecycle.MaxWindowDays)
}

// outside is AWS's text for a number that is out of its bounds.
func outside(n int32, member string, lowest, highest int32) error {
	if n < lowest {
		return violation(n, member, fmt.Sprintf("have value greater than or equal to %d", lowest))
	}
	return violation(n, member, fmt.Sprintf("have value less than or equal to %d", highest))
}

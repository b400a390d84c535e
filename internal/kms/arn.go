// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

const aliasPrefix = "alias/"

// ARN is the parts of a key's or an alias's Amazon Resource Name.
type ARN struct {
	Region    string
	AccountID string
	// Exactly one of KeyID and Alias is set; Alias begins with alias/.
	KeyID string
	Alias string
}

// String is the ARN as it is written.
func (a ARN) String() string {
	resource := a.Alias
	if resource == "" {
		resource = "key/" + a.KeyID
	}
	return "arn:aws:kms:" + a.Region + ":" + a.AccountID + ":" + resource
}

// ParseARN reads a key ARN or an alias ARN. It is an *Error with InvalidArnException for anything else.
func ParseARN(text string) (ARN, error) {
	rest, ours := strings.CutPrefix(text, "arn:aws:kms:")
	region, rest, hasRegion := strings.Cut(rest, ":")
	accountID, resource, hasAccount := strings.Cut(rest, ":")
	if !ours || !hasRegion || !hasAccount {
		return ARN{}, Errorf(InvalidArnException, "Invalid arn '%s'", text)
	}
	arn := ARN{Region: region, AccountID: accountID}
	if keyID, ok := strings.CutPrefix(resource, "key/"); ok && keyID != "" {
		arn.KeyID = keyID
		return arn, nil
	}
	if strings.HasPrefix(resource, aliasPrefix) {
		arn.Alias = resource
		return arn, nil
	}
	return ARN{}, Errorf(InvalidArnException, "Invalid arn '%s'", text)
}

// KeyARN is the ARN of a key of this service.
func (s *Service) KeyARN(keyID string) string { return s.arn(ARN{KeyID: keyID}) }

// AliasARN is the ARN of an alias of this service, by its name.
func (s *Service) AliasARN(name string) string { return s.arn(ARN{Alias: name}) }

func (s *Service) arn(of ARN) string {
	home := s.ring.ID()
	of.Region, of.AccountID = home.Region, home.AccountID
	return of.String()
}

// ID is the account and region that the service answers for.
func (s *Service) ID() keyring.ID { return s.ring.ID() }

// resolve returns the ID of the key that ref names; whether the key exists is not looked at unless ref is an alias.
func (s *Service) resolve(ref string) (string, error) {
	switch {
	case strings.HasPrefix(ref, "arn:"):
		arn, err := ParseARN(ref)
		if err != nil {
			return "", err
		}
		if err := s.checkHome(ref, arn); err != nil {
			return "", err
		}
		if arn.Alias != "" {
			return s.target(arn.Alias)
		}
		return arn.KeyID, nil
	case strings.HasPrefix(ref, aliasPrefix):
		return s.target(ref)
	default:
		return ref, nil
	}
}

func (s *Service) checkHome(ref string, arn ARN) error {
	home := s.ring.ID()
	switch {
	case arn.Region != home.Region:
		return Errorf(NotFoundException, "Invalid arn %s", arn.Region)
	case arn.AccountID != home.AccountID:
		return Errorf(NotFoundException, "Key '%s' does not exist", ref)
	default:
		return nil
	}
}

// target is the ID of the key that an alias names.
func (s *Service) target(alias string) (string, error) {
	record, err := s.ring.Alias(alias)
	if err != nil {
		return "", s.translateAlias(err, alias)
	}
	return record.KeyID, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package keyspec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// sm2 is in AWS's API, so people will try it; it deserves a reason and not just "unknown".
const sm2 Spec = "SM2"

// Check decides whether a key of this spec and usage can exist and returns the usage it will have. An empty usage means
// ENCRYPT_DECRYPT for SYMMETRIC_DEFAULT; every other spec must name its usage, even where there is only one, as AWS's
// CreateKey demands. The error says what is allowed.
func Check(spec Spec, usage Usage) (Usage, error) {
	if spec == sm2 {
		return "", errors.New("keySpec SM2 is not offered: AWS KMS has it in its China Regions only")
	}
	if !spec.Valid() {
		return "", fmt.Errorf("unknown keySpec %q (allowed: %s)", spec, list(All()))
	}
	allowed := spec.Usages()
	if usage == "" {
		if spec.Symmetric() {
			return EncryptDecrypt, nil
		}
		return "", fmt.Errorf("keySpec %s needs a keyUsage (allowed: %s)", spec, list(allowed))
	}
	if !slices.Contains(allowed, usage) {
		return "", fmt.Errorf("keyUsage %q is not compatible with keySpec %s (allowed: %s)", usage, spec, list(allowed))
	}
	return usage, nil
}

func list[T ~string](items []T) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = string(item)
	}
	return strings.Join(words, ", ")
}

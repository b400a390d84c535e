// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestTagsAreThoseThatAWSAccepts(t *testing.T) {
	with := func(key string, value v1alpha1.TagValue) func(*v1alpha1.Key) {
		return func(object *v1alpha1.Key) { object.Spec.Tags = map[string]v1alpha1.TagValue{key: value} }
	}
	many := func(prefix string, n int) func(*v1alpha1.Key) {
		return func(object *v1alpha1.Key) {
			object.Spec.Tags = map[string]v1alpha1.TagValue{}
			for _, key := range numbered(prefix, n) {
				object.Spec.Tags[key] = v1alpha1.TagValue(repeat("v", 256))
			}
		}
	}
	length := refused("spec.tags", "tag keys must have 1 to 128 characters")
	forAWS := refused("spec.tags", "reserved for AWS")
	keyForm := refused("spec.tags", "tag keys may have letters, digits, spaces and _ . : / = + - @")
	valueForm := refused("spec.tags[team]", "tag values may have letters, digits, spaces and _ . : / = + - @")
	keyCases{
		"one":                        {with("team", "payments"), accepted},
		"every allowed character":    {with("aZ 09_.:/=+-@", "aZ 09_.:/=+-@"), accepted},
		"letters outside ASCII":      {with("Schlüssel-鍵", "Grüße 世界"), accepted},
		"empty value":                {with("team", ""), accepted},
		"45 tags":                    {many("k", 45), accepted},
		"45 longest tags":            {many(repeat("k", 126), 45), accepted},
		"46 tags":                    {many("k", 46), refused("spec.tags", "must have at most 45 items")},
		"empty key":                  {with("", "payments"), length},
		"key of 128 characters":      {with(repeat("k", 128), "v"), accepted},
		"key of 128 letters in UTF8": {with(repeat("鍵", 128), "v"), accepted},
		"key of 129 characters":      {with(repeat("k", 129), "v"), length},
		"value of 256 characters":    {with("team", v1alpha1.TagValue(repeat("v", 256))), accepted},
		"value of 257 characters":    {with("team", v1alpha1.TagValue(repeat("v", 257))), refused("spec.tags.team", "may not be more than 256")},
		"AWS's own":                  {with("aws:team", "v"), forAWS},
		"AWS's own in capitals":      {with("AWS:team", "v"), forAWS},
		"almost AWS's own":           {with("aws-team", "v"), accepted},
		"the operator's own":         {with("kms.chatelaine.dev/uid", "v"), refused("spec.tags", "reserved for the operator")},
		"almost the operator's own":  {with("kms.chatelaine.dev.example/uid", "v"), accepted},
		"bad character in key":       {with("team!", "v"), keyForm},
		"line break in key":          {with("team\n", "v"), keyForm},
		"bad character in value":     {with("team", "pay,ments"), valueForm},
		"line break in value":        {with("team", "payments\n"), valueForm},
	}.run(t)
}

func TestDescriptionHasAWSsLength(t *testing.T) {
	with := func(description string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Description = description }
	}
	keyCases{
		"8192 characters":      {with(repeat("d", 8192)), accepted},
		"8192 letters in UTF8": {with(repeat("鍵", 8192)), accepted},
		"8193 characters":      {with(repeat("d", 8193)), refused("spec.description", "may not be more than 8192")},
	}.run(t)
}

// repeat is shorter to read in tables.
func repeat(s string, count int) string { return strings.Repeat(s, count) }

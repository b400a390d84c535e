// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

func TestAliasesAreThoseThatAWSAccepts(t *testing.T) {
	with := func(aliases ...string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Aliases = aliases }
	}
	form := refused("spec.aliases", "each alias must be alias/ followed by letters, digits, / _ or -")
	keyCases{
		"one":                     {with("alias/orders"), accepted},
		"every allowed character": {with("alias/AZ/az_09-"), accepted},
		"shortest":                {with("alias/a"), accepted},
		"256 characters":          {with("alias/" + repeat("a", 250)), accepted},
		"257 characters":          {with("alias/" + repeat("a", 251)), refused("spec.aliases[0]", "may not be more than 256")},
		"50 aliases":              {with(numbered("alias/a", 50)...), accepted},
		"50 longest aliases":      {with(numbered("alias/"+repeat("a", 248), 50)...), accepted},
		"51 aliases":              {with(numbered("alias/a", 51)...), refused("spec.aliases", "must have at most 50 items")},
		"AWS's own":               {with("alias/aws/s3"), refused("spec.aliases", "alias/aws/ are reserved for AWS")},
		"almost AWS's own":        {with("alias/awsome"), accepted},
		"prefix missing":          {with("orders"), form},
		"prefix in capitals":      {with("ALIAS/orders"), form},
		"nothing after prefix":    {with("alias/"), form},
		"empty":                   {with(""), form},
		"colon":                   {with("alias/a:b"), form},
		"space":                   {with("alias/a b"), form},
		"letter outside ASCII":    {with("alias/ä"), form},
		"line break at the end":   {with("alias/a\n"), form},
		"second of two is bad":    {with("alias/a", "alias/!"), form},
		"duplicate":               {with("alias/a", "alias/b", "alias/a"), refused("spec.aliases[2]", "alias/a")},
		"same in another case":    {with("alias/a", "alias/A"), accepted},
	}.run(t)
}

func TestAdoptNamesOneKeyInOneWay(t *testing.T) {
	with := func(keyID, alias string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Adopt = &v1alpha1.KeyAdoption{KeyID: keyID, Alias: alias} }
	}
	const (
		id  = "1234abcd-12ab-34cd-56ef-1234567890ab"
		arn = "arn:aws:kms:eu-west-1:111122223333:key/" + id
	)
	either := refused("spec.adopt", "exactly one of keyID and alias must be set")
	notAnAlias := refused("spec.adopt.keyID", "put an alias into alias")
	form := refused("spec.adopt.alias", "alias must be alias/ followed by letters, digits, / _ or -")
	keyCases{
		"ID":                      {with(id, ""), accepted},
		"ARN":                     {with(arn, ""), accepted},
		"alias":                   {with("", "alias/orders"), accepted},
		"both":                    {with(id, "alias/orders"), either},
		"neither":                 {with("", ""), either},
		"alias as keyID":          {with("alias/orders", ""), notAnAlias},
		"ARN of alias as keyID":   {with("arn:aws:kms:eu-west-1:111122223333:alias/orders", ""), notAnAlias},
		"keyID of 2048":           {with(repeat("a", 2048), ""), accepted},
		"keyID of 2049":           {with(repeat("a", 2049), ""), refused("spec.adopt.keyID", "may not be more than 2048")},
		"ID as alias":             {with("", id), form},
		"nothing after prefix":    {with("", "alias/"), form},
		"bad character":           {with("", "alias/a:b"), form},
		"alias of 256":            {with("", "alias/"+repeat("a", 250)), accepted},
		"alias of 257":            {with("", "alias/"+repeat("a", 251)), refused("spec.adopt.alias", "may not be more than 256")},
		"alias of AWS's own keys": {with("", "alias/aws/s3"), refused("spec.adopt.alias", "cannot be adopted")},
	}.run(t)
}

func TestPublishNamesAConfigMap(t *testing.T) {
	with := func(name string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.Publish = &v1alpha1.KeyPublication{ConfigMapName: name} }
	}
	const field = "spec.publish.configMapName"
	form := refused(field, "configMapName must be a ConfigMap's name")
	keyCases{
		"name":           {with("orders-key.v1"), accepted},
		"253 characters": {with(repeat("a", 253)), accepted},
		"254 characters": {with(repeat("a", 254)), refused(field, "may not be more than 253")},
		"capitals":       {with("Orders"), form},
		"underscore":     {with("orders_key"), form},
		"slash":          {with("other/orders"), form},
		"hyphen at end":  {with("orders-"), form},
		"omitted":        {with(""), refused(field, "Required value")},
	}.run(t)
}

func TestBackendRefNamesABackend(t *testing.T) {
	with := func(name string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.BackendRef = &v1alpha1.BackendReference{Name: name} }
	}
	keyCases{
		"name":           {with("software"), accepted},
		"253 characters": {with(repeat("a", 253)), accepted},
		"254 characters": {with(repeat("a", 254)), refused("spec.backendRef.name", "may not be more than 253")},
		"omitted":        {with(""), refused("spec.backendRef.name", "Required value")},
	}.run(t)
}

// numbered are n names with the prefix, all of the same length and different.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%02d", prefix, i)
	}
	return names
}

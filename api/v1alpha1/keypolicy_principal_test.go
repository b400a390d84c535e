// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// withPrincipals replaces the principals of the valid KeyPolicy's only rule.
func withPrincipals(principals ...v1alpha1.KeyPolicyPrincipal) func(*v1alpha1.KeyPolicySpec) {
	return inRule(func(rule *v1alpha1.KeyPolicyRule) { rule.Principals = principals })
}

const principalField = "spec.rules[0].principals[0]"

func TestAPrincipalIsOfOneKind(t *testing.T) {
	api := &v1alpha1.ServiceAccountReference{Name: "api"}
	const (
		role, account, logs = "arn:aws:iam::111122223333:role/api", "111122223333", "logs.eu-west-1.amazonaws.com"
		one                 = "exactly one of the fields in [serviceAccount aws account service] must be set"
	)
	oneOf := refused(principalField, one)
	var many []v1alpha1.KeyPolicyPrincipal
	for range 50 {
		many = append(many, v1alpha1.KeyPolicyPrincipal{Account: account})
	}
	policyCases{
		"ServiceAccount": {withPrincipals(v1alpha1.KeyPolicyPrincipal{ServiceAccount: api}), accepted},
		"ARN":            {withPrincipals(v1alpha1.KeyPolicyPrincipal{AWS: role}), accepted},
		"account":        {withPrincipals(v1alpha1.KeyPolicyPrincipal{Account: account}), accepted},
		"service":        {withPrincipals(v1alpha1.KeyPolicyPrincipal{Service: logs}), accepted},
		"each kind": {withPrincipals(
			v1alpha1.KeyPolicyPrincipal{ServiceAccount: api}, v1alpha1.KeyPolicyPrincipal{AWS: role},
			v1alpha1.KeyPolicyPrincipal{Account: account}, v1alpha1.KeyPolicyPrincipal{Service: logs},
		), accepted},
		"none":                   {withPrincipals(v1alpha1.KeyPolicyPrincipal{}), oneOf},
		"ServiceAccount and ARN": {withPrincipals(v1alpha1.KeyPolicyPrincipal{ServiceAccount: api, AWS: role}), oneOf},
		"ARN and account":        {withPrincipals(v1alpha1.KeyPolicyPrincipal{AWS: role, Account: account}), oneOf},
		"account and service":    {withPrincipals(v1alpha1.KeyPolicyPrincipal{Account: account, Service: logs}), oneOf},
		"all four": {withPrincipals(
			v1alpha1.KeyPolicyPrincipal{ServiceAccount: api, AWS: role, Account: account, Service: logs}), oneOf},
		"second of two": {withPrincipals(v1alpha1.KeyPolicyPrincipal{AWS: role}, v1alpha1.KeyPolicyPrincipal{}),
			refused("spec.rules[0].principals[1]", one)},
		"50 principals": {withPrincipals(many...), accepted},
		"51 principals": {withPrincipals(append(many, many[0])...), refused("spec.rules[0].principals", "must have at most 50 items")},
		"no principal":  {withPrincipals(), refused("spec.rules[0].principals", "Required value")},
	}.run(t)
}

func TestAnAWSPrincipalIsAnARNOrEverybody(t *testing.T) {
	with := func(aws string) func(*v1alpha1.KeyPolicySpec) {
		return withPrincipals(v1alpha1.KeyPolicyPrincipal{AWS: aws})
	}
	const field = principalField + ".aws"
	form := refused(field, "aws must be an ARN, or *; an account goes into account")
	policyCases{
		"role":                      {with("arn:aws:iam::111122223333:role/path/api"), accepted},
		"session":                   {with("arn:aws:sts::111122223333:assumed-role/api/pod"), accepted},
		"role in China":             {with("arn:aws-cn:iam::111122223333:role/api"), accepted},
		"everybody":                 {with("*"), accepted},
		"2048 characters":           {with("arn:" + repeat("a", 2044)), accepted},
		"2049 characters":           {with("arn:" + repeat("a", 2045)), refused(field, "may not be more than 2048")},
		"account":                   {with("111122223333"), form},
		"ID of a role":              {with("AROAEXAMPLEEXAMPLE12"), form},
		"name of a role":            {with("api"), form},
		"in capitals":               {with("ARN:aws:iam::111122223333:role/api"), form},
		"two wildcards":             {with("**"), form},
		"space at the beginning":    {with(" arn:aws:iam::111122223333:role/api"), form},
		"line break after wildcard": {with("*\n"), form},
	}.run(t)
}

func TestAnAccountHas12Digits(t *testing.T) {
	with := func(account string) func(*v1alpha1.KeyPolicySpec) {
		return withPrincipals(v1alpha1.KeyPolicyPrincipal{Account: account})
	}
	const field = principalField + ".account"
	form := refused(field, "account must have 12 digits")
	policyCases{
		"12 digits":          {with("012345678901"), accepted},
		"11 digits":          {with("01234567890"), refused(field, "should be at least 12 chars")},
		"13 digits":          {with("0123456789012"), refused(field, "may not be more than 12")},
		"letters":            {with("abcdefghijkl"), form},
		"digits, hyphenated": {with("1111-2222-33"), form},
		"other digits":       {with(repeat("٣", 12)), form},
		"line break":         {with("01234567890\n"), form},
	}.run(t)
}

func TestAServiceIsAServicePrincipal(t *testing.T) {
	with := func(service string) func(*v1alpha1.KeyPolicySpec) {
		return withPrincipals(v1alpha1.KeyPolicyPrincipal{Service: service})
	}
	const field = principalField + ".service"
	form := refused(field, "service must be a service principal, such as logs.eu-west-1.amazonaws.com")
	policyCases{
		"global":                {with("cloudtrail.amazonaws.com"), accepted},
		"of a region":           {with("logs.eu-west-1.amazonaws.com"), accepted},
		"in China":              {with("ec2.amazonaws.com.cn"), accepted},
		"256 characters":        {with(repeat("a", 242) + ".amazonaws.com"), accepted},
		"257 characters":        {with(repeat("a", 243) + ".amazonaws.com"), refused(field, "may not be more than 256")},
		"short name":            {with("logs"), form},
		"no name":               {with(".amazonaws.com"), form},
		"domain alone":          {with("amazonaws.com"), form},
		"another domain":        {with("logs.example.com"), form},
		"domain that begins so": {with("logs.amazonaws.com.example.com"), form},
		"no dot before it":      {with("logsamazonaws.com"), form},
		"other dots":            {with("logs.amazonaws-com"), form},
		"wildcard":              {with("*.amazonaws.com"), form},
		"capitals":              {with("Logs.amazonaws.com"), form},
		"two dots":              {with("logs..amazonaws.com"), form},
		"line break at the end": {with("logs.amazonaws.com\n"), form},
	}.run(t)
}

func TestAServiceAccountIsNamedAsKubernetesNamesIt(t *testing.T) {
	with := func(name, namespace string) func(*v1alpha1.KeyPolicySpec) {
		return withPrincipals(v1alpha1.KeyPolicyPrincipal{
			ServiceAccount: &v1alpha1.ServiceAccountReference{Name: name, Namespace: namespace},
		})
	}
	const nameField, namespaceField = principalField + ".serviceAccount.name", principalField + ".serviceAccount.namespace"
	nameForm := refused(nameField, "name must be a ServiceAccount's name")
	namespaceForm := refused(namespaceField, "namespace must be a namespace's name")
	policyCases{
		"name":                     {with("api-server.v1", ""), accepted},
		"name of 253":              {with(repeat("a", 253), ""), accepted},
		"name of 254":              {with(repeat("a", 254), ""), refused(nameField, "may not be more than 253")},
		"name omitted":             {with("", "shop"), refused(nameField, "Required value")},
		"name in capitals":         {with("API", ""), nameForm},
		"wildcard as name":         {with("*", ""), nameForm},
		"namespace before name":    {with("shop/api", ""), nameForm},
		"name with colons":         {with("system:serviceaccount:shop:api", ""), nameForm},
		"namespace":                {with("api", "shop-2"), accepted},
		"namespace of 63":          {with("api", repeat("a", 63)), accepted},
		"namespace of 64":          {with("api", repeat("a", 64)), refused(namespaceField, "may not be more than 63")},
		"namespace with a dot":     {with("api", "shop.example"), namespaceForm},
		"wildcard as namespace":    {with("api", "*"), namespaceForm},
		"namespace in capitals":    {with("api", "Shop"), namespaceForm},
		"hyphen before namespace":  {with("api", "-shop"), namespaceForm},
		"line break after the end": {with("api", "shop\n"), namespaceForm},
	}.run(t)
}

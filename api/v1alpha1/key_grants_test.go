// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const grantField = "spec.grants[0]"

// grantTo is a grant that the valid Key may have.
func grantTo(name string) v1alpha1.KeyGrant {
	return v1alpha1.KeyGrant{
		Name: name, Grantee: &v1alpha1.GrantPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{Name: "api"}},
		Operations: []v1alpha1.GrantOperation{"Decrypt"},
	}
}

// withGrant gives a Key the grant that change makes of a good one.
func withGrant(change func(*v1alpha1.KeyGrant)) func(*v1alpha1.Key) {
	grant := grantTo("api")
	change(&grant)
	return func(key *v1alpha1.Key) { key.Spec.Grants = []v1alpha1.KeyGrant{grant} }
}

func TestGrantsAreNamedAndAsManyAsAKeyMayHave(t *testing.T) {
	name := func(name string) func(*v1alpha1.Key) { return withGrant(func(g *v1alpha1.KeyGrant) { g.Name = name }) }
	many := func(count int) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			for i := range count {
				key.Spec.Grants = append(key.Spec.Grants, grantTo(fmt.Sprintf("grant-%d", i)))
			}
		}
	}
	form := refused(grantField+".name", "name must be made of lower-case letters, digits and hyphens")
	keyCases{
		"name":           {name("api-2"), accepted},
		"63 characters":  {name(repeat("a", 63)), accepted},
		"64 characters":  {name(repeat("a", 64)), refused(grantField+".name", "may not be more than 63")},
		"no name":        {name(""), refused(grantField+".name", "Required value")},
		"capitals":       {name("API"), form},
		"dot":            {name("a.b"), form},
		"colon":          {name("a:b"), form},
		"hyphen at last": {name("api-"), form},
		"line break":     {name("api\n"), form},
		"100 grants":     {many(100), accepted},
		"101 grants":     {many(101), refused("spec.grants", "must have at most 100 items")},
		"same name twice": {func(key *v1alpha1.Key) { key.Spec.Grants = []v1alpha1.KeyGrant{grantTo("a"), grantTo("a")} },
			refused("spec.grants[1]", `"a"`)},
	}.run(t)
}

func TestAGrantHasOneGranteeAndAtMostOneRetiringPrincipal(t *testing.T) {
	account := &v1alpha1.ServiceAccountReference{Name: "api", Namespace: "shop"}
	role := "arn:aws:iam::111122223333:role/path/api"
	grantee := func(principal v1alpha1.GrantPrincipal) func(*v1alpha1.Key) {
		return withGrant(func(g *v1alpha1.KeyGrant) { g.Grantee = &principal })
	}
	retiring := func(principal v1alpha1.GrantPrincipal) func(*v1alpha1.Key) {
		return withGrant(func(g *v1alpha1.KeyGrant) { g.RetiringPrincipal = &principal })
	}
	const one = "exactly one of the fields in [serviceAccount aws account] must be set"
	keyCases{
		"ServiceAccount":         {grantee(v1alpha1.GrantPrincipal{ServiceAccount: account}), accepted},
		"ARN":                    {grantee(v1alpha1.GrantPrincipal{AWS: role}), accepted},
		"account":                {grantee(v1alpha1.GrantPrincipal{Account: "111122223333"}), accepted},
		"ServiceAccount and ARN": {grantee(v1alpha1.GrantPrincipal{ServiceAccount: account, AWS: role}), refused(grantField+".grantee", one)},
		"ARN and account":        {grantee(v1alpha1.GrantPrincipal{AWS: role, Account: "111122223333"}), refused(grantField+".grantee", one)},
		"none":                   {grantee(v1alpha1.GrantPrincipal{}), refused(grantField+".grantee", one)},
		"ServiceAccount without a name": {grantee(v1alpha1.GrantPrincipal{ServiceAccount: &v1alpha1.ServiceAccountReference{}}),
			refused(grantField+".grantee.serviceAccount.name", "Required value")},
		"retired by a ServiceAccount": {retiring(v1alpha1.GrantPrincipal{ServiceAccount: account}), accepted},
		"retired by a role":           {retiring(v1alpha1.GrantPrincipal{AWS: role}), accepted},
		"retired by an account":       {retiring(v1alpha1.GrantPrincipal{Account: "111122223333"}), accepted},
		"retired by two":              {retiring(v1alpha1.GrantPrincipal{AWS: role, Account: "111122223333"}), refused(grantField+".retiringPrincipal", one)},
		"retired by none":             {retiring(v1alpha1.GrantPrincipal{}), refused(grantField+".retiringPrincipal", one)},
	}.run(t)
}

func TestAGrantsPrincipalIsTheARNOfSomebodyOrAnAccount(t *testing.T) {
	aws := func(arn string) func(*v1alpha1.Key) {
		return withGrant(func(g *v1alpha1.KeyGrant) { g.Grantee = &v1alpha1.GrantPrincipal{AWS: arn} })
	}
	account := func(account string) func(*v1alpha1.Key) {
		return withGrant(func(g *v1alpha1.KeyGrant) { g.Grantee = &v1alpha1.GrantPrincipal{Account: account} })
	}
	const roles = "arn:aws:iam::111122223333:role/"
	form := refused(grantField+".grantee.aws", "aws must be the ARN of a role, user, federated user or session")
	digits := refused(grantField+".grantee.account", "account must have 12 digits")
	keyCases{
		"role":                {aws(roles + "api"), accepted},
		"role with a path":    {aws(roles + "a/b/api"), accepted},
		"role in China":       {aws("arn:aws-cn:iam::111122223333:role/api"), accepted},
		"user":                {aws("arn:aws:iam::111122223333:user/ann"), accepted},
		"session":             {aws("arn:aws:sts::111122223333:assumed-role/api/pod"), accepted},
		"federated user":      {aws("arn:aws:sts::111122223333:federated-user/ann"), accepted},
		"256 characters":      {aws(roles + repeat("a", 256-len(roles))), accepted},
		"257 characters":      {aws(roles + repeat("a", 257-len(roles))), refused(grantField+".grantee.aws", "may not be more than 256")},
		"account's ARN":       {aws("arn:aws:iam::111122223333:root"), form},
		"account":             {aws("111122223333"), form},
		"everybody":           {aws("*"), form},
		"wildcard":            {aws(roles + "*"), form},
		"session's role only": {aws("arn:aws:sts::111122223333:assumed-role/api"), form},
		"short account":       {aws("arn:aws:iam::11112222333:role/api"), form},
		"bucket":              {aws("arn:aws:s3:::bucket"), form},
		"ID of a role":        {aws("AROAEXAMPLEEXAMPLE12"), form},
		"line break":          {aws(roles + "api\n"), form},
		"letters":             {account("11112222333a"), digits},
		"11 digits":           {account("11112222333"), refused(grantField+".grantee.account", "at least 12 chars long")},
		"13 digits":           {account("1111222233334"), refused(grantField+".grantee.account", "may not be more than 12")},
	}.run(t)
}

// grantOperations are what a grant may allow, on any key and by usage and kind of key (AWS KMS, CreateGrant).
var grantOperations = map[string][]v1alpha1.GrantOperation{
	"":                        {"CreateGrant", "DescribeKey", "RetireGrant"},
	"ENCRYPT_DECRYPT":         {"Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo"},
	"SIGN_VERIFY":             {"Sign", "Verify"},
	"GENERATE_VERIFY_MAC":     {"GenerateMac", "VerifyMac"},
	"KEY_AGREEMENT":           {"DeriveSharedSecret"},
	"ENCAPSULATE_DECAPSULATE": {"Decapsulate", "Encapsulate"},
	"SYMMETRIC_DEFAULT": {"GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
		"GenerateDataKeyWithoutPlaintext"},
	"asymmetric": {"GetPublicKey"},
}

func TestAGrantAllowsWhatTheKeyIsFor(t *testing.T) {
	said := map[string]string{
		"ENCRYPT_DECRYPT": "are for keyUsage ENCRYPT_DECRYPT", "SIGN_VERIFY": "are for keyUsage SIGN_VERIFY",
		"GENERATE_VERIFY_MAC": "are for keyUsage GENERATE_VERIFY_MAC", "KEY_AGREEMENT": "are for keyUsage KEY_AGREEMENT",
		"ENCAPSULATE_DECAPSULATE": "are for keyUsage ENCAPSULATE_DECAPSULATE",
		"SYMMETRIC_DEFAULT":       "are for keySpec SYMMETRIC_DEFAULT", "asymmetric": "are for asymmetric keys",
	}
	cases := keyCases{}
	for _, key := range []struct {
		spec, usage string
		kinds       []string
	}{
		{"SYMMETRIC_DEFAULT", "", []string{"", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"}},
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", []string{"", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"}},
		{"RSA_2048", "ENCRYPT_DECRYPT", []string{"", "ENCRYPT_DECRYPT", "asymmetric"}},
		{"RSA_2048", "SIGN_VERIFY", []string{"", "SIGN_VERIFY", "asymmetric"}},
		{"ECC_NIST_P256", "SIGN_VERIFY", []string{"", "SIGN_VERIFY", "asymmetric"}},
		{"ECC_NIST_P256", "KEY_AGREEMENT", []string{"", "KEY_AGREEMENT", "asymmetric"}},
		{"HMAC_256", "GENERATE_VERIFY_MAC", []string{"", "GENERATE_VERIFY_MAC"}},
		{"ML_DSA_44", "SIGN_VERIFY", []string{"", "SIGN_VERIFY", "asymmetric"}},
		{"ML_KEM_512", "ENCAPSULATE_DECAPSULATE", []string{"", "ENCAPSULATE_DECAPSULATE", "asymmetric"}},
	} {
		declared := func(operations ...v1alpha1.GrantOperation) func(*v1alpha1.Key) {
			return func(object *v1alpha1.Key) {
				withGrant(func(g *v1alpha1.KeyGrant) { g.Operations = operations })(object)
				object.Spec.KeySpec, object.Spec.KeyUsage = key.spec, v1alpha1.KeyUsage(key.usage)
			}
		}
		var all []v1alpha1.GrantOperation
		for kind, operations := range grantOperations {
			if slices.Contains(key.kinds, kind) {
				all = append(all, operations...)
				continue
			}
			for _, operation := range operations {
				cases[fmt.Sprintf("%s on %s for %s", operation, key.spec, key.usage)] = struct {
					change func(*v1alpha1.Key)
					want   verdict
				}{declared("DescribeKey", operation), refused("spec.grants", said[kind])}
			}
		}
		cases[fmt.Sprintf("all of %s for %s", key.spec, key.usage)] = struct {
			change func(*v1alpha1.Key)
			want   verdict
		}{declared(all...), accepted}
	}
	cases.run(t)
}

func TestAGrantsOperationsAreAWSs(t *testing.T) {
	with := func(operations ...v1alpha1.GrantOperation) func(*v1alpha1.Key) {
		return withGrant(func(g *v1alpha1.KeyGrant) { g.Operations = operations })
	}
	keyCases{
		"CreateGrant and more": {with("CreateGrant", "DescribeKey"), accepted},
		"CreateGrant alone":    {with("CreateGrant"), refused(grantField+".operations", "must not allow CreateGrant alone")},
		"DescribeKey alone":    {with("DescribeKey"), accepted},
		"none":                 {with(), refused(grantField+".operations", "Required value")},
		"of no grant":          {with("PutKeyPolicy"), refused(grantField+".operations[0]", "Unsupported value")},
		"as an action":         {with("kms:Decrypt"), refused(grantField+".operations[0]", "Unsupported value")},
		"twice":                {with("Decrypt", "Decrypt"), refused(grantField+".operations[1]", "Decrypt")},
	}.run(t)
}

func TestConstraintsAreOfOneKindAndForSymmetricKeys(t *testing.T) {
	type pairs = map[string]v1alpha1.EncryptionContextValue
	with := func(constraints v1alpha1.GrantConstraints) func(*v1alpha1.Key) {
		return withGrant(func(g *v1alpha1.KeyGrant) { g.Constraints = &constraints })
	}
	pairsOf := func(count int) pairs {
		made := pairs{}
		for i := range count {
			made[fmt.Sprintf("name-%d", i)] = "v"
		}
		return made
	}
	cases := keyCases{
		"both": {with(v1alpha1.GrantConstraints{EncryptionContextEquals: pairsOf(1), EncryptionContextSubset: pairsOf(1)}),
			refused(grantField+".constraints", "exactly one of")},
		"none": {with(v1alpha1.GrantConstraints{}), refused(grantField+".constraints", "exactly one of")},
	}
	for field, constraint := range map[string]func(pairs) v1alpha1.GrantConstraints{
		"encryptionContextEquals": func(p pairs) v1alpha1.GrantConstraints { return v1alpha1.GrantConstraints{EncryptionContextEquals: p} },
		"encryptionContextSubset": func(p pairs) v1alpha1.GrantConstraints { return v1alpha1.GrantConstraints{EncryptionContextSubset: p} },
	} {
		path := grantField + ".constraints." + field
		for name, test := range map[string]struct {
			pairs pairs
			want  verdict
		}{
			"1 pair":                     {pairsOf(1), accepted},
			"8 pairs":                    {pairsOf(8), accepted},
			"9 pairs":                    {pairsOf(9), refused(path, "must have at most 8 items")},
			"value of 384":               {pairs{"a": v1alpha1.EncryptionContextValue(repeat("ä", 384))}, accepted},
			"value of 385":               {pairs{"a": v1alpha1.EncryptionContextValue(repeat("a", 385))}, refused(path+".a", "may not be more than 384")},
			"empty value":                {pairs{"a": ""}, accepted},
			"name of 384":                {pairs{repeat("a", 384): "v"}, accepted},
			"name of 385":                {pairs{repeat("a", 385): "v"}, refused(path, "names must have 1 to 384 characters")},
			"empty name":                 {pairs{"": "v"}, refused(path, "names must have 1 to 384 characters")},
			"names that differ by case":  {pairs{"a": "v", "A": "v"}, refused(path, "names must differ by more than case")},
			"values that differ by case": {pairs{"a": "v", "b": "V"}, accepted},
		} {
			cases[field+": "+name] = struct {
				change func(*v1alpha1.Key)
				want   verdict
			}{with(constraint(test.pairs)), test.want}
		}
		cases[field+": RSA"] = struct {
			change func(*v1alpha1.Key)
			want   verdict
		}{func(key *v1alpha1.Key) {
			with(constraint(pairsOf(1)))(key)
			key.Spec.KeySpec, key.Spec.KeyUsage = "RSA_2048", "ENCRYPT_DECRYPT"
		}, refused("spec.grants", "constraints of grants are for keySpec SYMMETRIC_DEFAULT")}
	}
	cases.run(t)
}

// An empty constraint would be none at all to KMS: it is refused, and not left out.
func TestGrantManifestsOutsideTheGoTypes(t *testing.T) {
	grant := func(more string) string {
		return "spec: {grants: [{name: api, grantee: {account: '111122223333'}, operations: [Decrypt], " + more + "}]}"
	}
	empty := func(field string) verdict {
		return refused(grantField+".constraints."+field, "should have at least 1 properties")
	}
	manifests{
		"no grants":        {"spec: {grants: []}", refused("spec.grants", "should have at least 1 items")},
		"no operations":    {"spec: {grants: [{name: api, grantee: {account: '111122223333'}, operations: []}]}", refused(grantField+".operations", "should have at least 1 items")},
		"no grantee":       {"spec: {grants: [{name: api, operations: [Decrypt]}]}", refused(grantField+".grantee", "Required value")},
		"empty name":       {"spec: {grants: [{name: '', grantee: {account: '111122223333'}, operations: [Decrypt]}]}", refused(grantField+".name", tooShort)},
		"empty equals":     {grant("constraints: {encryptionContextEquals: {}}"), empty("encryptionContextEquals")},
		"empty subset":     {grant("constraints: {encryptionContextSubset: {}}"), empty("encryptionContextSubset")},
		"value a number":   {grant("constraints: {encryptionContextSubset: {a: 1}}"), refused(grantField+".constraints.encryptionContextSubset.a", "must be of type string")},
		"nobody retires":   {grant("retiringPrincipal: {}"), refused(grantField+".retiringPrincipal", "exactly one of")},
		"constraints null": {grant("constraints: null"), accepted},
	}.run(t, "Key", env.Namespace(t))
}

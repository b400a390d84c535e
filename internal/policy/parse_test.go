// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

const (
	home            = "111122223333"
	rootARN         = "arn:aws:iam::111122223333:root"
	userARN         = "arn:aws:iam::111122223333:user/ana"
	roleARN         = "arn:aws:iam::111122223333:role/shop/app"
	sessionARN      = "arn:aws:sts::111122223333:assumed-role/app/pod-1"
	otherSessionARN = "arn:aws:sts::111122223333:assumed-role/app/pod-2"
	keyARN          = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

	// What CreateKey gives a key without a policy: AWS KMS Developer Guide, "Default key policy".
	defaultPolicy = `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",` +
		`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
)

func parse(t *testing.T, document string) *policy.Document {
	t.Helper()
	doc, err := policy.Parse([]byte(document))
	if err != nil {
		t.Fatalf("Parse(%s): %v", document, err)
	}
	return doc
}

func TestTheDefaultPolicyIsItsOwnCanonicalForm(t *testing.T) {
	if got := parse(t, defaultPolicy).String(); got != defaultPolicy || policy.Default(home).String() != got {
		t.Errorf("canonical form:\n%s\nwant\n%s", got, defaultPolicy)
	}
}

func TestEveryFormThatAWSTakesIsReadIntoOneCanonicalForm(t *testing.T) {
	document := `{ "Statement": {
		"Resource": ["*"], "Action": ["kms:Encrypt", "kms:Decrypt", "kms:Encrypt"], "Principal": "*", "Effect": "Allow",
		"Condition": {
			"StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com"], "kms:CallerAccount": 111122223333},
			"NumericLessThan": {"kms:RotationPeriodInDays": [365, 90.5]},
			"Bool": {"kms:GrantIsForAWSResource": true}
		},
		"Sid": "one <\u4e2d\ud83d\ude00>"
	}}`
	want := `{"Version":"2008-10-17","Statement":[{"Sid":"one <\u4e2d\ud83d\ude00>","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"},` +
		`"NumericLessThan":{"kms:RotationPeriodInDays":["365","90.5"]},"StringEquals":{"kms:CallerAccount":"111122223333",` +
		`"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}}]}`
	if diff := cmp.Diff(want, parse(t, document).String()); diff != "" {
		t.Errorf("canonical form (-want +got):\n%s", diff)
	}
}

func TestADocumentOf32768BytesIsReadAndOneByteMoreIsNot(t *testing.T) {
	full := defaultPolicy + strings.Repeat(" ", policy.MaxBytes-len(defaultPolicy))
	parse(t, full)
	if _, err := policy.Parse([]byte(full + " ")); err == nil || !strings.Contains(err.Error(), "has 32769 bytes") {
		t.Errorf("error is %v", err)
	}
}

func TestABadDocumentIsRefusedWithTheWayOut(t *testing.T) {
	const good = `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Principal":{"AWS":"111122223333"},` +
		`"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"x"}}}]}`
	parse(t, good)
	for name, c := range map[string]struct{ old, replacement, want string }{
		"not JSON":                 {`"Statement"`, `Statement`, "is not JSON"},
		"trailing text":            {`}]}`, `}]} x`, "is not JSON"},
		"unknown version":          {`"2012-10-17"`, `"2026-01-01"`, `write "2012-10-17"`},
		"unknown document element": {`"Version"`, `"version"`, "write Version, in this case"},
		"no statement":             {`"Statement"`, `"Id":"x","Statement":[],"statement"`, "unknown element"},
		"empty statements":         {good, `{"Statement":[]}`, "needs one statement or more"},
		"no statements":            {good, `{}`, "Statement: is missing"},
		"statement no object":      {good, `{"Statement":["x"]}`, "Statement[0]: is a string; write an object"},
		"root no object":           {good, `[]`, "is a list; write an object"},
		"unknown element":          {`"Resource"`, `"NotResource"`, `Statement[0] (Sid "S"): unknown element "NotResource"`},
		"repeated element":         {`"Sid":"S"`, `"Sid":"S","Sid":"S"`, `has "Sid" twice`},
		"Id no string":             {`"Version"`, `"Id":1,"Version"`, "Id: is a number; write a string"},
		"Sid no string":            {`"Sid":"S"`, `"Sid":null`, "Sid: is null"},
		"no effect":                {`"Effect":"Allow",`, ``, `must be "Allow" or "Deny"`},
		"effect in small letters":  {`"Allow"`, `"allow"`, `must be "Allow" or "Deny"`},
		"no action":                {`"Action":"kms:Decrypt",`, ``, "Action: is missing"},
		"both actions":             {`"Action"`, `"NotAction":"kms:*","Action"`, "stands beside NotAction; keep one"},
		"action without service":   {`"kms:Decrypt"`, `"Decrypt"`, `write one such as "kms:Decrypt"`},
		"empty action list":        {`"kms:Decrypt"`, `[]`, "name at least one value"},
		"action a number":          {`"kms:Decrypt"`, `["kms:Sign",1]`, "holds a number; write a string"},
		"no resource":              {`"Resource":"*",`, ``, `Resource: is missing; write "*"`},
		"resource no ARN":          {`"Resource":"*"`, `"Resource":"key"`, `write "*"`},
		"no principal":             {`"Principal":{"AWS":"111122223333"},`, ``, "Principal: is missing"},
		"both principals":          {`"Principal"`, `"NotPrincipal":"*","Principal"`, "stands beside NotPrincipal"},
		"NotPrincipal with Allow":  {`"Principal"`, `"NotPrincipal"`, `goes with "Deny" only`},
		"principal a string":       {`{"AWS":"111122223333"}`, `"111122223333"`, `write "*" or an object`},
		"principal empty":          {`{"AWS":"111122223333"}`, `{}`, "name at least one principal"},
		"unknown kind":             {`{"AWS"`, `{"CanonicalUser"`, "use one of AWS, Service, Federated"},
		"partial wildcard":         {`"111122223333"`, `"arn:aws:iam::111122223333:role/*"`, "condition on aws:PrincipalArn"},
		"service wildcard":         {`{"AWS":"111122223333"}`, `{"Service":"*"}`, "is not a service"},
		"federated wildcard":       {`{"AWS":"111122223333"}`, `{"Federated":"*"}`, "is not an identity provider"},
		"unknown operator":         {`"StringEquals"`, `"StringMatches"`, `unknown operator "StringMatches"; use one of ArnEquals`},
		"operator in other case":   {`"StringEquals"`, `"stringEquals"`, "write StringEquals, in this case"},
		"NullIfExists":             {`"StringEquals"`, `"NullIfExists"`, "unknown operator"},
		"ForAnyValue:Null":         {`"StringEquals"`, `"ForAnyValue:Null"`, "unknown operator"},
		"unknown, without keys":    {`{"StringEquals":{"kms:ViaService":"x"}}`, `{"X":{}}`, "unknown operator"},
		"repeated operator":        {`"StringEquals"`, `"StringEquals":{},"StringEquals"`, "twice"},
		"repeated key":             {`"kms:ViaService"`, `"kms:ViaService":"y","kms:ViaService"`, "twice"},
		"key without prefix":       {`"kms:ViaService"`, `"ViaService"`, "needs its service's prefix"},
		"condition no object":      {`{"StringEquals":{"kms:ViaService":"x"}}`, `[]`, "Condition: is a list"},
		"value an object":          {`"x"`, `{}`, "holds an object"},
		"no values":                {`"x"`, `[]`, "is an empty list"},
		"Bool of a word":           {`"StringEquals"`, `"Bool"`, `"x" is not "true" or "false"`},
		"number of a word":         {`"StringEquals"`, `"NumericEquals"`, "is not a decimal number"},
		"date of a word":           {`"StringEquals"`, `"DateLessThanIfExists"`, "is not a time; write it like"},
		"address of a word":        {`"StringEquals"`, `"NotIpAddress"`, "is not an IP address or a CIDR block"},
		"ARN of a word":            {`"StringEquals"`, `"ForAllValues:ArnLike"`, "write all six parts"},
		"variable":                 {`"x"`, `"${aws:username}"`, "policy variable, which is not supported"},
		"variable in resource":     {`"Resource":"*"`, `"Resource":"arn:aws:kms:::${a:b}"`, "policy variable"},
		"control character":        {`"S"`, "\"S\x01\"", "byte 46 begins a character"},
		"character beyond U+00FF":  {`"S"`, `"中"`, `write it as a \u escape`},
		"bytes that are no UTF-8":  {`"S"`, "\"\xff\"", "begins a character"},
		"half a surrogate pair":    {`"S"`, `"\ud800"`, "surrogate pair"},
		"second use of a Sid":      {`"Statement":[`, `"Statement":[{"Sid":"S","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"},`, `Statement[1] (Sid "S"): Sid: is that of Statement[0] too`},
	} {
		t.Run(name, func(t *testing.T) {
			document := strings.Replace(good, c.old, c.replacement, 1)
			if document == good {
				t.Fatal("the case changes nothing")
			}
			_, err := policy.Parse([]byte(document))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse(%s):\nerror %v\nwant  %s", document, err, c.want)
			}
			if _, ok := errors.AsType[*policy.Error](err); !ok {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

func TestVariablesAreLiteralInTheOlderVersion(t *testing.T) {
	doc := parse(t, `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",`+
		`"Condition":{"StringEquals":{"kms:RequestAlias":"${aws:username}"}}}}`)
	request := policy.Request{Action: "kms:Sign", Context: map[string][]string{"kms:RequestAlias": {"${aws:username}"}}}
	if got := policy.Evaluate(doc, request).Verdict; got != policy.AllowedDirectly {
		t.Errorf("verdict is %v", got)
	}
}

func TestDocumentInForceMayBeLongerThanOneThatIsPut(t *testing.T) {
	long := []byte(defaultPolicy + strings.Repeat(" ", policy.MaxBytes))
	if _, err := policy.Parse(long); err == nil {
		t.Error("a document of more bytes than AWS takes was parsed")
	}
	read, err := policy.Read(long)
	if err != nil {
		t.Fatal(err)
	}
	if read.String() != parse(t, defaultPolicy).String() {
		t.Errorf("read %s", read)
	}
}

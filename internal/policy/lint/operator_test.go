// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint_test

import (
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

const userOperatorARN = "arn:aws:iam::111122223333:user/chatelaine"

func TestADenyThatCanStrikeTheOperatorIsAnError(t *testing.T) {
	tests := map[string]struct {
		elements string
		user     bool // the operator is a user, not a role
		strikes  bool
	}{
		"by ARN":                       {`"Principal":{"AWS":"` + operatorARN + `"}`, false, true},
		"by account":                   {`"Principal":{"AWS":"111122223333"}`, false, true},
		"by the account's root":        {`"Principal":{"AWS":"` + rootARN + `"}`, false, true},
		"everybody":                    {`"Principal":"*"`, false, true},
		"by a session of its":          {`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/chatelaine/x"}`, false, true},
		"by its identity provider":     {`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/example.com"}`, false, true},
		"another role":                 {`"Principal":{"AWS":"` + adminARN + `"}`, false, false},
		"another role's session":       {`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/other/chatelaine"}`, false, false},
		"a session of another account": {`"Principal":{"AWS":"arn:aws:sts::444455556666:assumed-role/chatelaine/x"}`, false, false},
		"another account":              {`"Principal":{"AWS":"444455556666"}`, false, false},
		"a service":                    {`"Principal":{"Service":"logs.amazonaws.com"}`, false, false},
		"a session for a user":         {`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/chatelaine/x"}`, true, false},

		"all but others":               {`"NotPrincipal":{"AWS":["` + adminARN + `","111122223333"]}`, false, true},
		"all but a role":               {`"NotPrincipal":{"AWS":["` + operatorARN + `","111122223333"]}`, false, true},
		"all but a role and a session": {`"NotPrincipal":{"AWS":["` + operatorARN + `","111122223333","arn:aws:sts::111122223333:assumed-role/chatelaine/x"]}`, false, true},
		"all but a user":               {`"NotPrincipal":{"AWS":["` + userOperatorARN + `","` + rootARN + `"]}`, true, false},
		"all but half of a user":       {`"NotPrincipal":{"AWS":"` + userOperatorARN + `"}`, true, true},
		"all but everybody":            {`"NotPrincipal":"*"`, false, false},

		"an action that administers":        {`"Principal":"*","Action":"kms:TagResource"`, false, true},
		"a pattern of actions":              {`"Principal":"*","Action":"KMS:put*"`, false, true},
		"all actions but some":              {`"Principal":"*","NotAction":"kms:Decrypt"`, false, true},
		"actions that use the key":          {`"Principal":"*","Action":["kms:Decrypt","kms:GenerateDataKey*"]`, false, false},
		"actions but those that administer": {`"Principal":"*","NotAction":["kms:*Key*","kms:*Grant*","kms:*Alias","kms:*Resource*","kms:GetParametersForImport","kms:UpdatePrimaryRegion"]`, false, false},

		"unless it is the operator":      {`"Principal":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":["` + operatorARN + `","` + adminARN + `"]}}`, false, false},
		"unless it is like the operator": {`"Principal":"*","Condition":{"StringNotLike":{"AWS:principalarn":"*:role/platform/*"}}`, false, false},
		"unless it is another":           {`"Principal":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` + adminARN + `"}}`, false, true},
		"if it is another":               {`"Principal":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + adminARN + `"}}`, false, false},
		"if it is the operator":          {`"Principal":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`, false, true},
		"if it has no ARN":               {`"Principal":"*","Condition":{"Null":{"aws:PrincipalArn":"true"}}`, false, false},
		"unless it is its account":       {`"Principal":"*","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}}`, false, false},
		"if it is another account":       {`"Principal":"*","Condition":{"StringEquals":{"kms:CallerAccount":"444455556666"}}`, false, false},
		"if it comes from somewhere":     {`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, false, true},
		"through a service":              {`"Principal":"*","Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}`, false, true},
		"one of two conditions spares": {`"Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"},` +
			`"StringNotEquals":{"kms:CallerAccount":"111122223333"}}`, false, false},
		"a resource of another name": {`"Principal":"*","Resource":"arn:aws:kms:eu-west-1:111122223333:key/x"`, false, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			about := about
			if tt.user {
				about.OperatorARN = userOperatorARN
			}
			action := `"Action":"kms:*",`
			if strings.Contains(tt.elements, `Action"`) {
				action = ""
			}
			base := `{"Effect":"Allow","Principal":{"AWS":"` + about.OperatorARN + `"},"Action":"kms:PutKeyPolicy","Resource":"*"}`
			doc := parse(t, base, statement(`"Effect":"Deny",`+action+tt.elements))
			errs := withSeverity(lint.Lint(doc, about), lint.Error)
			if tt.strikes != (len(errs) == 1 && strings.Contains(errs[0], "rincipal: can deny the operator ("+about.OperatorARN+")")) || len(errs) > 1 {
				t.Errorf("strikes %t: %v", tt.strikes, errs)
			}
		})
	}
}

func TestADenyStrikesNoUnknownOperator(t *testing.T) {
	doc := parse(t, delegation, `{"Effect":"Deny","Principal":"*","Action":"kms:TagResource","Resource":"*"}`)
	if findings := lint.Lint(doc, lint.About{AccountID: home}); findings != nil {
		t.Errorf("%v", findings)
	}
}

func TestTheOperatorMustBeAbleToReplaceThePolicy(t *testing.T) {
	allow := func(elements string) string {
		return statement(`"Effect":"Allow","Action":"kms:PutKeyPolicy",` + elements)
	}
	byName := `"Principal":{"AWS":"` + operatorARN + `"}`
	tests := map[string]struct {
		statement string
		want      lint.Severity // of the finding about the whole; empty for none
		software  lint.Severity // where there are no IAM policies
	}{
		"by its ARN":                 {allow(byName), "", ""},
		"everybody":                  {allow(`"Principal":"*"`), "", ""},
		"through its account":        {allow(`"Principal":{"AWS":"111122223333"}`), lint.Warning, lint.Error},
		"another":                    {allow(`"Principal":{"AWS":"` + adminARN + `"}`), lint.Error, lint.Error},
		"another account":            {allow(`"Principal":{"AWS":"444455556666"}`), lint.Error, lint.Error},
		"a session of its":           {allow(`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/chatelaine/x"}`), lint.Error, lint.Error},
		"all actions but that":       {statement(`"NotAction":"kms:Put*",` + byName), lint.Error, lint.Error},
		"all actions but another":    {statement(`"NotAction":"kms:Decrypt",` + byName), "", ""},
		"a condition that it meets":  {allow(byName + `,"Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}`), "", ""},
		"a condition that it fails":  {allow(byName + `,"Condition":{"StringEquals":{"kms:CallerAccount":"444455556666"}}`), lint.Error, lint.Error},
		"a condition on the request": {allow(byName + `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`), lint.Error, lint.Error},
		"every key of the account":   {allow(byName + `,"Resource":"arn:aws:kms:*:111122223333:key/*"`), "", ""},
		"some key":                   {allow(byName + `,"Resource":"arn:aws:kms:eu-west-1:111122223333:key/x"`), lint.Error, lint.Error},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			about := about
			for i, want := range []lint.Severity{tt.want, tt.software} {
				about.NamesServiceAccounts = i == 1
				var got lint.Severity
				for _, finding := range lint.Lint(parse(t, tt.statement), about) {
					if finding.Statement < 0 {
						got = finding.Severity
					}
				}
				if got != want {
					t.Errorf("on software %t: %q, want %q", about.NamesServiceAccounts, got, want)
				}
			}
		})
	}
}

func TestSomebodyMustBeAbleToReplaceThePolicy(t *testing.T) {
	tests := map[string]struct {
		statements []string
		locked     bool
	}{
		"the account":              {[]string{delegation}, false},
		"an administrator":         {[]string{statement(`"Action":"kms:Put*"`)}, false},
		"under a condition":        {[]string{statement(`"Action":"kms:*","Condition":{"Bool":{"aws:SecureTransport":"true"}}`)}, false},
		"nobody":                   {[]string{statement(`"Action":"kms:Decrypt"`)}, true},
		"another account":          {[]string{statement(`"Action":"kms:*","Principal":{"AWS":"444455556666"}`)}, true},
		"a deleted role":           {[]string{statement(`"Action":"kms:*","Principal":{"AWS":"AROAEXAMPLEEXAMPLE12"}`)}, true},
		"a service":                {[]string{statement(`"Action":"kms:*","Principal":{"Service":"logs.amazonaws.com"}`)}, true},
		"everybody denied":         {[]string{delegation, statement(`"Effect":"Deny","Principal":"*","Action":"kms:Put*"`)}, true},
		"some denied":              {[]string{delegation, statement(`"Effect":"Deny","Action":"kms:Put*"`)}, false},
		"denied under a condition": {[]string{delegation, statement(`"Effect":"Deny","Principal":"*","Action":"kms:Put*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`)}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			locked := false
			for _, finding := range lint.Lint(parse(t, tt.statements...), lint.About{AccountID: home}) {
				locked = locked || finding.Statement < 0 && finding.Severity == lint.Error
			}
			if locked != tt.locked {
				t.Errorf("locked %t", locked)
			}
		})
	}
}

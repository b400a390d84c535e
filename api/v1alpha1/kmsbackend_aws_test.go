// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

const operatorRole = "arn:aws:iam::111122223333:role/chatelaine"

// onAWS is a change of the valid KMSBackend to one on AWS.
func onAWS(aws v1alpha1.AWSBackend) func(*v1alpha1.KMSBackendSpec) {
	return func(spec *v1alpha1.KMSBackendSpec) { spec.Software, spec.AWS = nil, aws.DeepCopy() }
}

func assuming(role v1alpha1.AssumeRole) v1alpha1.AWSBackend {
	return v1alpha1.AWSBackend{AssumeRole: &role}
}

func TestKMSBackendOnAWSNeedsNothingButAnEnvironment(t *testing.T) {
	backendCases{
		"nothing": {onAWS(v1alpha1.AWSBackend{}), accepted},
		"everything": {onAWS(v1alpha1.AWSBackend{
			Region: "eu-central-1", Endpoint: "https://kms.example.com:8443",
			AssumeRole:           &v1alpha1.AssumeRole{ARN: operatorRole, ExternalID: "shared", SessionName: "cluster-1"},
			CredentialsSecretRef: &v1alpha1.SecretReference{Name: "aws"},
		}), accepted},
		"software as well": {func(spec *v1alpha1.KMSBackendSpec) { spec.AWS = &v1alpha1.AWSBackend{} },
			refused("spec", "exactly one kind of backend must be set")},
	}.run(t)
}

func TestRegionOfAWSHasTheFormOfOne(t *testing.T) {
	region := func(name string) func(*v1alpha1.KMSBackendSpec) { return onAWS(v1alpha1.AWSBackend{Region: name}) }
	const field = "spec.aws.region"
	form := refused(field, "region must consist of lower-case letters, digits and hyphens")
	backendCases{
		"of AWS":        {region("us-gov-west-1"), accepted},
		"32 characters": {region(repeat("a", 32)), accepted},
		"33 characters": {region(repeat("a", 33)), refused(field, "may not be more than 32")},
		"a zone's URL":  {region("eu-west-1.amazonaws.com"), form},
		"in capitals":   {region("EU-WEST-1"), form},
		"ends badly":    {region("eu-west-"), form},
	}.run(t)
}

func TestEndpointIsAURLThatHoldsNoSecret(t *testing.T) {
	endpoint := func(url string) func(*v1alpha1.KMSBackendSpec) { return onAWS(v1alpha1.AWSBackend{Endpoint: url}) }
	const field = "spec.aws.endpoint"
	form := refused(field, "endpoint must be a URL with http or https and a host")
	backendCases{
		"https":              {endpoint("https://kms.eu-central-1.amazonaws.com"), accepted},
		"http with a port":   {endpoint("http://localstack:4566"), accepted},
		"an address":         {endpoint("http://[::1]:4566"), accepted},
		"a path":             {endpoint("https://gateway.example.com/kms"), accepted},
		"1024 characters":    {endpoint("http://" + repeat("a", 1017)), accepted},
		"1025 characters":    {endpoint("http://" + repeat("a", 1018)), refused(field, "may not be more than 1024")},
		"no scheme":          {endpoint("localstack:4566"), form},
		"another scheme":     {endpoint("ftp://localstack"), form},
		"no host":            {endpoint("https:///path"), form},
		"a port alone":       {endpoint("http://:4566"), form},
		"user and password":  {endpoint("https://user:secret@kms.example.com"), form},
		"a query":            {endpoint("https://kms.example.com?token=secret"), form},
		"a fragment":         {endpoint("https://kms.example.com#there"), form},
		"a path on its own":  {endpoint("/kms"), form},
		"blanks":             {endpoint("https://kms example"), form},
		"a relative address": {endpoint("//kms.example.com"), form},
	}.run(t)
}

func TestRoleToAssumeIsAnIAMRole(t *testing.T) {
	role := func(arn string) func(*v1alpha1.KMSBackendSpec) { return onAWS(assuming(v1alpha1.AssumeRole{ARN: arn})) }
	const field = "spec.aws.assumeRole.arn"
	form := refused(field, "arn must be that of an IAM role")
	backendCases{
		"a role":               {role(operatorRole), accepted},
		"a role with a path":   {role("arn:aws:iam::111122223333:role/platform/kms/chatelaine"), accepted},
		"in China":             {role("arn:aws-cn:iam::111122223333:role/chatelaine"), accepted},
		"for governments":      {role("arn:aws-us-gov:iam::111122223333:role/chatelaine"), accepted},
		"name of 64":           {role("arn:aws:iam::111122223333:role/" + repeat("a", 64)), accepted},
		"name of 65":           {role("arn:aws:iam::111122223333:role/" + repeat("a", 65)), form},
		"2049 characters":      {role("arn:aws:iam::111122223333:role/" + repeat("a", 2016) + "/b"), refused(field, "may not be more than 2048")},
		"too short for an ARN": {role("chatelaine"), refused(field, "should be at least 20 chars")},
		"omitted":              {role(""), refused(field, "Required value")},
		"a user":               {role("arn:aws:iam::111122223333:user/chatelaine"), form},
		"a session":            {role("arn:aws:sts::111122223333:assumed-role/chatelaine/session"), form},
		"no account":           {role("arn:aws:iam:::role/chatelaine"), form},
		"a region":             {role("arn:aws:iam:eu-west-1:111122223333:role/chatelaine"), form},
		"no name":              {role("arn:aws:iam::111122223333:role/path/"), form},
		"a wildcard":           {role("arn:aws:iam::111122223333:role/*"), form},
		"a blank at the end":   {role(operatorRole + " "), form},
	}.run(t)
}

func TestSessionsAreNamedAsSTSTakesThem(t *testing.T) {
	externalID := func(id string) func(*v1alpha1.KMSBackendSpec) {
		return onAWS(assuming(v1alpha1.AssumeRole{ARN: operatorRole, ExternalID: id}))
	}
	session := func(name string) func(*v1alpha1.KMSBackendSpec) {
		return onAWS(assuming(v1alpha1.AssumeRole{ARN: operatorRole, SessionName: name}))
	}
	const idField, sessionField = "spec.aws.assumeRole.externalID", "spec.aws.assumeRole.sessionName"
	idForm, sessionForm := refused(idField, "externalID must consist of"), refused(sessionField, "sessionName must consist of")
	backendCases{
		"external ID":         {externalID("team:a/b_c+=,.@-1"), accepted},
		"external ID of 2":    {externalID("ab"), accepted},
		"external ID of 1":    {externalID("a"), refused(idField, "should be at least 2 chars")},
		"external ID of 1224": {externalID(repeat("a", 1224)), accepted},
		"external ID of 1225": {externalID(repeat("a", 1225)), refused(idField, "may not be more than 1224")},
		"blank in the ID":     {externalID("a b"), idForm},
		"letter with accent":  {externalID("clé"), idForm},
		"session":             {session("cluster_1+=,.@-"), accepted},
		"session of 1":        {session("a"), refused(sessionField, "should be at least 2 chars")},
		"session of 64":       {session(repeat("a", 64)), accepted},
		"session of 65":       {session(repeat("a", 65)), refused(sessionField, "may not be more than 64")},
		"slash in a session":  {session("team/a"), sessionForm},
		"colon in a session":  {session("team:a"), sessionForm},
	}.run(t)
}

func TestCredentialsNameASecret(t *testing.T) {
	secret := func(name string) func(*v1alpha1.KMSBackendSpec) {
		return onAWS(v1alpha1.AWSBackend{CredentialsSecretRef: &v1alpha1.SecretReference{Name: name}})
	}
	const field = "spec.aws.credentialsSecretRef.name"
	backendCases{
		"name":    {secret("aws-credentials"), accepted},
		"slash":   {secret("kube-system/aws"), refused(field, "name must be a Secret's name")},
		"omitted": {secret(""), refused(field, "Required value")},
	}.run(t)
}

func TestBackendOnAWSStaysInItsAccountAndRegion(t *testing.T) {
	region := func(name string) v1alpha1.AWSBackend { return v1alpha1.AWSBackend{Region: name} }
	endpoint := func(url string) v1alpha1.AWSBackend { return v1alpha1.AWSBackend{Endpoint: url} }
	role := func(arn string) v1alpha1.AWSBackend { return assuming(v1alpha1.AssumeRole{ARN: arn}) }
	none, secret := v1alpha1.AWSBackend{}, v1alpha1.AWSBackend{CredentialsSecretRef: &v1alpha1.SecretReference{Name: "aws"}}
	regionRefused := refused("spec.aws.region", "region is immutable")
	accountRefused := refused("spec.aws.assumeRole.arn", "the account in arn is immutable")
	for name, test := range map[string]struct {
		from, to v1alpha1.AWSBackend
		want     verdict
	}{
		"region changed":        {region("eu-west-1"), region("eu-west-2"), regionRefused},
		"region removed":        {region("eu-west-1"), none, regionRefused},
		"region set later":      {none, region("eu-west-1"), regionRefused},
		"region kept":           {region("eu-west-1"), region("eu-west-1"), accepted},
		"role of the account":   {role(operatorRole), role("arn:aws:iam::111122223333:role/path/other"), accepted},
		"role of another":       {role(operatorRole), role("arn:aws:iam::444455556666:role/chatelaine"), accountRefused},
		"role removed":          {role(operatorRole), none, accepted},
		"role set later":        {none, role(operatorRole), accepted},
		"role made no role":     {role(operatorRole), role("arn:aws:iam::111122223333:user/chatelaine"), refused("spec.aws.assumeRole.arn", "arn must be that of an IAM role")},
		"endpoint changed":      {endpoint("http://a"), endpoint("http://b"), accepted},
		"endpoint removed":      {endpoint("http://a"), none, accepted},
		"credentials set later": {none, secret, accepted},
		"credentials removed":   {secret, none, accepted},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newBackend()
			onAWS(test.from)(&backend.Spec)
			if err := env.Client.Create(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			onAWS(test.to)(&backend.Spec)
			test.want.check(t, env.Client.Update(t.Context(), backend))
		})
	}
}

func TestSoftwareAndAWSDoNotTurnIntoEachOther(t *testing.T) {
	stays := refused("spec", "the kind of backend is immutable")
	software := func(spec *v1alpha1.KMSBackendSpec) { *spec = newBackend().Spec }
	aws := onAWS(v1alpha1.AWSBackend{})
	for name, test := range map[string]struct {
		from, to func(*v1alpha1.KMSBackendSpec)
	}{
		"software to aws": {software, aws},
		"aws to software": {aws, software},
	} {
		t.Run(name, func(t *testing.T) {
			backend := newBackend()
			test.from(&backend.Spec)
			if err := env.Client.Create(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			test.to(&backend.Spec)
			stays.check(t, env.Client.Update(t.Context(), backend))
		})
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	smithy "github.com/aws/smithy-go"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
	"github.com/chatelaine-dev/chatelaine/test/python"
)

// TestEveryErrorCodeOfTheServiceModelsHasAVerdict reads the models that botocore has of the services.
func TestEveryErrorCodeOfTheServiceModelsHasAVerdict(t *testing.T) {
	t.Parallel()
	models := map[string]string{"kms": "kms", "sts": "sts", "tag": "resourcegroupstaggingapi"}
	arguments := []string{"testdata/errorcodes.py", "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"}
	for name, op := range operations {
		arguments = append(arguments, models[op.service]+":"+name)
	}
	interpreter, err := python.Interpreter()
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(interpreter, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	codes := map[string][]string{}
	if err := json.Unmarshal(output, &codes); err != nil {
		t.Fatal(err)
	}
	if len(codes["kms:CreateKey"]) < 5 || len(codes) != len(arguments)-1 {
		t.Fatalf("these are no models: %v", codes)
	}
	for operation, all := range codes {
		for _, code := range all {
			if v, known := verdicts[code]; !known || v.class == "" {
				t.Errorf("%s may answer %s, for which there is no verdict", operation, code)
			}
		}
	}
}

func TestAnErrorNamesTheCallAndSaysTheSameAtEachAttempt(t *testing.T) {
	t.Parallel()
	_, p, b := faulty(t)
	for _, c := range []struct {
		fault fault
		class backend.Class
		says  string
	}{
		{fault{code: "AccessDeniedException", status: 400}, backend.AccessDenied, "AWS says this."},
		{fault{code: "LimitExceededException", status: 400}, backend.InvalidInput, "AWS says this."},
		{fault{code: "MalformedPolicyDocumentException", status: 400}, backend.InvalidInput, "AWS says this."},
		{fault{code: "CodeThatNobodyKnowsYet", status: 400}, backend.InvalidInput, "AWS says this."},
		{fault{code: "CodeThatNobodyKnowsYet", status: 403}, backend.AccessDenied, "AWS says this."},
		{fault{code: "CodeThatNobodyKnowsYet", status: 429}, backend.Throttled, "AWS says this."},
		{fault{code: "CodeThatNobodyKnowsYet", status: 502}, backend.Unavailable, "AWS says this."},
		{fault{code: "ThrottlingException", status: 400}, backend.Throttled, sayThrottled},
		{fault{code: "KMSInternalException", status: 500}, backend.Unavailable, sayUnavailable},
		{fault{code: "ExpiredTokenException", status: 400}, backend.AccessDenied, sayExpired},
		{fault{code: "UnrecognizedClientException", status: 400}, backend.AccessDenied, sayUnknownKey},
		{fault{code: "InvalidSignatureException", status: 400}, backend.AccessDenied, saySignature},
		{fault{code: "RequestExpired", status: 400}, backend.AccessDenied, saySkew},
		{fault{code: "InvalidSignatureException", status: 400, date: time.Now().Add(time.Hour)}, backend.AccessDenied, saySkew},
		{fault{}, backend.Unavailable, "the connection broke before the answer"},
	} {
		p.heal()
		p.inject(c.fault)
		for range 2 {
			_, err := b.create(t.Context(), symmetric("key"))
			if backend.ClassOf(err) != c.class || err.Error() != "kms:CreateKey: "+c.says {
				t.Errorf("%s %d: %s: %v, want %s: %s", c.fault.code, c.fault.status, backend.ClassOf(err), err, c.class, c.says)
			}
		}
	}
}

// faulty is a backend behind a proxy, with all aliases read.
func faulty(t *testing.T) (*endpoint, *proxy, *Backend) {
	t.Helper()
	w := newEndpoint(t)
	p := newProxy(t, w)
	b := open(t, settings(p.url(), clock.RealClock{}))
	if err := b.ensureAliases(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w, p, b
}

func TestWhatKeepsABackendFromBeingUsedIsSaidWithTheWayOut(t *testing.T) {
	w := newEndpoint(t)
	good := settings(w.url(), clock.RealClock{})
	bare(t)
	knowNoName(t)
	for name, c := range map[string]struct {
		change func(*Config)
		class  backend.Class
		says   string
	}{
		"no Region":           {func(c *Config) { c.Region = "" }, backend.InvalidInput, "no Region: name one in spec.aws.region"},
		"no credentials":      {func(c *Config) { c.Credentials = nil }, backend.AccessDenied, "signing sts:GetCallerIdentity: no credentials: give the ServiceAccount an IAM role"},
		"unknown access key":  {func(c *Config) { c.Credentials.AccessKeyID = "AKIAIOSFODNN9EXAMPLE" }, backend.AccessDenied, "sts:GetCallerIdentity: " + sayUnknownKey},
		"wrong secret key":    {func(c *Config) { c.Credentials.SecretAccessKey = "another" }, backend.AccessDenied, "sts:GetCallerIdentity: " + saySignature},
		"nobody listens":      {func(c *Config) { c.Endpoint = "http://127.0.0.1:1" }, backend.Unavailable, "sts:GetCallerIdentity: the endpoint cannot be reached: connect: connection refused"},
		"a name without host": {func(c *Config) { c.Endpoint = "http://no-such-host.invalid" }, backend.Unavailable, "sts:GetCallerIdentity: the endpoint cannot be reached: its name is not known"},
		"no certificate":      {func(c *Config) { c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1) }, backend.Unavailable, "sts:GetCallerIdentity: the connection broke before the answer"},
		"a role it may not have": {func(c *Config) { c.AssumeRole = &AssumeRole{ARN: "arn:aws:iam::" + account + ":role/other"} },
			backend.InvalidInput, "sts:AssumeRole for arn:aws:iam::" + account + ":role/other: " + sayUnknownOperation},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			credentials := *good.Credentials
			config.Credentials = &credentials
			c.change(&config)
			b, err := Open(t.Context(), config)
			if err == nil {
				_, err = b.Identify(t.Context())
			}
			if backend.ClassOf(err) != c.class || !strings.HasPrefix(err.Error(), c.says) {
				t.Errorf("%s: %v, want %s: %s", backend.ClassOf(err), err, c.class, c.says)
			}
		})
	}
}

// bare takes from the environment what the SDK would find there.
func bare(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestACallThatMayHaveHappenedIsToldFromOneThatDidNot(t *testing.T) {
	t.Parallel()
	_, p, b := faulty(t)
	refused := open(t, settings("http://127.0.0.1:1", clock.RealClock{}))
	happened := func(b *Backend) bool {
		_, err := b.create(t.Context(), symmetric("key"))
		return mayHaveHappened(err)
	}
	if refused.view.aliases.listed = true; happened(refused) {
		t.Error("nobody listened, and it is said to have happened perhaps")
	}
	for _, c := range []struct {
		fault fault
		want  bool
	}{
		{fault{}, true},
		{fault{code: "KMSInternalException", status: http.StatusInternalServerError}, true},
		{fault{code: "ServiceUnavailable", status: http.StatusServiceUnavailable}, true},
		{fault{code: "RequestTimeout", status: http.StatusRequestTimeout}, true},
		{fault{code: "AccessDeniedException", status: http.StatusBadRequest}, false},
		{fault{code: "ThrottlingException", status: http.StatusBadRequest}, false},
	} {
		p.heal()
		p.inject(c.fault)
		if got := happened(b); got != c.want {
			t.Errorf("%s %d: may have happened %t", c.fault.code, c.fault.status, got)
		}
	}
}

func TestAWriteWhoseAnswerIsLostIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newEndpoint(t)
		p := newProxy(t, w)
		b := p.open(t, settings(piped, clock.RealClock{}))
		key := create(t, b, symmetric("key"))
		changes := map[string]backend.Change{
			"CreateAlias": backend.PutAlias{Name: "alias/a"}, "EnableKeyRotation": backend.SetRotation{ToDays: 90},
			"TagResource": backend.SetTags{Tags: map[string]string{"a": "b"}}, "DisableKey": backend.Disable{},
			"UpdateKeyDescription": backend.SetDescription{To: "new"},
		}
		for operation := range changes {
			p.inject(fault{operation: operation, times: 1, afterEffect: true})
		}
		apply(t, b, key.ID, changes["CreateAlias"], changes["EnableKeyRotation"], changes["TagResource"], changes["UpdateKeyDescription"], changes["DisableKey"])
		seen, err := w.service.DescribeKey(t.Context(), key.ID)
		if err != nil || !slices.Equal(seen.Aliases, []string{"alias/a"}) || seen.Rotation.PeriodInDays != 90 || seen.Tags["a"] != "b" ||
			seen.Description != "new" || seen.State != "Disabled" {
			t.Errorf("it came to %+v, %v", seen, err)
		}
		at := persist(t, func() (time.Time, error) {
			p.inject(fault{operation: "ScheduleKeyDeletion", times: 1, afterEffect: true})
			return b.ScheduleDeletion(t.Context(), key.ID, 7)
		})
		if seen, err = w.service.DescribeKey(t.Context(), key.ID); err != nil || seen.DeletionTime.Sub(at).Abs() > time.Millisecond {
			t.Errorf("deletion at %s, told %s, %v", seen.DeletionTime, at, err)
		}
	})
}

func TestAnAnswerThatIsNotAWSsIsNoSuccess(t *testing.T) {
	b := &Backend{}
	failure := b.classify("ListKeys", &smithy.OperationError{ServiceID: "KMS", OperationName: "ListKeys", Err: &smithy.DeserializationError{}})
	if failure.Class != backend.Unavailable || failure.Message != "kms:ListKeys: the answer is not AWS's: something else answers at the endpoint" {
		t.Errorf("%s: %s", failure.Class, failure.Message)
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// verdict is what an error code means: what can be done about it, and what to say where AWS's own message says too little, or
// another thing at each attempt.
type verdict struct {
	class backend.Class
	say   string
}

// verdicts are by AWS's error codes: those that the service models list for the operations used (a test looks), and those of
// every service (Common errors, AWS API references).
var verdicts = map[string]verdict{
	"AlreadyExistsException":                       {class: backend.Conflict},
	"CloudHsmClusterInvalidConfigurationException": {backend.InvalidInput, sayClusterUnfit},
	"ConflictException":                            {class: backend.Conflict},
	"CustomKeyStoreInvalidStateException":          {backend.NotReady, sayDisconnected},
	"CustomKeyStoreNotFoundException":              {backend.InvalidInput, sayNoStore},
	"DependencyTimeoutException":                   {backend.Unavailable, sayUnavailable},
	"DisabledException":                            {class: backend.NotReady},
	"ExpiredImportTokenException":                  {backend.Unavailable, sayImportToken},
	"IncorrectKeyMaterialException":                {backend.InvalidInput, sayMaterial},
	"InvalidAliasNameException":                    {class: backend.InvalidInput},
	"InvalidArnException":                          {class: backend.InvalidInput},
	"DryRunOperationException":                     {class: backend.InvalidInput}, // is never asked for
	"InvalidGrantIdException":                      {class: backend.InvalidInput},
	"InvalidCiphertextException":                   {backend.Unavailable, "AWS could not decrypt the key material"},
	"InvalidGrantTokenException":                   {class: backend.InvalidInput},
	"InvalidImportTokenException":                  {backend.Unavailable, sayImportToken},
	"InvalidKeyUsageException":                     {class: backend.InvalidInput},
	"InvalidMarkerException":                       {backend.Unavailable, "a list changed while it was read"},
	"KMSInternalException":                         {backend.Unavailable, sayUnavailable},
	"KMSInvalidStateException":                     {class: backend.NotReady},
	"KeyUnavailableException":                      {backend.Unavailable, "AWS says that the key is not available at the moment"},
	"LimitExceededException":                       {class: backend.InvalidInput},
	"MalformedPolicyDocumentException":             {class: backend.InvalidInput},
	"NotFoundException":                            {class: backend.NotFound},
	"TagException":                                 {class: backend.InvalidInput},
	"UnsupportedOperationException":                {class: backend.InvalidInput},
	"XksKeyAlreadyInUseException":                  {backend.InvalidInput, sayXksInUse},
	"XksKeyInvalidConfigurationException":          {backend.InvalidInput, sayXksUnfit},
	"XksKeyNotFoundException":                      {backend.InvalidInput, sayNoXksKey},

	"ValidationException":             {class: backend.InvalidInput},
	"ValidationError":                 {class: backend.InvalidInput},
	"InvalidParameterException":       {class: backend.InvalidInput},
	"InvalidParameterValue":           {class: backend.InvalidInput},
	"InvalidAction":                   {backend.InvalidInput, sayUnknownOperation},
	"UnknownOperationException":       {backend.InvalidInput, sayUnknownOperation},
	"PaginationTokenExpiredException": {backend.Unavailable, "a list changed while it was read"},
	"InternalServiceException":        {backend.Unavailable, sayUnavailable},
	"InternalFailure":                 {backend.Unavailable, sayUnavailable},
	"InternalServerError":             {backend.Unavailable, sayUnavailable},
	"ServiceUnavailable":              {backend.Unavailable, sayUnavailable},
	"ServiceUnavailableException":     {backend.Unavailable, sayUnavailable},
	"ThrottlingException":             {backend.Throttled, sayThrottled},
	"Throttling":                      {backend.Throttled, sayThrottled},
	"ThrottledException":              {backend.Throttled, sayThrottled},
	"TooManyRequestsException":        {backend.Throttled, sayThrottled},
	"RequestLimitExceeded":            {backend.Throttled, sayThrottled},
	"RequestThrottled":                {backend.Throttled, sayThrottled},
	"AccessDeniedException":           {class: backend.AccessDenied},
	"AccessDenied":                    {class: backend.AccessDenied},
	"NotAuthorized":                   {class: backend.AccessDenied},
	"OptInRequired":                   {class: backend.AccessDenied},
	"RegionDisabledException":         {backend.AccessDenied, "the Region is not enabled for STS in this account: enable it in the account's settings"},
	"ExpiredTokenException":           {backend.AccessDenied, sayExpired},
	"ExpiredToken":                    {backend.AccessDenied, sayExpired},
	"UnrecognizedClientException":     {backend.AccessDenied, sayUnknownKey},
	"InvalidClientTokenId":            {backend.AccessDenied, sayUnknownKey},
	"InvalidAccessKeyId":              {backend.AccessDenied, sayUnknownKey},
	"MissingAuthenticationToken":      {backend.AccessDenied, sayUnsigned},
	"MissingAuthenticationTokenException": {
		backend.AccessDenied, sayUnsigned},
	"IncompleteSignature":          {backend.AccessDenied, sayUnsigned},
	"IncompleteSignatureException": {backend.AccessDenied, sayUnsigned},
	"InvalidSignatureException":    {backend.AccessDenied, saySignature},
	"SignatureDoesNotMatch":        {backend.AccessDenied, saySignature},
	"AuthFailure":                  {backend.AccessDenied, saySignature},
	"RequestExpired":               {backend.AccessDenied, saySkew},
	"RequestTimeTooSkewed":         {backend.AccessDenied, saySkew},

	// of sts:AssumeRole and sts:AssumeRoleWithWebIdentity
	"IDPCommunicationError":   {backend.Unavailable, "AWS could not reach the cluster's OpenID Connect issuer"},
	"IDPRejectedClaim":        {class: backend.AccessDenied},
	"InvalidIdentityToken":    {class: backend.AccessDenied},
	"MalformedPolicyDocument": {class: backend.InvalidInput},
	"PackedPolicyTooLarge":    {class: backend.InvalidInput},
}

const (
	sayUnavailable      = "AWS failed to answer"
	sayThrottled        = "AWS asks to be called less often"
	sayUnknownOperation = "the endpoint does not know this operation"
	sayExpired          = "the credentials have expired: put new ones where the operator takes them from"
	sayUnknownKey       = "AWS does not know the access key: it was deleted or is another account's or partition's; give the operator one that is in force"
	sayUnsigned         = "the request reached AWS without a whole signature: something between the operator and AWS changes requests"
	sayImportToken      = "AWS did not take the import token"
	sayMaterial         = "the key material is not the same as the key had before, or not of the form that its key spec has"
	saySignature        = "AWS finds the signature wrong: the secret access key is not the access key's"
	saySkew             = "the operator's clock is wrong by minutes, so AWS takes its requests for old ones: set the clock of the node"
)

// mayDiffer is by how much clocks may differ without doubt: AWS refuses signatures that are five minutes off.
const mayDiffer = 4 * time.Minute

type (
	// turnError says that a request could not wait for its turn.
	turnError struct{ error }
	// credentialsError says that there are no credentials to sign a request with.
	credentialsError struct{ error }
)

func (e *turnError) Unwrap() error        { return e.error }
func (e *credentialsError) Unwrap() error { return e.error }

func isTurnError(err error) bool {
	_, is := errors.AsType[*turnError](err)
	return is
}

// classify makes a *backend.Error of an error of the operation with that name. Its message names the call.
func (b *Backend) classify(name string, err error) *backend.Error {
	v := verdictOn(err)
	action := operations[name].service + ":" + name
	if _, is := errors.AsType[*credentialsError](err); is {
		action = "signing " + action
		if call := stsCall(err); call != "" {
			action = b.clients.roles.naming(call)
			if v.class == backend.AccessDenied && isAWSsOwn(err, v) {
				v.say = strings.TrimSuffix(v.say, ".") + ": " + b.clients.roles.wayOut(call)
			}
		}
	}
	return &backend.Error{Class: v.class, Message: action + ": " + v.say, Err: err}
}

// verdictOn is the verdict with something to say.
func verdictOn(err error) verdict {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return verdictOnAnswer(err, api)
	}
	network, isNetwork := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	certificate, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isTurnError(err) && !isInterruption(err):
		return verdict{backend.Throttled, "too many requests wait for their turn"}
	case isInterruption(err):
		return verdict{backend.Unavailable, "no answer in time"}
	case isCertificate:
		return verdict{backend.Unavailable, "the endpoint's certificate is not trusted: " + certificate.Err.Error()}
	case isDNS:
		return verdict{backend.Unavailable, "the endpoint cannot be reached: its name is not known"}
	case isNetwork && network.Op == "dial":
		return verdict{backend.Unavailable, "the endpoint cannot be reached: " + network.Err.Error()}
	}
	if unsent, is := errors.AsType[*unsentError](err); is && !unsent.made {
		return verdictOnUnmade(unsent.error)
	}
	if credentials, is := errors.AsType[*credentialsError](err); is {
		return verdict{backend.AccessDenied, "no credentials: give the ServiceAccount an IAM role (IRSA or Pod Identity), or name a Secret " +
			"in spec.aws.credentialsSecretRef (" + innermost(credentials.error) + ")"}
	}
	if _, is := errors.AsType[*smithy.DeserializationError](err); is {
		return verdict{backend.Unavailable, "the answer is not AWS's: something else answers at the endpoint"}
	}
	return verdict{backend.Unavailable, "the connection broke before the answer"}
}

// verdictOnUnmade is that on what kept the SDK from making a request: what was asked for, or the settings.
func verdictOnUnmade(err error) verdict {
	if parameters, is := errors.AsType[smithy.InvalidParamsError](err); is {
		wrong := make([]string, parameters.Len())
		for i, one := range parameters.Errs() {
			wrong[i] = strings.TrimSuffix(one.Error(), ".")
		}
		return verdict{backend.InvalidInput, "AWS would not take the request: " + strings.Join(wrong, "; ")}
	}
	if _, is := errors.AsType[*smithy.SerializationError](err); is {
		return verdict{backend.InvalidInput, "the request cannot be written as AWS reads it: " + innermost(err)}
	}
	return verdict{backend.InvalidInput, "no request can be made: " + innermost(err) +
		"; look at spec.aws.region, spec.aws.endpoint and the operator's environment"}
}

// verdictOnAnswer is that on what AWS answered.
func verdictOnAnswer(err error, api smithy.APIError) verdict {
	v, known := verdicts[api.ErrorCode()]
	status, date := answered(err)
	if !known {
		v = verdict{class: classOfStatus(status)}
	}
	if v.say == saySignature && !date.IsZero() && time.Until(date).Abs() > mayDiffer {
		v.say = saySkew
	}
	if v.say != "" {
		return v
	}
	if v.say = api.ErrorMessage(); v.say == "" {
		v.say = api.ErrorCode()
	}
	return v
}

// isAWSsOwn says whether a verdict says what AWS said.
func isAWSsOwn(err error, v verdict) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && (v.say == api.ErrorMessage() || v.say == api.ErrorCode())
}

// classOfStatus is for codes that nobody knows yet.
func classOfStatus(status int) backend.Class {
	switch {
	case status == http.StatusTooManyRequests:
		return backend.Throttled
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return backend.AccessDenied
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return backend.InvalidInput
	default:
		return backend.Unavailable
	}
}

// credentialsRefused says that AWS does not take the credentials, or no longer.
func credentialsRefused(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	say := verdicts[api.ErrorCode()].say
	return say == sayExpired || say == sayUnknownKey
}

// answered is the status of the answer that an error is about, and by its date; both zero if there was none.
func answered(err error) (status int, date time.Time) {
	failed, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || failed.HTTPStatusCode() == 0 { // the SDK has an empty answer for requests that got none
		return 0, time.Time{}
	}
	if at, err := http.ParseTime(failed.Response.Header.Get("Date")); err == nil {
		date = at
	}
	return failed.HTTPStatusCode(), date
}

// mayHaveHappened says whether a request that failed may have been carried out.
func mayHaveHappened(err error) bool {
	if _, lost := errors.AsType[*lostError](err); lost {
		return true
	}
	_, unsigned := errors.AsType[*credentialsError](err)
	if _, unsent := errors.AsType[*unsentError](err); unsent || unsigned || isTurnError(err) {
		return false
	}
	if status, _ := answered(err); status != 0 {
		return status < http.StatusBadRequest || status >= http.StatusInternalServerError || status == http.StatusRequestTimeout
	}
	network, ok := errors.AsType[*net.OpError](err)
	return !ok || network.Op != "dial" // one made after a connection was found broken
}

func isInterruption(err error) bool {
	var canceled *awssdk.RequestCanceledError
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &canceled)
}

// innermost is the text of the last cause, without what AWS's SDK puts around it.
func innermost(err error) string {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err.Error()
}

// invalid is an error about what was asked for, found before AWS was asked.
func invalid(message string) error {
	return &backend.Error{Class: backend.InvalidInput, Message: message}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"encoding/xml"
	"net/http"
	"strings"
	"time"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// queryProtocol is AWS's query protocol: form-encoded requests, answers in XML.
type queryProtocol struct{}

type errorResponse struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	Error   struct {
		Type    string `xml:"Type"`
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	} `xml:"Error"`
	RequestID string `xml:"RequestId"`
}

func (queryProtocol) fail(w http.ResponseWriter, id string, f *failure) {
	code, status := f.code, f.status
	if f.query.code != "" {
		code, status = f.query.code, f.query.status
	}
	out := &errorResponse{Xmlns: stsNamespace, RequestID: id}
	out.Error.Type, out.Error.Code, out.Error.Message = "Sender", code, f.message
	if status >= http.StatusInternalServerError {
		out.Error.Type = "Receiver"
	}
	writeXML(w, id, status, out)
}

func writeXML(w http.ResponseWriter, id string, status int, value any) {
	body, err := xml.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	write(w, id, status, xmlContent, body)
	clear(body)
}

var xmlContent = []string{"text/xml"}

type callerIdentityResponse struct {
	XMLName   xml.Name             `xml:"GetCallerIdentityResponse"`
	Xmlns     string               `xml:"xmlns,attr"`
	Result    callerIdentityResult `xml:"GetCallerIdentityResult"`
	RequestID string               `xml:"ResponseMetadata>RequestId"`
}

type callerIdentityResult struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

type assumeRoleResponse struct {
	XMLName xml.Name `xml:"AssumeRoleWithWebIdentityResponse"`
	Xmlns   string   `xml:"xmlns,attr"`
	Result  struct {
		Subject  string `xml:"SubjectFromWebIdentityToken"`
		Audience string `xml:"Audience"`
		User     struct {
			ARN string `xml:"Arn"`
			ID  string `xml:"AssumedRoleId"`
		} `xml:"AssumedRoleUser"`
		Credentials struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string `xml:"SecretAccessKey"`
			SessionToken    string `xml:"SessionToken"`
			Expiration      string `xml:"Expiration"`
		} `xml:"Credentials"`
		Provider string `xml:"Provider"`
	} `xml:"AssumeRoleWithWebIdentityResult"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

func newAssumeRoleResponse(session *granted, id string) *assumeRoleResponse {
	out := &assumeRoleResponse{Xmlns: stsNamespace, RequestID: id}
	result := &out.Result
	result.Subject, result.Audience, result.Provider = session.token.Subject, session.token.Audience, session.provider
	result.User.ARN, result.User.ID = session.Caller.ARN(), session.Caller.PrincipalID
	result.Credentials.AccessKeyID = session.Caller.AccessKeyID
	result.Credentials.SecretAccessKey = session.SecretAccessKey.Reveal()
	result.Credentials.SessionToken = session.SessionToken
	result.Credentials.Expiration = session.Expires.UTC().Format(time.RFC3339)
	return out
}

const maxQuoted = 64

// printable is text from a request as it may be quoted.
func printable(text string) string {
	if len(text) > maxQuoted {
		text = text[:maxQuoted]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}

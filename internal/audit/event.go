// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package audit records what was asked of the key management service, by whom, and what came of it.
//
// An Event has the fields of a CloudTrail record, which are those of "CloudTrail record contents" in the AWS CloudTrail
// user guide. What a record of an operation contains, and what must never be in one, is decided where operations are
// described, in internal/kms/operation.
//
// Every request passes one Recorder before it is answered, and is answered with an error if the Recorder fails: a use of a
// key that nobody knows of is worse than one that was refused.
package audit

import (
	"context"
	"time"
)

// Version is the version of CloudTrail's record format that events have.
const Version = "1.11"

// Recorder takes events. Record returns once the event is as safe as the Recorder can make it; the event must not be
// changed afterwards. It is called by many goroutines at once.
type Recorder interface {
	Record(ctx context.Context, event *Event) error
}

// Event is one request and its outcome.
type Event struct {
	Version             string         `json:"eventVersion"`
	UserIdentity        UserIdentity   `json:"userIdentity"`
	Time                time.Time      `json:"eventTime"`
	Source              string         `json:"eventSource"`
	Name                string         `json:"eventName"`
	Region              string         `json:"awsRegion"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent,omitempty"`
	ErrorCode           string         `json:"errorCode,omitempty"`
	ErrorMessage        string         `json:"errorMessage,omitempty"`
	RequestParameters   Elements       `json:"requestParameters"`
	ResponseElements    map[string]any `json:"responseElements"`
	AdditionalEventData Elements       `json:"additionalEventData,omitempty"`
	RequestID           string         `json:"requestID"`
	EventID             string         `json:"eventID"`
	ReadOnly            bool           `json:"readOnly"`
	Resources           []Resource     `json:"resources,omitempty"`
	Type                string         `json:"eventType"`
	ManagementEvent     bool           `json:"managementEvent"`
	RecipientAccountID  string         `json:"recipientAccountId"`
	Category            string         `json:"eventCategory"`
	TLS                 *TLS           `json:"tlsDetails,omitempty"`
	// Reason says what decided on the request: the statement, grant or condition. It is for the operator's eyes and not
	// part of CloudTrail's record.
	Reason string `json:"-"`
}

// UserIdentity is who made a request.
type UserIdentity struct {
	Type           string          `json:"type,omitempty"`
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
	// IdentityProvider is that of a WebIdentityUser.
	IdentityProvider string `json:"identityProvider,omitempty"`
}

// SessionContext is where a session comes from.
type SessionContext struct {
	SessionIssuer       *SessionIssuer       `json:"sessionIssuer,omitempty"`
	WebIDFederationData *WebIDFederationData `json:"webIdFederationData,omitempty"`
	Attributes          SessionAttributes    `json:"attributes"`
}

// SessionIssuer is the role that a session was made from.
type SessionIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

// WebIDFederationData is the identity provider behind a session.
type WebIDFederationData struct {
	FederatedProvider string            `json:"federatedProvider,omitempty"`
	Attributes        map[string]string `json:"attributes"`
}

// SessionAttributes are CloudTrail's, which writes the boolean as text.
type SessionAttributes struct {
	CreationDate     time.Time `json:"creationDate"`
	MFAAuthenticated string    `json:"mfaAuthenticated"`
}

// Resource is a key that a request was about.
type Resource struct {
	AccountID string `json:"accountId"`
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
}

// TLS is how the request came.
type TLS struct {
	Version     string `json:"tlsVersion,omitempty"`
	CipherSuite string `json:"cipherSuite,omitempty"`
	Host        string `json:"clientProvidedHostHeader,omitempty"`
}

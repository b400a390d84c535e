// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// Type is CloudTrail's userIdentity.type.
type Type string

// The types of callers that can prove who they are.
const (
	// Root is an account's root user.
	Root Type = "Root"
	// IAMUser is a user with a static access key.
	IAMUser Type = "IAMUser"
	// AssumedRole is a session of a role: a ServiceAccount's, or that of a static access key which stands for a role.
	AssumedRole Type = "AssumedRole"
)

// Caller is who made a request, as far as it was proved. Copies share Session, which nobody changes.
type Caller struct {
	// Principal is the caller as policies see it: ARN is the role's own, path included, and SessionARN the session's.
	Principal policy.Principal
	Type      Type
	// PrincipalID is CloudTrail's userIdentity.principalId and STS's UserId: the account's ID, AIDA... of a user,
	// AROA...:SESSION of a role. It is derived from the ARN, so it is the same in every process, for ever, and a role that
	// is deleted and made again has its old one.
	PrincipalID string
	// AccessKeyID is that of the credentials which the caller proved to have.
	AccessKeyID string
	// UserName is the user's or the role's name, without its path. It is empty for Root.
	UserName string
	// Session is nil unless Type is AssumedRole.
	Session *Session
}

// Session is one assumption of a role.
type Session struct {
	// Name is the RoleSessionName.
	Name string
	// IssuedAt and Expires are in whole seconds, UTC. They are zero for a static access key, which has neither.
	IssuedAt, Expires time.Time
	// Provider is the ARN of the identity provider whose token was exchanged for the session, Subject and Audience are
	// that token's. They are empty for a static access key.
	Provider, Subject, Audience string
	// ServiceAccount is whose token it was.
	ServiceAccount ServiceAccount
}

// ServiceAccount is the Kubernetes ServiceAccount behind a session, and the Pod that its token was bound to. PodName and
// PodUID are empty for a token that was bound to none.
type ServiceAccount struct {
	Namespace, Name, UID string
	PodName, PodUID      string
}

// MaxSessionName is the length of the longest RoleSessionName, MinSessionName that of the shortest (STS API reference).
const (
	MinSessionName = 2
	MaxSessionName = 64
)

// uniqueIDLength is how many characters follow AROA or AIDA in AWS's unique IDs.
const uniqueIDLength = 17

var sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]+$`)

// AccountID is the caller's account, 12 digits.
func (c Caller) AccountID() string {
	if c.Principal.Account != "" {
		return c.Principal.Account
	}
	account, _ := splitARN(c.Principal.ARN)
	return account
}

// ARN is what GetCallerIdentity tells: the session's ARN if there is one, else the principal's.
func (c Caller) ARN() string {
	if c.Principal.SessionARN != "" {
		return c.Principal.SessionARN
	}
	return c.Principal.ARN
}

// NewCaller is the caller whom a static access key stands for: arn is that of an account's root, a user, a role or a
// role's session. One that stands for a role has a session that is named after the access key.
func NewCaller(arn, accessKeyID string) (Caller, error) {
	principal, err := policy.NewPrincipal(arn)
	if err != nil {
		return Caller{}, err
	}
	_, resource := splitARN(principal.ARN)
	kind, path, _ := strings.Cut(resource, "/")
	name := path[strings.LastIndex(path, "/")+1:]
	caller := Caller{Principal: principal, AccessKeyID: accessKeyID, UserName: name}
	switch {
	case resource == "root":
		caller.Type, caller.PrincipalID = Root, principal.Account
		return caller, nil
	case kind != "user" && kind != "role":
		return Caller{}, fmt.Errorf("reading caller %q: not the ARN of a user, role, session or account root", arn)
	case strings.Contains("/"+path+"/", "//"):
		return Caller{}, fmt.Errorf("reading caller %q: a part of the path or the name is empty", arn)
	case kind == "user":
		caller.Type, caller.PrincipalID = IAMUser, "AIDA"+uniqueID(principal.ARN)
		return caller, nil
	}
	session := accessKeyID[:min(len(accessKeyID), MaxSessionName)]
	if principal.SessionARN != "" {
		session = principal.SessionARN[strings.LastIndex(principal.SessionARN, "/")+1:]
	}
	return NewSessionCaller(principal.ARN, accessKeyID, Session{Name: session})
}

// NewSessionCaller is the caller who holds a session of the role.
func NewSessionCaller(roleARN, accessKeyID string, session Session) (Caller, error) {
	principal, err := policy.NewPrincipal(roleARN)
	if err != nil {
		return Caller{}, err
	}
	account, resource := splitARN(roleARN)
	path, isRole := strings.CutPrefix(resource, "role/")
	name := path[strings.LastIndex(path, "/")+1:]
	if !isRole || name == "" {
		return Caller{}, fmt.Errorf("reading role %q: not the ARN of a role", roleARN)
	}
	if err := CheckSessionName(session.Name); err != nil {
		return Caller{}, err
	}
	partition, _, _ := strings.Cut(strings.TrimPrefix(roleARN, "arn:"), ":")
	principal.SessionARN = "arn:" + partition + ":sts::" + account + ":assumed-role/" + name + "/" + session.Name
	principal.Federated = session.Provider
	return Caller{
		Principal:   principal,
		Type:        AssumedRole,
		PrincipalID: RoleID(roleARN) + ":" + session.Name,
		AccessKeyID: accessKeyID,
		UserName:    name,
		Session:     &session,
	}, nil
}

// CheckSessionName says whether STS takes name as a RoleSessionName: 2 to 64 of [\w+=,.@-].
func CheckSessionName(name string) error {
	if len(name) < MinSessionName || len(name) > MaxSessionName || !sessionNamePattern.MatchString(name) {
		return errors.New("a session name has 2 to 64 letters, digits or characters of _+=,.@-")
	}
	return nil
}

// RoleID is the unique ID of the role with this ARN, AROA and 17 letters or digits. It is CloudTrail's
// sessionIssuer.principalId.
func RoleID(roleARN string) string { return "AROA" + uniqueID(roleARN) }

// uniqueID is 85 bits of a hash: no two of a billion principals share one but by a chance of one in 10^7. Nothing is decided
// by it; it is a name in the trail.
func uniqueID(arn string) string {
	sum := sha256.Sum256([]byte("chatelaine unique id v1\x00" + arn))
	return base32.StdEncoding.EncodeToString(sum[:])[:uniqueIDLength]
}

// splitARN is the account and the resource of an ARN of IAM or STS.
func splitARN(arn string) (account, resource string) {
	const parts = 6
	split := strings.SplitN(arn, ":", parts)
	if len(split) < parts {
		return "", ""
	}
	return split[4], split[5]
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/audit"
	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// UserIdentity is a caller as an event names it.
func UserIdentity(caller identity.Caller) audit.UserIdentity {
	out := audit.UserIdentity{
		Type: string(caller.Type), PrincipalID: caller.PrincipalID, ARN: caller.ARN(), AccountID: caller.AccountID(),
		AccessKeyID: caller.AccessKeyID,
	}
	if caller.Type == identity.IAMUser {
		out.UserName = caller.UserName
	}
	session := caller.Session
	if session == nil {
		return out
	}
	roleID, _, _ := strings.Cut(caller.PrincipalID, ":")
	made := &struct { // in one piece, since most requests come from a session
		context audit.SessionContext
		issuer  audit.SessionIssuer
	}{
		audit.SessionContext{Attributes: audit.SessionAttributes{CreationDate: session.IssuedAt, MFAAuthenticated: "false"}},
		audit.SessionIssuer{
			Type: "Role", PrincipalID: roleID, ARN: caller.Principal.ARN, AccountID: caller.AccountID(), UserName: caller.UserName,
		},
	}
	made.context.SessionIssuer = &made.issuer
	out.SessionContext = &made.context
	if session.Provider != "" {
		out.SessionContext.WebIDFederationData = &audit.WebIDFederationData{
			FederatedProvider: session.Provider, Attributes: map[string]string{},
		}
	}
	return out
}

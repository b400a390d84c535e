// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// The ends of AWS's refusals, by who or what refuses.
const (
	byDeny       = "with an explicit deny in a resource-based policy"
	byNoPolicy   = "because no resource-based policy allows the "
	byNoIdentity = "because no identity-based policy allows the "
)

// authorize refuses the request unless the caller has every one of the permissions on the key.
func (r *Request) authorize(key *kms.Key, permissions ...string) error {
	for _, permission := range permissions {
		if err := r.authorizeIn(key, permission, r.encryptionContext()); err != nil {
			return err
		}
	}
	return nil
}

// authorizeIn decides on one permission for one encryption context, which is that of the request except for ReEncrypt and
// CreateGrant. A grant token that is no good refuses the request too, but only to a caller who may know that the key exists.
func (r *Request) authorizeIn(key *kms.Key, permission string, encryptionContext map[string]string) error {
	why := r.refusal(key, permission, encryptionContext)
	foreign := r.isForeign(key)
	if why == "" {
		r.about(key)
	}
	badToken := kms.HasCode(r.tokenErr, kms.InvalidGrantTokenException)
	switch {
	case why == "" && badToken, why != "" && r.tokenErr != nil && !(foreign && badToken):
		return r.tokenErr
	case why == "":
		return nil
	case foreign:
		return r.denied(permission, keyRef(key), byUnknown)
	default:
		return r.denied(permission, key.ARN(), why)
	}
}

// refusal is how AWS's message ends if the caller does not have the permission; empty if he has. It notes what decided.
func (r *Request) refusal(key *kms.Key, permission string, encryptionContext map[string]string) string {
	document := key.Policy()
	request := policy.Request{
		Principal: r.principal(), Action: permission, Resource: key.ARN(),
		Context: r.context(document, key, encryptionContext),
	}
	decision := policy.Evaluate(document, request)
	switch {
	case decision.Verdict == policy.ExplicitDeny:
		r.reason = statement("denied", decision)
		return byDeny
	case decision.Verdict == policy.AllowedDirectly:
		r.reason = statement("allowed", decision)
		return ""
	case r.isRoot(key.Service().ID().AccountID):
		r.reason = rootMay
		return ""
	}
	grant, without := r.grant(key, permission, encryptionContext)
	if grant != nil {
		r.reason = "allowed by grant " + grant.ID
		return ""
	}
	r.reason = diagnose(policy.Explain(document, request)) + without
	if decision.Verdict == policy.AllowedToAccount {
		return byNoIdentity + permission + " action"
	}
	return byNoPolicy + permission + " action"
}

const rootMay = "allowed to the account's root user"

// authorizeAccount decides on an operation that concerns no key: there are no identity policies, so it is the root user's.
func (r *Request) authorizeAccount(resource string) error {
	permission := r.Operation.Permissions[0]
	if r.isRoot(r.Caller.AccountID()) {
		r.reason = rootMay
		return nil
	}
	r.reason = "only the account's root user may: it concerns no key, and there are no identity policies"
	return r.denied(permission, resource, byNoIdentity+permission+" action")
}

func (r *Request) isRoot(accountID string) bool {
	return r.Caller.Type == identity.Root && r.Caller.AccountID() == accountID
}

func (r *Request) denied(permission, resource, why string) error {
	return kms.Errorf(kms.AccessDeniedException, "User: %s is not authorized to perform: %s on resource: %s %s",
		r.Caller.ARN(), permission, resource, why)
}

// keyRef is how a caller of another account has named the key: the key ARN or the alias ARN. The one does not tell the other.
func keyRef(key *kms.Key) string {
	if alias := key.RequestAlias(); alias != "" {
		return key.Service().AliasARN(alias)
	}
	return key.ARN()
}

// grant is the first grant on the key that allows the caller the permission. If there is none, it tells which grants of the
// caller's would, were it not for their constraints.
func (r *Request) grant(key *kms.Key, permission string, encryptionContext map[string]string) (found *kms.Grant, without string) {
	if !r.Operation.Grantable {
		return nil, ""
	}
	wanted := policy.GrantRequest{
		Operation: strings.TrimPrefix(permission, "kms:"), EncryptionContext: encryptionContext,
	}
	grants := key.Record().Grants
	for i := range grants {
		if !r.isPrincipal(grants[i].Grantee) || !slices.Contains(grants[i].Operations, wanted.Operation) {
			continue
		}
		has := allowance(&grants[i])
		if has.Allows(wanted) && (r.proposed == nil || has.Delegates(*r.proposed)) {
			return &grants[i], ""
		}
		without += "; grant " + grants[i].ID + " does not go so far"
	}
	return nil, without
}

// isPrincipal says whether an ARN is the caller's own: that of a user, of a role or one session of it, or of the account,
// which means its root user alone.
func (r *Request) isPrincipal(arn string) bool {
	p := r.principal()
	return arn != "" && (arn == p.ARN || arn == p.SessionARN)
}

// principal is the caller as policies and grants see it. The session of a ServiceAccount has no name there: two namespaces
// may have ServiceAccounts of one name, whose sessions can have one ARN.
func (r *Request) principal() policy.Principal {
	p := r.Caller.Principal
	if session := r.Caller.Session; session != nil && session.ServiceAccount.Namespace != "" {
		p.SessionARN = ""
	}
	return p
}

// allowance is what a grant allows, as package policy puts it.
func allowance(grant *kms.Grant) policy.Grant {
	return policy.Grant{Operations: grant.Operations, Constraints: policy.Constraints{
		EncryptionContextEquals: grant.EncryptionContextEquals, EncryptionContextSubset: grant.EncryptionContextSubset,
		SourceArn: grant.SourceArn,
	}}
}

// redeem makes the grants of the request's grant tokens count, also those that this process has not heard of yet.
func (r *Request) redeem(ctx context.Context, key *kms.Key) (*kms.Key, error) {
	if r.in == nil || r.Operation.input.grantTokens < 0 {
		return key, nil
	}
	tokens, _ := reflect.TypeAssert[[]string](r.value(r.Operation.input.grantTokens))
	for _, token := range tokens {
		var err error
		if key, err = key.Redeem(ctx, token); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// statement says which statement decided what.
func statement(verdict string, d policy.Decision) string {
	if d.Sid == "" {
		return verdict + " by statement " + strconv.Itoa(d.Statement) + " of the key policy"
	}
	return verdict + " by statement " + strconv.Itoa(d.Statement) + " (" + d.Sid + ") of the key policy"
}

// maxReasons bounds how many statements a reason tells of.
const maxReasons = 10

// diagnose says of the statements that are about the caller and the action why they did not allow it.
func diagnose(diagnoses []policy.Diagnosis) string {
	var reasons []string
	for i := range diagnoses {
		if reason := missed(&diagnoses[i]); reason != "" && len(reasons) < maxReasons {
			reasons = append(reasons, "statement "+strconv.Itoa(i)+" ("+diagnoses[i].Sid+") "+reason)
		}
	}
	if len(reasons) == 0 {
		return "no statement of the key policy allows the caller this, and no grant"
	}
	return "no statement of the key policy and no grant allows it: " + strings.Join(reasons, "; ")
}

func missed(d *policy.Diagnosis) string {
	switch {
	case d.Effect != policy.Allow:
		return ""
	case d.Applied:
		return "allows it to the account, whose root user alone has it then"
	case d.Failed == policy.PartResource:
		return "is about another resource"
	case d.Failed == policy.PartCondition && d.KeyMissing:
		return "wants " + d.Condition.String() + ", which the request does not have"
	case d.Failed == policy.PartCondition:
		return "wants another " + d.Condition.String()
	default:
		return "" // about somebody or something else
	}
}

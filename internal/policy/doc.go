// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package policy reads and evaluates the IAM policy documents that AWS KMS keys carry, and the constraints of their
// grants. It is pure: text and values in, values out; the time, the caller's address and everything else that a
// condition may ask for come in the request's context.
//
// # Reading
//
// [Parse] takes the JSON that AWS takes: a string or a list where IAM's grammar allows both, Principal "*" or by kind,
// one statement or a list of them, scalars of any kind in conditions. It is strict where a mistake would otherwise change
// who may use a key: an unknown or repeated element, an operator that does not exist, a value that its operator can
// never compare. Such a document is refused with an [Error] that names the statement and the way out.
// [Document.String] writes the canonical form: the same document gives the same bytes, and Parse of them gives the same
// document. Statements keep their order, because a person put them in it; lists are sets and come sorted.
//
// # Deciding
//
// [Evaluate] answers with one of four verdicts. An explicit Deny wins; then a statement that allows the caller by its own
// name ([AllowedDirectly]); then one that allows only the caller's account ([AllowedToAccount]); otherwise
// [ImplicitDeny]. AllowedToAccount is not a permission: with it the key's owner leaves the choice to the account's
// identity policies, so whoever asks must consult those, or treat it as a refusal if there are none. The same goes for
// every verdict where the caller's account is not the key's: AWS then wants an identity policy to allow as well.
//
// [Explain] says of each statement whether it applied and, if not, which part of it was the first that did not.
//
// # Comparing
//
// [Compare] says whether the policy that a key has means what the wanted one means, whatever AWS has made of its text, and
// names each difference. A unique ID in place of a role or user that was deleted is no difference but an [Orphan]: to put the
// policy again would not help, since AWS refuses principals that do not exist.
//
// # Whom a principal names
//
//   - an account, as 12 digits or as its :root ARN, names everybody in it: for Allow, by delegation (above), except for
//     the account's root user, whom it names directly;
//   - a role names each of its sessions; a session's ARN names that session alone; a user's ARN that user;
//   - Service and Federated name the calling service and the identity provider behind a session;
//   - "*" names everybody, services and unsigned callers included. It is no pattern: there are no partial wildcards here.
//   - a unique ID (AROA..., AIDA...) is what AWS leaves behind of a deleted role or user; it names nobody.
//
// NotPrincipal goes with Deny only, as AWS demands. It spares a caller only if every name of the caller is listed:
// session, role and account, or user and account. AWS checks them one after another and denies at the first that is
// not listed.
//
// # Conditions
//
// All conditions of a statement must hold; of the values of one condition, one must match (for a negated operator: none
// may). Keys are compared without case, kms:EncryptionContext:NAME included; values as their operator says. A key that
// the request does not have, or has without values, fails a condition and satisfies a negated one; IfExists makes it
// satisfy either; ForAllValues is satisfied by it and ForAnyValue is not, whether negated or not. Where a key has several
// values in the request and the operator has no set prefix, one value is enough to match, so a negated operator holds
// only if no value matches.
//
// Policy variables (${aws:username}) are refused in 2012-10-17 documents, where AWS would replace them: what a missing
// variable does to a Deny is not something to guess. In 2008-10-17 documents the text is literal, as it is in AWS.
//
// What words there are for actions and condition keys is in package vocabulary below; what is well formed and yet a mistake,
// in package lint.
//
// Sources: the IAM User Guide's pages on JSON policy elements (Principal, NotPrincipal, Action, Resource, Condition,
// Condition operators, multivalued context keys) and on policy evaluation logic; the AWS KMS Developer Guide's pages on
// key policies, condition keys and grants.
package policy

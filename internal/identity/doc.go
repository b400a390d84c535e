// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package identity knows who calls the AWS-compatible endpoint.
//
// A request names an access key ID, brings a session token or none, and is signed with a secret. A Source finds the Caller
// and the SecretAccessKey that belong to the first two; that the signature is made with that secret is what proves the
// caller, and internal/awsapi/sigv4's to verify. Chain puts the sources of a process together:
//
//   - Sessions: temporary credentials (ASIA...), issued for a ServiceAccount's role in exchange for its token, which
//     package serviceaccount reviews. They are stateless: all of a session is in its token, encrypted, and any replica with
//     the same session keys (package sessionsecret, or MemoryKeys) looks it up. token.go has the security argument.
//   - package accesskeys: static access keys of people, from labelled Secrets.
//   - StaticKeys: static access keys from the credentials file of a standalone KMS (ReadCredentialsFile).
//
// A Caller's Principal is what policies name. The ARN of a session, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, has the
// role's name without its path, as in AWS. Where AWS allows a role's name once in an account, whatever its path, two
// namespaces may have ServiceAccounts of one name, whose sessions can then have one ARN. So a policy that concerns a
// ServiceAccount must name its role, which has the namespace, and not a session's ARN.
package identity

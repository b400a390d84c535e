// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sigv4 verifies AWS Signature Version 4 on the server's side: it decides whether a request was signed with the
// secret of the access key that it names.
//
// Both forms are read: the Authorization header, and the query string of a presigned request. A request is verified in
// steps, because the secret is known only to the caller:
//
//	signature, err := sigv4.Parse(request)       // what the request says about itself; no secret needed
//	err = signature.Check(endpoint, now)         // is it meant for this endpoint, and for now?
//	key := sigv4.DeriveKey(secret, signature.Scope)
//	err = signature.Verify(key, body, endpoint, now)
//
// Verify checks again what Check checks; a caller without a cache needs no Check. A caller that keeps keys calls Check
// first: a key depends on the secret and the Scope alone, so it serves a whole day, but anyone can write any Scope into a
// request, and only a checked one is worth a place in a cache.
//
// # The rules
//
// AWS's rules, as https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html has them for services other
// than S3, and some of our own where AWS's behaviour is not documented and a client can't need the other answer:
//
//   - Host and every X-Amz-* header that is present must be signed, the session token included, so that nobody on the way
//     can add one. (X-Amzn-Trace-Id, which load balancers add, is none of them.)
//   - SignedHeaders is sorted, lower-case and without repetition, and each header that it names is there.
//   - Nothing that authenticates is there twice: both forms at once, two Authorization headers, a repeated parameter, a
//     presigned request with a date or token header of its own. Whoever read the other one would authenticate another
//     request.
//   - Header names are ASCII tokens in net/http's canonical form. The Kelvin sign folds to "k" in Unicode and not in HTTP.
//   - The body is always signed, by its hash as a whole: UNSIGNED-PAYLOAD and STREAMING-* are S3's. A presigned request's
//     too. SigV4A, with its elliptic curves, is for endpoints that span Regions.
//   - The query is one that net/url reads completely, so that what is verified is what is later interpreted.
//
// A presigned request is valid for X-Amz-Expires seconds, 1 to 604800, from X-Amz-Date. The Go SDK leaves the parameter
// out when it presigns for STS: such a request has the same five minutes as one with an Authorization header.
//
// # What is not decided here
//
// Whether the access key exists, whether the session token belongs to it and is unexpired, and what the caller may do.
// There is no replay cache, as AWS has none: within the window a request may be sent again, unchanged.
//
// The package has no clock, does no I/O and keeps nothing but scratch buffers. Its errors tell a caller what is wrong with
// the request, never what would have been right: neither the canonical request nor the signature computed from it.
package sigv4

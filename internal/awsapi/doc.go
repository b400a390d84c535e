// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package awsapi is the HTTP endpoint that unmodified AWS clients talk to. It speaks
//
//	POST / with X-Amz-Target: TrentService.OPERATION   AWS KMS, in AWS's JSON 1.1 protocol
//	POST / or GET / with Action=OPERATION              the part of AWS STS that clients need, in AWS's query protocol
//	GET /v1/credentials[/ACCOUNT]                      credentials for a pod, in the form of the container credentials provider
//	GET /healthz                                       "ok"
//
// What an operation of KMS does is internal/kms/operation's; this package proves who calls (internal/awsapi/sigv4,
// internal/identity) and translates. A request that is refused before it reaches an operation is recorded here, as the
// others are there.
//
// # Limits
//
// A request has 10 seconds to send its header and 30 to be complete; headers have up to 32 KiB and bodies up to 512 KiB,
// which no request that AWS would take exceeds (32 KiB to STS, which nobody signs). Few long bodies are read at a time. So
// many requests are carried out at once as Options say, half of them for one caller at most; one above that gets a
// ThrottlingException, which clients retry. 2048 connections are open at a time, of one address 512; it is HTTP/1.1 alone.
// A panic ends its own request alone, with a 500.
//
// A request that changes something is carried out to its end even when its client has gone.
package awsapi

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"sync"
	"time"
)

// Check decides all that needs no secret: whether the signature is of this time and was made for this endpoint. Its errors
// have the codes CodeExpired, CodeNotYetCurrent and CodeScope.
//
// A request may have been signed five minutes ago or, by a clock that is ahead, five minutes from now; a presigned one
// with X-Amz-Expires as long ago as that says.
func (s *Signature) Check(endpoint Endpoint, now time.Time) error {
	if err := s.checkTime(now); err != nil {
		return err
	}
	c := credential{accessKeyID: s.AccessKeyID, scope: s.Scope, terminator: s.terminator}
	return c.check(endpoint, s.stamp)
}

// Verify returns nil if and only if the request, with this body, was signed with the key, and Check would return nil. The
// key has to be derived for s.Scope; body is all of the body, nil if there is none.
//
// The signatures are compared in constant time. What differs is not said.
func (s *Signature) Verify(key *Key, body []byte, endpoint Endpoint, now time.Time) error {
	if err := s.Check(endpoint, now); err != nil {
		return err
	}
	bodyHash := sha256.Sum256(body)
	if s.bodyHash != "" && s.bodyHash != hex.EncodeToString(bodyHash[:]) {
		return invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}

	buffer, _ := buffers.Get().(*[]byte)
	canonical := s.appendCanonicalRequest((*buffer)[:0], bodyHash)
	toSign := s.appendStringToSign(canonical, sha256.Sum256(canonical))
	want := key.sign(toSign[len(canonical):])
	if cap(toSign) <= maxBuffer {
		*buffer = toSign
		buffers.Put(buffer)
	}
	if subtle.ConstantTimeCompare(want[:], s.signature[:]) != 1 {
		return errMismatch
	}
	return nil
}

// appendStringToSign writes step 2 of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html after what is in b.
func (s *Signature) appendStringToSign(b []byte, requestHash [32]byte) []byte {
	b = append(b, algorithm+"\n"...)
	b = append(append(b, s.stamp...), '\n')
	for _, part := range [...]string{s.Scope.Date, s.Scope.Region, s.Scope.Service} {
		b = append(append(b, part...), '/')
	}
	b = append(append(b, terminator...), '\n')
	return hex.AppendEncode(b, requestHash[:])
}

// maxBuffer is the largest scratch buffer worth keeping: a request of this size is somebody's exception.
const maxBuffer = 64 << 10

// buffers has the scratch space of canonical requests, which hold session tokens but nothing that the request did not.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

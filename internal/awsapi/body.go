// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxPooled is how long usual bodies are at most, in bytes: an Encrypt or a Decrypt of 4 KiB has 6.
const maxPooled = 8 << 10

// buffers has room for usual bodies, of requests and of answers.
var buffers = bufferPool{sync.Pool{New: func() any { return new([maxPooled]byte) }}}

type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) get() *[maxPooled]byte {
	buffer, _ := p.pool.Get().(*[maxPooled]byte) // nothing else is in there
	return buffer
}

// put takes a buffer back that nothing refers to any more. It overwrites the bytes that were used, since many bodies hold
// plaintext.
func (p *bufferPool) put(buffer *[maxPooled]byte, used int) {
	clear(buffer[:used])
	p.pool.Put(buffer)
}

// readBody reads the whole body, which has at most limit bytes. What a client says of a long body's length is not
// believed: room is made as it arrives, so that nobody reserves memory by announcing what he does not send.
func (e *exchange) readBody(limit int64) error {
	switch length := e.r.ContentLength; {
	case length == 0 || e.r.Body == nil:
		return nil
	case length > 0 && length <= maxPooled:
		e.buffer = buffers.get()
		e.body = e.buffer[:length]
		_, err := io.ReadFull(e.r.Body, e.body)
		return err
	default:
		var long bytes.Buffer
		_, err := long.ReadFrom(http.MaxBytesReader(e.w, e.r.Body, limit))
		e.body = long.Bytes()
		return err
	}
}

// releaseBody overwrites the body and has its room used again. Nothing may refer to it any more.
func (e *exchange) releaseBody() {
	if e.buffer != nil {
		buffers.put(e.buffer, min(2*len(e.body), maxPooled)) // its blobs are decoded into what follows it
	} else {
		clear(e.body)
	}
	e.body, e.buffer = nil, nil
}

// abandonBody has the answer sent at once and the connection closed. Otherwise net/http would wait for the rest of the
// body first, of which the client may never send a byte.
func (e *exchange) abandonBody() {
	e.w.Header().Set("Connection", "close")
	controller := http.NewResponseController(e.w)
	// A ResponseWriter that can't do these does not wait either.
	_ = controller.EnableFullDuplex()
	_ = controller.SetReadDeadline(time.Unix(1, 0))
}

func readFailure(err error, limit int64) *failure {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	return fail(http.StatusBadRequest, "RequestTimeout", "The request's body did not arrive in full.")
}

func tooLarge(limit int64) *failure {
	return fail(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
		fmt.Sprintf("The request's body is larger than %d KiB.", limit>>10))
}

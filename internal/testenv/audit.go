// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime/schema"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Both stages are kept: the API server has written a request's first one before it serves the request, so that no
// request whose answer a client has seen is missing; its second one, which may be written a moment after the answer,
// has the status code.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules: [{level: Metadata}]
`

// AuditLog reads the API server's audit log. Requests from before a Mark are left out by Since:
//
//	mark, err := env.Audit.Mark()
//	// ... what is to be counted ...
//	requests, err := env.Audit.Since(mark)
//	writes := requests.By(user).Writes().Counts()
type AuditLog struct{ path string }

// Mark is a point in the log.
type Mark int64

// Kind is a kind of request that one user makes.
type Kind struct {
	User string
	// Verb is get, list, watch, create, update, patch, delete, deletecollection or, for a request that is not about a
	// resource, the HTTP method in lower case.
	Verb string
	// Resource with its group, like secrets or keys.kms.chatelaine.dev. Empty for a request not about a resource.
	Resource string
	// Subresource like status, or empty.
	Subresource string
}

// Request is one request that the API server received.
type Request struct {
	Kind
	Namespace string
	// Name is empty for a collection, and for a create.
	Name string
	// Code is the HTTP status code, 0 while the request is being served or its end is not in the log yet.
	Code int32
}

// configureAudit has the API server keep an audit log in dir.
func configureAudit(flags *envtest.Arguments, dir string) (*AuditLog, error) {
	policy := filepath.Join(dir, "audit-policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, fmt.Errorf("writing the audit policy: %w", err)
	}
	log := &AuditLog{path: filepath.Join(dir, "audit.log")}
	if err := os.WriteFile(log.path, nil, 0o600); err != nil {
		return nil, fmt.Errorf("making the audit log: %w", err)
	}
	flags.Set("audit-policy-file", policy)
	flags.Set("audit-log-path", log.path)
	// The log stays one file: it is rotated at so many MB.
	flags.Set("audit-log-maxsize", "100000")
	return log, nil
}

// Mark is the end of the log as it stands: every request that the API server serves already is before it.
func (l *AuditLog) Mark() (Mark, error) {
	data, err := os.ReadFile(l.path)
	if err != nil {
		return 0, fmt.Errorf("marking the audit log: %w", err)
	}
	return Mark(endOfLines(data)), nil
}

// Since is every request received after mark; that of Mark's zero value is every one since the server started.
func (l *AuditLog) Since(mark Mark) (Requests, error) {
	data, err := os.ReadFile(l.path)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	data = data[mark:]
	return parseAudit(data[:endOfLines(data)])
}

// endOfLines is the length of data without a last line that is still being written.
func endOfLines(data []byte) int { return bytes.LastIndexByte(data, '\n') + 1 }

func parseAudit(lines []byte) (Requests, error) {
	decoder := json.NewDecoder(bytes.NewReader(lines))
	var requests Requests
	received := map[string]int{}
	for {
		var event auditv1.Event
		if err := decoder.Decode(&event); errors.Is(err, io.EOF) {
			return requests, nil
		} else if err != nil {
			return nil, fmt.Errorf("parsing the audit log: %w", err)
		}
		id := string(event.AuditID)
		if event.Stage == auditv1.StageRequestReceived {
			received[id] = len(requests)
			requests = append(requests, requestOf(event))
			continue
		}
		if at, known := received[id]; known && event.ResponseStatus != nil {
			requests[at].Code = event.ResponseStatus.Code
		}
	}
}

func requestOf(event auditv1.Event) Request {
	request := Request{Kind: Kind{User: event.User.Username, Verb: event.Verb}}
	if ref := event.ObjectRef; ref != nil {
		request.Resource = schema.GroupResource{Group: ref.APIGroup, Resource: ref.Resource}.String()
		request.Subresource = ref.Subresource
		request.Namespace, request.Name = ref.Namespace, ref.Name
	}
	return request
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"

	"github.com/go-logr/logr"
)

// Log is a Recorder that writes a line to a log: for callers who were refused always, with what decided on it, and for
// everything else where the log is verbose.
type Log struct{ Logger logr.Logger }

// Record implements Recorder. It never fails.
func (l Log) Record(_ context.Context, event *Event) error {
	logger := l.Logger
	if event.ErrorCode == "" || event.UserIdentity.ARN == "" { // anybody can have himself refused before he is known
		if logger = logger.V(1); !logger.Enabled() {
			return nil
		}
	}
	resource := ""
	if len(event.Resources) > 0 {
		resource = event.Resources[0].ARN
	}
	logger.Info("request", "operation", event.Name, "principal", event.UserIdentity.ARN, "resource", resource,
		"error", event.ErrorCode, "reason", event.Reason, "sourceIP", event.SourceIPAddress, "requestID", event.RequestID)
	return nil
}

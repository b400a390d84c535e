// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Output is what a command printed.
type Output struct{ Stdout, Stderr string }

// Kubectl runs kubectl as administrator, or as args say with --as or --kubeconfig. What kubectl printed is returned also
// when it failed; the error then ends with its standard error.
func (e *Env) Kubectl(ctx context.Context, args ...string) (Output, error) {
	cmd := exec.CommandContext(ctx, e.kubectl, args...)
	// kubectl keeps its discovery cache and its preferences under HOME: neither shall come from the person's own.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+e.Kubeconfig, "HOME="+e.supervisor.dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	output := Output{Stdout: stdout.String(), Stderr: stderr.String()}
	if err != nil {
		return output, fmt.Errorf("running kubectl %s: %w: %s",
			strings.Join(args, " "), err, strings.TrimSpace(output.Stderr))
	}
	return output, nil
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chatelaine is the operator and its tools; see chatelaine --help.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/chatelaine-dev/chatelaine/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := cli.Execute(ctx, os.Args[1:])
	stop()
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "chatelaine:", err)
	}
	os.Exit(cli.ExitCode(err))
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of chatelaine, one file a command.
package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// Execute runs the command line with the arguments given until it ends or ctx is done. ExitCode says what to exit with.
func Execute(ctx context.Context, args []string) error {
	root := &cobra.Command{
		Use:           "chatelaine",
		Short:         "Manage encryption keys declaratively, on AWS KMS or on the built-in software KMS",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newManagerCommand(), newKMSCommand(), newPolicyCommand(), newVersionCommand())
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chatelaine-dev/chatelaine/internal/policycheck"
)

const policyLintLong = `Find what is wrong with KeyPolicies, a line for each finding, before it is applied or in a cluster.

An error is what the API server or the operator would refuse: unknown or repeated fields and whatever else the
schema forbids, a rule that locks the operator out or lets everybody in, unknown actions and condition keys, what
the key's usage can never perform, principals that AWS refuses, and a key policy of more than 32 KB in all. A
warning is what may be meant. Each KeyPolicy is looked at on the Keys that it selects, and as for any key where
there are none.

A FILE has manifests in YAML or JSON, or one key policy in IAM's JSON, also as aws kms get-key-policy prints it; it
may be a folder, or - for standard input. Without a FILE the KeyPolicies of the cluster are looked at.

Exit code: 0 without errors, 1 with errors, 2 if something could not be looked at.`

const policyLintExample = `  chatelaine policy lint deploy/
  kustomize build overlays/prod | chatelaine policy lint -
  chatelaine policy lint keypolicy.yaml --cluster        # as if it were applied
  chatelaine policy lint --all-namespaces                # what is in the cluster
  aws kms get-key-policy --key-id alias/orders | chatelaine policy lint - --account-id 111122223333`

func newPolicyLintCommand() *cobra.Command {
	f := &policyFlags{}
	all := false
	cmd := &cobra.Command{
		Use:     "lint [FILE...]",
		Short:   "Find what is wrong with KeyPolicies",
		Long:    policyLintLong,
		Example: policyLintExample,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			namespaces := func(w *policycheck.World) []string {
				switch {
				case all:
					return []string{""}
				case w.Context:
					return w.Namespaces()
				default:
					return []string{w.Settings.Namespace}
				}
			}
			return unknown(f.lint(cmd, args, namespaces))
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().BoolVarP(&all, "all-namespaces", "A", false, "look at all namespaces of the cluster")
	return cmd
}

func (f *policyFlags) lint(cmd *cobra.Command, files []string, namespaces func(*policycheck.World) []string) error {
	report, err := f.report(cmd.Context(), cmd, files, namespaces)
	if err != nil {
		return err
	}
	if f.output == "json" {
		err = printJSON(cmd.OutOrStdout(), report)
	} else {
		printReport(cmd.OutOrStdout(), cmd.ErrOrStderr(), report)
	}
	if err == nil && report.Errors > 0 {
		return no()
	}
	return err
}

func (f *policyFlags) report(ctx context.Context, cmd *cobra.Command, files []string, namespaces func(*policycheck.World) []string) (*policycheck.Report, error) {
	world, reader, err := f.world(ctx, cmd.InOrStdin(), files, namespaces)
	if err != nil {
		return nil, err
	}
	report := world.Lint()
	if reader.Err != nil {
		return nil, reader.Err
	}
	printLines(cmd.ErrOrStderr(), "", world.Ignored())
	if len(files) > 0 && world.IsEmpty() {
		return nil, errNothing
	}
	report.Notes = append(report.Notes, reader.Notes...)
	return report, nil
}

// printReport prints the findings in the order of what they are about, and what has none.
func printReport(out, notes io.Writer, report *policycheck.Report) {
	printed := map[policycheck.Place]bool{}
	for _, found := range report.Findings {
		fmt.Fprintln(out, found)
		printed[found.Place] = true
	}
	for _, checked := range report.Checked {
		if !printed[checked.Place] {
			fmt.Fprintln(out, checked)
		}
	}
	printLines(notes, "note: ", report.Notes)
	fmt.Fprintf(out, "%s, %s, %s\n", count(report.Policies, "policy", "policies"), count(report.Errors, "error", "errors"),
		count(report.Warnings, "warning", "warnings"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

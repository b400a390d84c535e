// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policycheck"
)

const policyLong = `Answer what KeyPolicies come to, by the rules of the operator and of the endpoint: from manifests, without a cluster;
from a cluster; or from a key policy in IAM's JSON.

Manifests may be of KeyPolicies, Keys, KMSBackends and ServiceAccounts, in any mix, several to a file; others are
left aside. What they leave open can be said with flags: the account of the keys, the operator, the namespace.
Whatever reads the cluster does so with your kubeconfig and your permissions, and changes nothing.`

func newPolicyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Check KeyPolicies before they bite: find mistakes, and ask who may do what",
		Long:  policyLong,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 { // without this it would print its help, and all would seem well
				return unknown(fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return unknown(err) })
	cmd.AddCommand(newPolicyLintCommand(), newPolicySimulateCommand())
	return cmd
}

// policyFlags are those that the commands have in common.
type policyFlags struct {
	settings  policycheck.Settings
	namespace string
	files     fileFlags
	cluster   clusterFlags
	output    string
}

func (f *policyFlags) add(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.BoolVarP(&f.files.recursive, "recursive", "R", false, "look into the folders of a folder as well")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "`namespace` of manifests that name none (default: default), and the one to look at in a cluster (default: the kubeconfig's)")
	flags.StringVarP(&f.output, "output", "o", "text", "`format` of the answer: text or json")
	flags.StringVar(&f.settings.AccountID, "account-id", "", "`account` of keys whose KMSBackend is not given or does not say it, 12 digits (default: "+policycheck.DefaultAccountID+")")
	flags.StringVar(&f.settings.OperatorARN, "operator-arn", "", "`ARN` of the IAM role that the operator acts as (default: what the KMSBackend's status says, or role/chatelaine-system/chatelaine-manager)")
	flags.BoolVar(&f.settings.AWS, "aws", false, "keys whose KMSBackend is not given live on AWS, where a ServiceAccount is the role in its annotation eks.amazonaws.com/role-arn")
	flags.BoolVar(&f.cluster.also, "cluster", false, "answer for the manifests as if they were applied to the cluster: what they leave open is read there. Without manifests only the cluster is read")
	flags.StringVar(&f.cluster.kubeconfig, "kubeconfig", "", "kubeconfig `file` of the cluster (default: $KUBECONFIG, ~/.kube/config, or the pod's own ServiceAccount)")
	flags.StringVar(&f.cluster.context, "kube-context", "", "`context` of the kubeconfig (default: its current one)")
}

// check refuses flags that make no sense; files says whether there are any.
func (f *policyFlags) check(files bool) error {
	switch {
	case f.output != "text" && f.output != "json":
		return fmt.Errorf("--output must be text or json, not %q", f.output)
	case f.settings.AccountID != "" && !accountText.MatchString(f.settings.AccountID):
		return fmt.Errorf("--account-id must have 12 digits, such as 111122223333, not %q", f.settings.AccountID)
	case files && !f.cluster.also && (f.cluster.kubeconfig != "" || f.cluster.context != ""):
		return errors.New("manifests are looked at without a cluster: to look at both add --cluster, to look at the cluster leave the manifests out")
	}
	if f.settings.OperatorARN != "" {
		operator, err := policy.NewPrincipal(f.settings.OperatorARN)
		if err != nil || operator.SessionARN != "" {
			return fmt.Errorf("--operator-arn must be the ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/chatelaine, not %q",
				f.settings.OperatorARN)
		}
	}
	return nil
}

// print prints an answer as JSON.
func printJSON(out io.Writer, answer any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(answer); err != nil {
		return fmt.Errorf("printing the answer: %w", err)
	}
	return nil
}

func printLines(out io.Writer, prefix string, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(out, prefix+line)
	}
}

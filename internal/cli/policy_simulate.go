// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chatelaine-dev/chatelaine/internal/policycheck"
)

const policySimulateLong = `Decide on a request by the key policy, as the endpoint does, and say which statement decides and why.

The key policy is what the KeyPolicies that select the Key come to; or it is given in IAM's JSON, and then --key may
be the ARN of a key. Where the account's IAM policies would have a say (on AWS), and where grants would, they are
not looked at: what needs them is denied.

What the endpoint knows of every request is known to conditions: kms:CallerAccount, kms:KeySpec, kms:KeyUsage,
kms:KeyOrigin, aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType, aws:ResourceTag/NAME, aws:RequestedRegion,
aws:CurrentTime, aws:SecureTransport (true) and the like. Everything else is what --context says.

Exit code: 0 if it is allowed, 1 if it is denied, 2 if that could not be found out.`

const policySimulateExample = `  chatelaine policy simulate -f deploy/ --principal serviceaccount:shop/api --action Decrypt --key shop/orders \
      --context kms:EncryptionContext:tenant=acme
  chatelaine policy simulate --principal serviceaccount:shop/api --action kms:Sign --key shop/releases   # in the cluster
  chatelaine policy simulate -f policy.json --principal arn:aws:iam::111122223333:role/ci --action Encrypt`

// simulateFlags are the command's own.
type simulateFlags struct {
	policyFlags
	names      []string
	question   policycheck.Question
	context    []string
	showPolicy bool
}

func newPolicySimulateCommand() *cobra.Command {
	f := &simulateFlags{}
	cmd := &cobra.Command{
		Use:     "simulate --principal PRINCIPAL --action ACTION --key KEY [-f FILE...]",
		Short:   "Say whether a principal may perform an action with a key, and why",
		Long:    policySimulateLong,
		Example: policySimulateExample,
		Args: func(cmd *cobra.Command, args []string) error {
			return unknown(cobra.NoArgs(cmd, args))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return unknown(f.run(cmd)) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.question.Principal, "principal", "", "`who` asks: serviceaccount:NAMESPACE/NAME, an ARN, an account's 12 digits for its root user, or a service such as logs.eu-west-1.amazonaws.com (required)")
	flags.StringVar(&f.question.Action, "action", "", "`action` of AWS KMS, such as kms:Decrypt or Decrypt (required)")
	flags.StringVar(&f.question.Key, "key", "", "`name` of the Key, or namespace/name; for a policy in JSON the ARN of a key, or none")
	flags.StringArrayVar(&f.context, "context", nil, "`KEY=VALUE` of the request's context; repeat it for other keys, and for several values of one")
	flags.StringArrayVarP(&f.names, "filename", "f", nil, "`file` with manifests or with a policy in JSON, a folder, or - for standard input; repeat it for several. Without one the cluster is asked")
	flags.BoolVar(&f.showPolicy, "show-policy", false, "print the key policy that was asked as well")
	f.add(flags)
	return cmd
}

func (f *simulateFlags) run(cmd *cobra.Command) error {
	answer, err := f.ask(cmd)
	if err != nil {
		return err
	}
	if f.output == "json" {
		err = f.printJSON(cmd.OutOrStdout(), answer)
	} else {
		err = f.print(cmd.OutOrStdout(), cmd.ErrOrStderr(), answer)
	}
	if err == nil && answer.Decision != policycheck.Allowed {
		return no()
	}
	return err
}

func (f *simulateFlags) ask(cmd *cobra.Command) (*policycheck.Answer, error) {
	for flag, value := range map[string]string{"principal": f.question.Principal, "action": f.question.Action} {
		if value == "" {
			return nil, fmt.Errorf("--%s is required", flag)
		}
	}
	var err error
	if f.question.Context, err = policycheck.ParseContext(f.context); err != nil {
		return nil, fmt.Errorf("--context: %w", err)
	}
	f.question.Now = time.Now()
	world, reader, err := f.world(cmd.Context(), cmd.InOrStdin(), f.names, f.keyNamespace)
	if err != nil {
		return nil, err
	}
	if err := world.Unreadable(); err != nil {
		return nil, err
	}
	printLines(cmd.ErrOrStderr(), "", world.Ignored())
	answer, err := world.Simulate(&f.question)
	if reader.Err != nil {
		return nil, reader.Err
	}
	if err == nil {
		answer.Notes = append(answer.Notes, reader.Notes...)
	}
	return answer, err
}

// keyNamespace is the one to look at in a cluster.
func (f *simulateFlags) keyNamespace(w *policycheck.World) []string {
	if namespace, _, ok := strings.Cut(f.question.Key, "/"); ok {
		return []string{namespace}
	}
	return []string{w.Settings.Namespace}
}

func (f *simulateFlags) printJSON(out io.Writer, answer *policycheck.Answer) error {
	printed := struct {
		*policycheck.Answer
		Policy json.RawMessage `json:"policy,omitempty"`
	}{Answer: answer}
	if f.showPolicy {
		printed.Policy = json.RawMessage(answer.Policy.String())
	}
	return printJSON(out, printed)
}

func (f *simulateFlags) print(out, notes io.Writer, answer *policycheck.Answer) error {
	key := answer.Key
	if key == "" {
		key = answer.KeyARN
	}
	fmt.Fprintf(out, "%s: %s\n", answer.Decision, answer.Reason)
	fmt.Fprintf(out, "\nprincipal: %s\naction:    %s\nkey:       %s\n", answer.Principal, answer.Action, key)
	if answer.InForce != nil {
		fmt.Fprintf(out, "policy:    %s\n", answer.InForce.Message)
	}
	if len(answer.Statements) == 0 {
		fmt.Fprintln(out, "\nNo statement is about this principal.")
	} else {
		fmt.Fprintln(out, "\nThe statements about this principal:")
	}
	for i := range answer.Statements {
		statement := &answer.Statements[i]
		fmt.Fprintf(out, "  %s (%s) %s\n", statement.String(), statement.Effect, statement.Explanation)
	}
	printLines(notes, "note: ", answer.Notes)
	if !f.showPolicy {
		return nil
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(answer.Policy.String()), "", "  "); err != nil {
		return fmt.Errorf("printing the key policy: %w", err)
	}
	fmt.Fprintf(out, "\n%s\n", pretty.String())
	return nil
}

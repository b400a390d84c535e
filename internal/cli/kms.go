// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
	"github.com/chatelaine-dev/chatelaine/internal/standalone"
)

const kmsLong = `Serve AWS KMS's API from a directory, without Kubernetes: on a laptop, in CI, and wherever a KMS emulator is
used today. AWS's CLI and SDKs work with it as they are, once AWS_ENDPOINT_URL_KMS names it.

The directory has two files: kms.db, with every key, and root-key, which opens it. Back up both, apart from
each other; either is worth nothing without the other. Whatever a client was answered is on the disk, also when
the process is killed. One process at a time has the directory.

Standard output gets one line, as soon as requests are answered: the endpoint's URL. The log goes to standard
error. SIGTERM and Ctrl-C end the process once the requests under way are done.`

const kmsExample = `  # credentials.yaml
  - accessKeyID: AKIAIOSFODNN7EXAMPLE
    secretAccessKey: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
    principal: arn:aws:iam::111122223333:root

  chatelaine kms --data-dir kms --account-id 111122223333 --region eu-central-1 --credentials-file credentials.yaml

  # elsewhere
  export AWS_ENDPOINT_URL_KMS=http://127.0.0.1:8080 AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
  export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
  aws kms create-key`

const (
	certFlag = "tls-cert-file"
	keyFlag  = "tls-key-file"
)

// kmsFlags are what the command is told.
type kmsFlags struct {
	options           standalone.Options
	listen            string
	certFile, keyFile string
	logLevel          string
	logFormat         string
}

func newKMSCommand() *cobra.Command {
	f := &kmsFlags{options: standalone.Options{Clock: clock.RealClock{}}}
	cmd := &cobra.Command{
		Use:     "kms",
		Short:   "Run the software KMS by itself, without Kubernetes: AWS KMS's API on a directory",
		Long:    kmsLong,
		Example: kmsExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.options.DataDir, "data-dir", "", "`directory` of the keys and of the root key; made if it does not exist (required)")
	flags.StringVar(&f.options.AccountID, "account-id", "", "the AWS `account` that the keys belong to, 12 digits (required)")
	flags.StringSliceVar(&f.options.Regions, "region", nil, "the `Region` of the keys; several, separated by commas, have keys of their own each, and replicas of multi-Region keys (required)")
	flags.StringVar(&f.options.CredentialsFile, "credentials-file", "", "YAML `file` with a list of {accessKeyID, secretAccessKey, principal}; principal is the ARN that the access key stands for, and arn:aws:iam::ACCOUNT:root may do anything (required)")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`host:port` to serve on; port 0 takes any free one")
	flags.StringVar(&f.certFile, certFlag, "", "PEM `file` with the certificate to serve HTTPS with, and its chain; without one it is plain HTTP. Read again when it changes")
	flags.StringVar(&f.keyFile, keyFlag, "", "PEM `file` with the certificate's private key")
	flags.StringVar(&f.logLevel, "log-level", "info", "`level` of the log: debug, info, warn or error; debug tells of every request, info of those that were refused, and why")
	flags.StringVar(&f.logFormat, "log-format", "text", "`format` of the log: json or text")
	for _, name := range []string{"data-dir", "account-id", "region", "credentials-file"} {
		_ = cmd.MarkFlagRequired(name) // the flag exists
	}
	return cmd
}

func (f *kmsFlags) run(ctx context.Context, stdout io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	logger, err := newLogger(f.logLevel, f.logFormat)
	if err != nil {
		return err
	}
	if f.certFile != "" {
		f.options.Certificate, err = certificate.NewFiles(certificate.FilesConfig{
			Cert:  certificate.File{Path: f.certFile, Flag: "--" + certFlag},
			Key:   certificate.File{Path: f.keyFile, Flag: "--" + keyFlag},
			Clock: f.options.Clock, Log: logger,
		})
		if err != nil {
			return err
		}
	}
	f.options.Listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", f.listen, listenProblem(err))
	}
	f.options.Ready = func() { _, _ = fmt.Fprintln(stdout, f.url()) }
	return standalone.Run(logr.NewContext(ctx, logger), f.options)
}

var (
	accountText = regexp.MustCompile(`^\d{12}$`)
	regionText  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
)

func (f *kmsFlags) check() error {
	switch {
	case f.options.DataDir == "":
		return errors.New("--data-dir must name a directory")
	case !accountText.MatchString(f.options.AccountID):
		return fmt.Errorf("--account-id must have 12 digits, such as 111122223333, not %q", f.options.AccountID)
	case len(f.options.Regions) == 0:
		return errors.New("--region must name a Region, such as eu-central-1")
	case f.options.CredentialsFile == "":
		return errors.New("--credentials-file must name a file")
	case (f.certFile == "") != (f.keyFile == ""):
		return fmt.Errorf("--%s and --%s go together", certFlag, keyFlag)
	}
	for _, region := range f.options.Regions {
		if !regionText.MatchString(region) {
			return fmt.Errorf("--region must have up to 32 lower-case letters, digits and hyphens, such as eu-central-1, not %q", region)
		}
	}
	return nil
}

// listenProblem says what to do about an address that could not be had.
func listenProblem(err error) error {
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err // the rest of it says the address again
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("the address is in use; stop what listens there, or choose another port (0 takes any free one)")
	case errors.Is(err, syscall.EACCES):
		return errors.New("permission denied; choose a port above 1023")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return errors.New("this machine does not have the address; 127.0.0.1 is for its own clients, 0.0.0.0 for everybody's")
	default:
		return fmt.Errorf("%w; write host:port, such as 127.0.0.1:8080", err)
	}
}

// url is where clients on this machine find the endpoint: at the host that was asked for, since a certificate may be for that
// name, and at the port that it got.
func (f *kmsFlags) url() string {
	scheme := "http"
	if f.options.Certificate != nil {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(f.listen) // it was listened on
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	port := 0
	if address, ok := f.options.Listener.Addr().(*net.TCPAddr); ok {
		port = address.Port
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}

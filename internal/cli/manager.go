// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/chatelaine-dev/chatelaine/internal/manager"
	"github.com/chatelaine-dev/chatelaine/internal/version"
)

// namespaceVariable is set by the Deployment through the downward API.
const namespaceVariable = "POD_NAMESPACE"

func newManagerCommand() *cobra.Command {
	o := manager.Defaults()
	if namespace := os.Getenv(namespaceVariable); namespace != "" {
		o.Namespace = namespace
	}
	var kubeconfig, logLevel, logFormat string
	cmd := &cobra.Command{
		Use:   "manager",
		Short: "Run the operator: what the Deployment in the cluster runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkManager(o); err != nil {
				return err
			}
			logger, err := newLogger(logLevel, logFormat)
			if err != nil {
				return err
			}
			ctrl.SetLogger(logger)
			klog.SetLogger(logger)
			config, err := loadConfig(kubeconfig)
			if err != nil {
				return err
			}
			logger.Info("starting", "version", version.Version, "commit", version.Commit, "namespace", o.Namespace)
			return manager.Run(ctrl.LoggerInto(cmd.Context(), logger), config, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig file; default: $KUBECONFIG, ~/.kube/config, or the pod's own ServiceAccount")
	flags.StringVar(&o.Namespace, "namespace", o.Namespace, "the operator's namespace, where key records and root keys are kept (default also from $"+namespaceVariable+")")
	flags.StringVar(&o.MetricsAddress, "metrics-bind-address", o.MetricsAddress, "host:port for Prometheus metrics; 0 serves none")
	flags.StringVar(&o.ProbeAddress, "health-probe-bind-address", o.ProbeAddress, "host:port for /healthz and /readyz; 0 serves none")
	flags.StringVar(&o.KMSAddress, "kms-bind-address", o.KMSAddress, "host:port for AWS's API over HTTPS; 0 serves none")
	flags.StringVar(&o.KMSInsecureAddress, "kms-insecure-bind-address", o.KMSInsecureAddress, "host:port for AWS's API over plain HTTP, for networks that nobody else can read; 0 serves none")
	flags.StringVar(&o.KMSCertFile, "kms-tls-cert-file", "", "PEM file with the certificate to serve AWS's API with; without one it is made by the operator's own CA")
	flags.StringVar(&o.KMSKeyFile, "kms-tls-key-file", "", "PEM file with the private key of --kms-tls-cert-file")
	flags.StringVar(&o.KMSCAFile, "kms-tls-ca-file", "", "PEM file with the CA certificates that clients have to trust for --kms-tls-cert-file; they are published in ConfigMaps chatelaine-kms-ca")
	flags.StringVar(&o.KMSService, "kms-service", o.KMSService, "the Service in front of AWS's API, by whose names the operator's own certificate is valid")
	flags.StringSliceVar(&o.KMSNames, "kms-tls-names", nil, "further names and IP addresses in the operator's own certificate, separated by commas")
	flags.BoolVar(&o.LeaderElection, "leader-elect", o.LeaderElection, "let several replicas agree on one that reconciles")
	flags.DurationVar(&o.LeaseDuration, "leader-elect-lease-duration", o.LeaseDuration, "how long after a leader fell silent another one takes over")
	flags.DurationVar(&o.RenewDeadline, "leader-elect-renew-deadline", o.RenewDeadline, "how long a leader tries to renew its Lease before it stops")
	flags.DurationVar(&o.RetryPeriod, "leader-elect-retry-period", o.RetryPeriod, "how often replicas try to get or renew the Lease")
	flags.DurationVar(&o.Resync, "resync-period", o.Resync, "how often a Key that nothing happened to is looked at again")
	flags.DurationVar(&o.CheckInterval, "backend-check-interval", o.CheckInterval, "how often a KMSBackend's credentials, root key and records are looked at")
	flags.DurationVar(&o.SweepInterval, "sweep-interval", o.SweepInterval, "how often it is looked what others did to the keys of a KMSBackend on AWS")
	flags.IntVar(&o.Workers, "workers", o.Workers, "how many Keys are reconciled at a time")
	flags.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&logFormat, "log-format", "json", "json or text")
	return cmd
}

// checkManager refuses what would only show as a strange failure later.
func checkManager(o manager.Options) error {
	switch {
	case o.Namespace == "":
		return fmt.Errorf("--namespace must not be empty")
	case o.Workers < 1:
		return fmt.Errorf("--workers must be at least 1, not %d", o.Workers)
	case o.Resync <= 0:
		return fmt.Errorf("--resync-period must be positive, not %s", o.Resync)
	case o.CheckInterval <= 0:
		return fmt.Errorf("--backend-check-interval must be positive, not %s", o.CheckInterval)
	case o.SweepInterval <= 0:
		return fmt.Errorf("--sweep-interval must be positive, not %s", o.SweepInterval)
	case o.KMSAddress == o.KMSInsecureAddress && o.KMSAddress != "0":
		return fmt.Errorf("--kms-bind-address and --kms-insecure-bind-address are both %s: HTTPS and plain HTTP need an address each",
			o.KMSAddress)
	case (o.KMSCertFile == "") != (o.KMSKeyFile == ""):
		return errors.New("--kms-tls-cert-file and --kms-tls-key-file go together")
	case o.LeaderElection:
		return checkLeaderElection(o)
	}
	return nil
}

// checkLeaderElection applies the rules of client-go, which would name its own fields, late; and that of a Lease, which
// counts its duration in whole seconds.
func checkLeaderElection(o manager.Options) error {
	switch {
	case o.RetryPeriod <= 0:
		return fmt.Errorf("--leader-elect-retry-period must be positive, not %s", o.RetryPeriod)
	case o.RenewDeadline <= time.Duration(leaderelection.JitterFactor*float64(o.RetryPeriod)):
		return fmt.Errorf("--leader-elect-renew-deadline (%s) must exceed %g times --leader-elect-retry-period (%s)",
			o.RenewDeadline, leaderelection.JitterFactor, o.RetryPeriod)
	case o.LeaseDuration <= o.RenewDeadline:
		return fmt.Errorf("--leader-elect-lease-duration (%s) must exceed --leader-elect-renew-deadline (%s)",
			o.LeaseDuration, o.RenewDeadline)
	case o.LeaseDuration < time.Second:
		return fmt.Errorf("--leader-elect-lease-duration must be at least 1s, not %s", o.LeaseDuration)
	}
	return nil
}

func newLogger(level, format string) (logr.Logger, error) {
	options := &slog.HandlerOptions{}
	var parsed slog.Level
	if err := parsed.UnmarshalText([]byte(level)); err != nil {
		return logr.Logger{}, fmt.Errorf("--log-level must be debug, info, warn or error, not %q", level)
	}
	options.Level = parsed
	switch format {
	case "json":
		return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, options)), nil
	case "text":
		return logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, options)), nil
	default:
		return logr.Logger{}, fmt.Errorf("--log-format must be json or text, not %q", format)
	}
}

// loadConfig finds the API server like kubectl does, and in a pod by its ServiceAccount.
func loadConfig(kubeconfig string) (*rest.Config, error) {
	config, _, err := findCluster(kubeconfig, "")
	return config, err
}

// findCluster is loadConfig for a context of the kubeconfig, or for its current one, with the namespace that goes with it.
func findCluster(kubeconfig, kubeContext string) (config *rest.Config, namespace string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	found := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: kubeContext})
	config, err = found.ClientConfig()
	if clientcmd.IsEmptyConfig(err) { // client-go would advise a variable that is not read here
		return nil, "", errors.New("finding the API server: none is configured: name a kubeconfig with --kubeconfig or $KUBECONFIG, " +
			"put one at ~/.kube/config, or run in a pod with a ServiceAccount")
	}
	if err == nil {
		namespace, _, err = found.Namespace()
	}
	if err != nil {
		return nil, "", fmt.Errorf("finding the API server (--kubeconfig, $KUBECONFIG, ~/.kube/config or a pod's ServiceAccount): %w", err)
	}
	// The API server's priority and fairness paces its clients; a limit of the client's own would only add a queue.
	config.QPS = -1
	config.UserAgent = "chatelaine/" + version.Version
	return config, namespace, nil
}

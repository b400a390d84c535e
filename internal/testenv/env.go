// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testenv gives tests a real Kubernetes API server with etcd behind it, and nothing else: no controller
// manager (namespaces never finish terminating, owners are not garbage-collected) and no kubelet.
//
// A test binary shares one server through TestMain:
//
//	var env *testenv.Env
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Run(m, &env, testenv.Options{})) }
//
// A test that needs a server of its own, or other Options, calls Start. Tests that share a server keep apart by
// namespace: Env.Namespace makes a new one. A test that cuts the way to the server, or looks at what goes over it, takes
// the client of Env.ClientOver.
//
// Authorisation is the real RBAC authorizer. Env.Config is a cluster administrator; Env.ConfigFor acts as a
// ServiceAccount, with the permissions that its bindings give it and no other. Env.Audit counts requests per user.
//
// The binaries come from the folder named by KUBEBUILDER_ASSETS, which `make test` fills and sets. They are stopped
// when the tests end, in whatever way they end: see supervisor.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// startTimeout is long enough for a machine that is busy compiling other packages' tests: for each process to start, and for the
// CRDs to be served then.
const startTimeout = 90 * time.Second

// AdminUser is the user of Env.Config, as in Request.User.
const AdminUser = "admin"

// Options choose what a server is started with. The zero value is a server with Chatelaine's CRDs.
type Options struct {
	// Audit keeps an audit log of every request's metadata: Env.Audit.
	Audit bool
	// WithoutCRDs leaves Chatelaine's CRDs out, for tests that install them themselves.
	WithoutCRDs bool
	// APIServerFlags are further flags of kube-apiserver, by name without dashes.
	APIServerFlags map[string]string
}

// Env is a running API server.
type Env struct {
	// Config is that of a cluster administrator (group system:masters), without client-side rate limits to speak of.
	Config *rest.Config
	// Client acts with Config, reads without a cache, refuses unknown fields, and knows the kinds of Scheme.
	Client client.Client
	// Scheme has Kubernetes' own kinds, CustomResourceDefinition and Chatelaine's kinds.
	Scheme *runtime.Scheme
	// Kubeconfig is the path of a kubeconfig file with the rights of Config.
	Kubeconfig string
	// Audit is the audit log, nil without Options.Audit.
	Audit *AuditLog

	envtest    *envtest.Environment
	supervisor *supervisor
	kubectl    string
}

// Run starts a server, lets env point to it, runs the tests (m is a *testing.M) and stops the server. It returns the
// exit code for os.Exit.
func Run(m interface{ Run() int }, env **Env, opts Options) (code int) {
	started, err := start(opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := started.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	*env = started
	return m.Run()
}

// Start starts a server for one test or benchmark and stops it when that ends.
func Start(tb testing.TB, opts Options) *Env {
	tb.Helper()
	env, err := start(opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := env.stop(); err != nil {
			tb.Error(err)
		}
	})
	return env
}

func start(opts Options) (*Env, error) {
	assets, err := findAssets()
	if err != nil {
		return nil, err
	}
	supervisor, err := supervise(assets)
	if err != nil {
		return nil, fmt.Errorf("preparing the test API server: %w", err)
	}
	env := &Env{supervisor: supervisor, kubectl: assets.kubectl, envtest: &envtest.Environment{}}
	if err := env.start(opts); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the test API server: %w", err), env.stop())
	}
	return env, nil
}

func (e *Env) start(opts Options) error {
	if err := e.configure(opts); err != nil {
		return err
	}
	var err error
	if e.Config, err = e.envtest.Start(); err != nil {
		return err
	}
	// envtest always makes certificates for webhooks, in a folder of its own that it leaves behind when the tests die.
	if err := e.envtest.WebhookInstallOptions.Cleanup(); err != nil {
		return fmt.Errorf("removing the webhooks' certificates: %w", err)
	}
	e.Kubeconfig = filepath.Join(e.supervisor.dir, "kubeconfig")
	if err := os.WriteFile(e.Kubeconfig, e.envtest.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return e.connect()
}

// configure sets everything that envtest has to know before the server starts.
func (e *Env) configure(opts Options) error {
	existing := false
	e.envtest.UseExistingCluster = &existing
	e.envtest.ControlPlaneStartTimeout = startTimeout

	server := e.envtest.ControlPlane.GetAPIServer()
	if err := e.supervisor.take(e.envtest); err != nil {
		return err
	}
	if opts.Audit {
		log, err := configureAudit(server.Configure(), e.supervisor.dir)
		if err != nil {
			return err
		}
		e.Audit = log
	}
	for flag, value := range opts.APIServerFlags {
		server.Configure().Set(flag, value)
	}
	if !opts.WithoutCRDs {
		crds, err := Path("config", "crd", "bases")
		if err != nil {
			return err
		}
		e.envtest.CRDDirectoryPaths = []string{crds}
		e.envtest.ErrorIfCRDPathMissing = true
		e.envtest.CRDInstallOptions.MaxTime = startTimeout
	}
	return nil
}

func (e *Env) connect() error {
	e.Scheme = runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(e.Scheme); err != nil {
			return fmt.Errorf("building the scheme: %w", err)
		}
	}
	plain, err := client.New(e.Config, client.Options{Scheme: e.Scheme})
	if err != nil {
		return fmt.Errorf("building the client: %w", err)
	}
	e.Client = client.WithFieldValidation(plain, "Strict")
	return nil
}

// stop stops the server and removes its files. It works on a server that only half started, too.
func (e *Env) stop() error {
	err := e.supervisor.finish()
	// envtest's own way of stopping waits for every open watch, and fails when one stays open. By now the processes were
	// killed: it waits for their end and may have missed it, which is not an error.
	_ = e.envtest.Stop()
	if err != nil {
		return fmt.Errorf("stopping the test API server: %w", err)
	}
	return nil
}

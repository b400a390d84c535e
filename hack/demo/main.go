// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows Chatelaine at work on this machine: it starts kube-apiserver and etcd, installs what config/ has to
// offer, starts the operator with the permissions of its own ServiceAccount, applies the samples, waits until each of them
// is Ready, and encrypts with one of them through AWS's SDK. `make demo` runs it with --once; `make run` without, and then
// it stays up until Ctrl-C.
//
// Nothing outlives it and nothing outside it is touched: no kubeconfig, no cluster, no file but in a temporary folder.
// The control plane is that of the tests (internal/testenv); a shell that waits on a pipe stops it even when this process
// is killed. It is run from the root of the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// assetsVariable names the folder with kube-apiserver, etcd and kubectl; it is the control plane's own.
const assetsVariable = "KUBEBUILDER_ASSETS"

// options are those of the command line.
type options struct {
	assets  string
	manager string
	samples string
	timeout time.Duration
	once    bool
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(2)
	}
	os.Exit(start(o))
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&o.assets, "assets", os.Getenv(assetsVariable),
		"folder with kube-apiserver, etcd and kubectl; default: $"+assetsVariable)
	flags.StringVar(&o.manager, "manager", "bin/chatelaine", "the operator's program")
	flags.StringVar(&o.samples, "samples", "config/samples", "folder with the kustomization to bring to Ready")
	flags.DurationVar(&o.timeout, "timeout", 3*time.Minute, "how long the samples may take to be Ready")
	flags.BoolVar(&o.once, "once", false, "stop when everything was shown")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("no arguments are expected, only flags, not %q", flags.Arg(0))
	}
	return o, o.check()
}

// check finds what is missing before anything is started.
func (o *options) check() error {
	if o.assets == "" {
		return fmt.Errorf("no control plane: neither --assets nor %s is set; `make demo` and `make run` build one and set it", assetsVariable)
	}
	var err error
	if o.assets, err = filepath.Abs(o.assets); err != nil {
		return fmt.Errorf("resolving --assets: %w", err)
	}
	for flag, path := range map[string]string{"--manager": o.manager, "--samples": o.samples} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("%s: %w; run `make demo` or `make run` in the root of the repository", flag, err)
		}
	}
	return os.Setenv(assetsVariable, o.assets)
}

// start brings the control plane up around the demo and returns the exit code. Until it is up a signal simply ends this
// process, and the control plane with it.
func start(o options) int {
	ctrl.SetLogger(logr.Discard()) // controller-runtime's word on a control plane that fails to start is in the error, too
	screen := newScreen(os.Stdout)
	screen.step("starting kube-apiserver and etcd")
	var env *testenv.Env
	return testenv.Run(running(func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		defer stop()
		context.AfterFunc(ctx, stop) // a second Ctrl-C ends this process at once
		if err := newDemo(o, env, screen).run(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
			return 1
		}
		return 0
	}), &env, testenv.Options{WithoutCRDs: true})
}

// running is what testenv.Run runs in place of tests.
type running func() int

// Run runs it.
func (r running) Run() int { return r() }

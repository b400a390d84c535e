// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const (
	// namespace and serviceAccount are the operator's in config/.
	namespace      = "chatelaine-system"
	serviceAccount = "chatelaine-manager"

	// installTimeout is how long each of the waits for what was installed may take.
	installTimeout = time.Minute
)

var errInterrupted = errors.New("interrupted")

// demo is one run on a control plane that is up.
type demo struct {
	options
	env    *testenv.Env
	screen *screen
	// dir is the control plane's folder: what is put there goes when it goes.
	dir string
	// probe is the address of the operator's probes, kms that of AWS's API.
	probe, kms string
}

func newDemo(o options, env *testenv.Env, screen *screen) *demo {
	return &demo{options: o, env: env, screen: screen, dir: filepath.Dir(env.Kubeconfig)}
}

// run returns once everything is shown and, where it is to stay up, once a signal ended that.
func (d *demo) run(ctx context.Context) error {
	d.screen.step("kube-apiserver and etcd are up")
	if err := d.install(ctx); err != nil {
		return because(ctx, err)
	}
	alive, operator, err := d.startOperator(ctx)
	if err != nil {
		return because(ctx, err)
	}
	defer operator.stop()
	err = because(alive, d.work(alive))
	if err == nil || errors.Is(err, errInterrupted) {
		return err
	}
	return errors.Join(err, operator.lastWords())
}

// work is everything from a started operator on; alive ends with the operator.
func (d *demo) work(alive context.Context) error {
	samples, err := d.bringToReady(alive)
	if err != nil {
		return err
	}
	if err := d.show(alive, samples); err != nil {
		return err
	}
	served, err := d.showEndpoint(alive, samples)
	if err != nil {
		return err
	}
	if d.once {
		d.screen.text("", "That is it. `make run` does the same and stays up, for you to try the operator out.")
		return nil
	}
	return d.stayUp(alive, served)
}

// because prefers the reason why ctx is done, if it is, to what came of that.
func because(ctx context.Context, err error) error {
	ended, ok := errors.AsType[*endedError](context.Cause(ctx))
	switch {
	case err == nil:
		return nil
	case ok:
		return ended
	case ctx.Err() != nil:
		return errInterrupted
	default:
		return err
	}
}

// install applies config/ as a person would, but for the Deployment: there is no kubelet to run it.
func (d *demo) install(ctx context.Context) error {
	for _, args := range [][]string{
		{"apply", "-f", "config/manager/namespace.yaml"},
		{"apply", "-k", "config/crd"},
		{"apply", "-k", "config/rbac"},
		{"apply", "-k", "config/admission"},
		{"wait", "--for=condition=Established", "--timeout=" + installTimeout.String(), "customresourcedefinitions", "--all"},
	} {
		if _, err := d.kubectl(ctx, args...); err != nil {
			return err
		}
	}
	if err := d.waitUntilInForce(ctx); err != nil {
		return err
	}
	d.screen.step("installed the CRDs, RBAC and admission policies of config/")
	return nil
}

// waitUntilInForce waits until the API server tells of the kinds of config/crd and goes by config/rbac, both of which it takes up a
// moment later: an operator that is refused at its start ends.
func (d *demo) waitUntilInForce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	operator := "--as=system:serviceaccount:" + namespace + ":" + serviceAccount
	for _, args := range [][]string{
		{"get", "kmsbackends,keys,keypolicies", "-A"},
		{"auth", "can-i", operator, "get", "namespaces"},
		{"auth", "can-i", operator, "list", "secrets", "-n", namespace},
	} {
		for {
			_, err := d.kubectl(ctx, args...)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return err
			}
			pause(ctx)
		}
	}
	return nil
}

// bringToReady waits for the operator, then for each of the samples.
func (d *demo) bringToReady(ctx context.Context) (samples, error) {
	if err := d.waitForOperator(ctx); err != nil {
		return nil, err
	}
	d.screen.step("the operator is up, with the permissions of ServiceAccount %s/%s", namespace, serviceAccount)
	applied, err := d.applySamples(ctx)
	if err != nil {
		return nil, err
	}
	d.screen.step("applied %s, objects to bring to Ready: %d", d.options.samples, len(applied))
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := d.waitForSamples(ctx, applied); err != nil {
		return nil, err
	}
	d.screen.step("every sample is Ready")
	return applied, nil
}

// show prints what a person wants to see of the samples.
func (d *demo) show(ctx context.Context, applied samples) error {
	for _, line := range []string{"get kmsbackends", "get keys -A", "get keypolicies -A"} {
		printed, err := d.kubectl(ctx, strings.Fields(line)...)
		if err != nil {
			return err
		}
		d.screen.command("kubectl "+line, printed)
	}
	return d.showPublished(ctx, applied)
}

// showPublished prints what the first Key with spec.publish gives its application.
func (d *demo) showPublished(ctx context.Context, applied samples) error {
	namespace, name := applied.published()
	if name == "" {
		return nil
	}
	line := fmt.Sprintf("get configmap %s -n %s -o yaml", name, namespace)
	printed, err := d.kubectl(ctx, strings.Fields(line)...)
	if err != nil {
		return err
	}
	d.screen.command("kubectl "+line+"   # its data:", dataOf(printed))
	return nil
}

// showEndpoint shows a sample key at work within the time that samples have.
func (d *demo) showEndpoint(ctx context.Context, applied samples) (*endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return d.useKey(ctx, applied)
}

func (d *demo) stayUp(ctx context.Context, served *endpoint) error {
	d.screen.text("", "Everything stays up until Ctrl-C. In a second terminal:", "",
		"  export KUBECONFIG="+d.env.Kubeconfig,
		"  export PATH=$PATH:"+d.assets+"   # for kubectl, if you have none", "",
		"  kubectl get chatelaine -A -o wide",
		"  kubectl explain key.spec.rotation.periodInDays",
		"")
	if served != nil {
		d.screen.text("And for AWS's own tools, as the account's root user:", "")
		for _, line := range served.exports() {
			d.screen.text("  " + line)
		}
		d.screen.text("",
			"  aws kms describe-key --key-id "+served.key,
			"  aws kms generate-data-key --key-spec AES_256 --key-id "+served.key,
			"")
	}
	<-ctx.Done()
	if ended, ok := errors.AsType[*endedError](context.Cause(ctx)); ok {
		return ended
	}
	d.screen.text("") // the terminal has written ^C
	d.screen.step("stopping")
	return nil
}

func (d *demo) kubectl(ctx context.Context, args ...string) (string, error) {
	output, err := d.env.Kubectl(ctx, args...)
	return output.Stdout, err
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

const (
	// tokenDuration is longer than anybody leaves `make run` up.
	tokenDuration = "8760h"
	startTimeout  = 3 * time.Minute
	// stopTimeout is how long the operator gets to end by itself.
	stopTimeout = 15 * time.Second
	// lastLines is how much of the operator's log is shown when something went wrong.
	lastLines = 20
)

// operator is the operator's process.
type operator struct {
	process *os.Process
	log     *os.File
	// done is closed when the process has ended.
	done chan struct{}
}

// endedError says that the operator ended before it was asked to.
type endedError struct{ how error }

func (e *endedError) Error() string { return fmt.Sprintf("the operator ended by itself (%v)", e.how) }

// startOperator starts the operator with the permissions that config/rbac gives it, and no other. The context returned
// ends with ctx, and with the operator: its cause then is an *endedError.
func (d *demo) startOperator(ctx context.Context) (context.Context, *operator, error) {
	kubeconfig, err := d.operatorKubeconfig(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, address := range []*string{&d.probe, &d.kms} {
		if *address, _, err = testenv.HoldAddress(); err != nil { // until the demo ends
			return nil, nil, err
		}
	}
	log, err := os.Create(filepath.Join(d.dir, "operator.log"))
	if err != nil {
		return nil, nil, fmt.Errorf("making the operator's log: %w", err)
	}
	cmd := exec.Command(d.manager, "manager",
		"--kubeconfig="+kubeconfig, "--namespace="+namespace,
		"--health-probe-bind-address="+d.probe, "--kms-bind-address="+d.kms, "--metrics-bind-address=0", "--log-format=text")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = processAttributes()

	alive, end := context.WithCancelCause(ctx)
	started, done := make(chan error), make(chan struct{})
	go supervise(cmd, started, func(how error) {
		close(done)
		end(&endedError{how})
	})
	if err := <-started; err != nil {
		return nil, nil, fmt.Errorf("starting the operator: %w", err)
	}
	return alive, &operator{process: cmd.Process, log: log, done: done}, nil
}

// supervise starts the process, says on started what came of it, and calls ended when the process has ended. It stays
// on one thread of the system: Linux ties the death of the parent, by which the process is to end, to the thread that
// started it.
func supervise(cmd *exec.Cmd, started chan<- error, ended func(how error)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return
	}
	how := cmd.Wait()
	if how == nil {
		how = errors.New("exit status 0")
	}
	ended(how)
}

// operatorKubeconfig writes the kubeconfig by which the operator acts as its ServiceAccount.
func (d *demo) operatorKubeconfig(ctx context.Context) (string, error) {
	token, err := d.kubectl(ctx, "create", "token", serviceAccount, "-n", namespace, "--duration="+tokenDuration)
	if err != nil {
		return "", err
	}
	config, err := clientcmd.LoadFromFile(d.env.Kubeconfig)
	if err != nil {
		return "", fmt.Errorf("reading the administrator's kubeconfig: %w", err)
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: strings.TrimSpace(token)}
	}
	path := filepath.Join(d.dir, "operator.kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return "", fmt.Errorf("writing the operator's kubeconfig: %w", err)
	}
	return path, nil
}

// waitForOperator waits until the operator says that it is ready.
func (d *demo) waitForOperator(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var last error
	for {
		err := get(ctx, "http://"+d.probe+"/readyz")
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the operator is not ready after %v (%w)", startTimeout, last)
		}
		last = err
		pause(ctx)
	}
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// stop asks the process to end, and ends it when it does not.
func (o *operator) stop() {
	_ = o.process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-o.done:
	case <-time.After(stopTimeout):
		_ = o.process.Kill()
		<-o.done
	}
}

// lastWords keeps the log for the person, and shows the end of it.
func (o *operator) lastWords() error {
	content, err := os.ReadFile(o.log.Name())
	if err != nil {
		return fmt.Errorf("reading the operator's log: %w", err)
	}
	kept, err := os.CreateTemp("", "chatelaine-demo-*.log")
	if err != nil {
		return fmt.Errorf("keeping the operator's log: %w", err)
	}
	_, err = kept.Write(content)
	if err := errors.Join(err, kept.Close()); err != nil {
		return fmt.Errorf("keeping the operator's log: %w", err)
	}
	return fmt.Errorf("\nthe operator's log is in %s, and ends with:\n%s", kept.Name(), tail(string(content), lastLines))
}

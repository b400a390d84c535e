// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// failpointBinary is the operator built with failpoints, once.
var failpointBinary = sync.OnceValues(func() (string, error) {
	root, err := testenv.Path()
	if err != nil {
		return "", err
	}
	if buildDir, err = os.MkdirTemp("", "chatelaine-failpoints-"); err != nil {
		return "", err
	}
	binary := filepath.Join(buildDir, "chatelaine")
	cmd := exec.Command("go", "build", "-tags", "failpoints", "-o", binary, ".")
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New("building the operator with failpoints: " + err.Error() + "\n" + string(output))
	}
	return binary, nil
})

// process is the operator as a process of its own.
type process struct {
	w   *world
	cmd *exec.Cmd
	log logBuffer
	// done is closed when the process has ended; err is how.
	done chan struct{}
	err  error
}

// run starts the operator as a process; failpoint is where it is to die or stop, empty for nowhere.
func (w *world) run(failpoint string, args ...string) *process {
	w.t.Helper()
	binary, err := failpointBinary()
	if err != nil {
		w.t.Fatal(err)
	}
	kubeconfig := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := w.env.WriteKubeconfigFor(w.ctx, managerAccount, kubeconfig); err != nil {
		w.t.Fatal(err)
	}
	p := &process{w: w, done: make(chan struct{})}
	p.cmd = exec.Command(binary, append([]string{
		"manager", "--kubeconfig", kubeconfig, "--namespace", operatorNamespace, "--log-format", "text",
		"--metrics-bind-address", "0", "--health-probe-bind-address", "0", "--resync-period", "1s",
		"--kms-bind-address", "0",
	}, args...)...)
	p.cmd.Env = append(os.Environ(), "CHATELAINE_FAILPOINT="+failpoint)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	w.t.Cleanup(p.kill)
	return p
}

// logBuffer is what a process wrote, which can be read while it goes on writing.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// controllersStopped is what a replica logs when it led and no longer does.
const controllersStopped = "controllers stopped, standing for the lease again"

// terms is how often the process began to lead, and how often it ceased to.
func (p *process) terms() (begun, ended int) {
	log := p.log.String()
	return strings.Count(log, `msg="Starting workers" controller=key `), strings.Count(log, controllersStopped)
}

func (p *process) exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process if it still runs.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// awaitDeath waits until the process died of SIGKILL, as a failpoint does it.
func (p *process) awaitDeath() {
	p.w.t.Helper()
	err := p.awaitEnd()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		p.w.t.Fatalf("the operator ended otherwise than by the failpoint: %v\n%s", err, p.log.String())
	}
}

func (p *process) awaitEnd() error {
	p.w.t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go into its log
		<-p.done
		p.w.t.Fatalf("the operator still runs; its log:\n%s", p.log.String())
		return nil
	}
}

// awaitStopped waits until the process stands still by SIGSTOP.
func (p *process) awaitStopped() {
	p.w.t.Helper()
	p.w.await(func() (bool, string) {
		stat, err := os.ReadFile("/proc/" + itoa(p.cmd.Process.Pid) + "/stat")
		if err != nil {
			p.w.t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		return strings.HasPrefix(after, "T"), "the operator stopped at the failpoint"
	})
}

func (p *process) resume() {
	p.w.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		p.w.t.Fatal(err)
	}
}

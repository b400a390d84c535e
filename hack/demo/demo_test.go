// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/testenv"
)

// programs are what `make demo` builds.
var programs struct{ root, demo, manager string }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chatelaine-demo-test-")
	if err == nil {
		err = build(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	root, err := testenv.Path()
	if err != nil {
		return err
	}
	programs.root, programs.demo, programs.manager = root, filepath.Join(dir, "demo"), filepath.Join(dir, "chatelaine")
	for program, pkg := range map[string]string{programs.demo: "./hack/demo", programs.manager: "."} {
		cmd := exec.Command("go", "build", "-buildvcs=false", "-o", program, pkg)
		cmd.Dir = root
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", pkg, err, output)
		}
	}
	return nil
}

func TestOnceShowsTheSamplesReadyAndLeavesNothingBehind(t *testing.T) {
	run := startDemo(t, "--once")
	if code := run.wait(); code != 0 {
		t.Fatalf("exit code %d, output:\n%s", code, run.output.String())
	}
	for _, want := range []string{
		"KMSBackend software is Ready",
		"Key chatelaine-samples/orders is Ready",
		"every sample is Ready",
		"$ kubectl get kmsbackends\nNAME ",
		"$ kubectl get keys -A\nNAMESPACE ",
		"KMS_KEY_ARN: arn:aws:kms:local:",
		"AWS's API is served at https://127.0.0.1:",
		"KeyPolicy chatelaine-samples/auditors is Ready",
		"user demo is refused alias/orders: AccessDeniedException",
		"KeyPolicy chatelaine-samples/demo lets user demo use it",
		"user demo encrypted 16 bytes under alias/orders, decrypted them again: the same text",
		"make run",
	} {
		if !strings.Contains(run.output.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if strings.Contains(run.output.String(), "SECRET") {
		t.Error("an access key is shown that nobody can use any more")
	}
	run.assertNothingLeft()
	if t.Failed() {
		t.Logf("output:\n%s", run.output.String())
	}
}

func TestSampleThatDoesNotBecomeReadyIsExplained(t *testing.T) {
	folder := kustomization(t, `apiVersion: kms.chatelaine.dev/v1alpha1
kind: Key
metadata: {namespace: default, name: orphan}
spec: {backendRef: {name: nowhere}}
`)
	run := startDemo(t, "--once", "--samples="+folder, "--timeout=8s")
	if code := run.wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"not Ready after 8s", "Key default/orphan", "BackendReady", "BackendNotFound", "nowhere"} {
		if !strings.Contains(run.output.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	run.assertNothingLeft("chatelaine-demo-*.log")
	if t.Failed() {
		t.Logf("output:\n%s", run.output.String())
	}
}

func TestOperatorThatEndsEarlyIsReportedWithTheEndOfItsLog(t *testing.T) {
	manager := filepath.Join(t.TempDir(), "manager")
	script := "#!/bin/sh\nsleep 1\necho the reason why >&2\nexit 3\n"
	if err := os.WriteFile(manager, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	run := startDemo(t, "--once", "--manager="+manager)
	if code := run.wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range []string{"the operator ended by itself (exit status 3)", "\n  the reason why\n"} {
		if !strings.Contains(run.output.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, run.output.String())
		}
	}
	run.assertNothingLeft("chatelaine-demo-*.log")
}

func TestEverythingStaysUpUntilCtrlCAndNothingAfterwards(t *testing.T) {
	run := startDemo(t)
	run.endBy(syscall.SIGINT)
	if code := run.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	run.assertNothingLeft()
}

func TestMissingProgramsAreNamedWithTheWayOut(t *testing.T) {
	for name, test := range map[string]struct{ flag, want string }{
		"no folder with the control plane": {"--assets=", "neither --assets nor KUBEBUILDER_ASSETS is set"},
		"no operator":                      {"--manager=/nowhere", "--manager: stat /nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			run := startDemo(t, test.flag)
			if code := run.wait(); code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			for _, want := range []string{test.want, "`make demo`"} {
				if !strings.Contains(run.output.String(), want) {
					t.Errorf("output %q does not contain %q", run.output.String(), want)
				}
			}
		})
	}
}

// run is a demo that runs with a temporary folder of its own, by which its processes and files are recognised.
type run struct {
	t      *testing.T
	cmd    *exec.Cmd
	tmp    string
	stdout *bufio.Reader
	output bytes.Buffer
}

func startDemo(t *testing.T, args ...string) *run {
	t.Helper()
	r := &run{t: t, tmp: t.TempDir()}
	r.cmd = exec.Command(programs.demo, append([]string{"--manager=" + programs.manager}, args...)...)
	r.cmd.Dir = programs.root
	r.cmd.Env = append(os.Environ(), "TMPDIR="+r.tmp)
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.stdout = bufio.NewReader(stdout)
	r.cmd.Stderr = r.cmd.Stdout
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	return r
}

// waitFor reads the output up to a line with text in it.
func (r *run) waitFor(text string) {
	r.t.Helper()
	for {
		line, err := r.stdout.ReadString('\n')
		r.output.WriteString(line)
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			r.t.Fatalf("no line with %q in the output:\n%s", text, r.output.String())
		}
	}
}

// endBy waits until everything is up and sends the demo the signal.
func (r *run) endBy(signal syscall.Signal) {
	r.t.Helper()
	r.waitFor("export KUBECONFIG=" + r.tmp)
	if running := processesWith(r.t, r.tmp); len(running) < 3 {
		r.t.Errorf("want kube-apiserver, etcd and the operator to run, got %q", running)
	}
	if err := r.cmd.Process.Signal(signal); err != nil {
		r.t.Fatal(err)
	}
}

// wait reads the rest of the output and returns the exit code, -1 for a signal.
func (r *run) wait() int {
	r.t.Helper()
	if _, err := io.Copy(&r.output, r.stdout); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		r.t.Fatal(err)
	}
	return r.cmd.ProcessState.ExitCode()
}

// kustomization is a folder that kubectl apply -k takes.
func kustomization(t *testing.T, manifest string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"kustomization.yaml": "resources: [manifest.yaml]\n", "manifest.yaml": manifest} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

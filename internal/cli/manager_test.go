// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/version"
)

// nothingConfigured hides this machine's kubeconfig, and the ServiceAccount where the test runs in a pod.
func nothingConfigured(t *testing.T) {
	t.Helper()
	empty := t.TempDir()
	t.Setenv("HOME", empty)
	t.Setenv("KUBECONFIG", filepath.Join(empty, "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBERNETES_SERVICE_PORT", "")
	t.Setenv(namespaceVariable, "")
}

func TestTheManagerRefusesABadFlagByItsName(t *testing.T) {
	for _, c := range []struct{ flags, want string }{
		{"--namespace=", "--namespace must not be empty"},
		{"--workers=0", "--workers must be at least 1, not 0"},
		{"--workers=-1", "--workers must be at least 1, not -1"},
		{"--workers=many", `invalid argument "many" for "--workers" flag`},
		{"--resync-period=0s", "--resync-period must be positive, not 0s"},
		{"--resync-period=-1m", "--resync-period must be positive, not -1m0s"},
		{"--resync-period=soon", `invalid argument "soon" for "--resync-period" flag`},
		{"--backend-check-interval=0s", "--backend-check-interval must be positive, not 0s"},
		{"--backend-check-interval=-1m", "--backend-check-interval must be positive, not -1m0s"},
		{"--sweep-interval=0s", "--sweep-interval must be positive, not 0s"},
		{"--kms-insecure-bind-address=:8443",
			"--kms-bind-address and --kms-insecure-bind-address are both :8443: HTTPS and plain HTTP need an address each"},
		{"--kms-tls-cert-file=tls.crt", "--kms-tls-cert-file and --kms-tls-key-file go together"},
		{"--leader-elect=perhaps", `invalid argument "perhaps" for "--leader-elect" flag`},
		{"--leader-elect --leader-elect-lease-duration=10s",
			"--leader-elect-lease-duration (10s) must exceed --leader-elect-renew-deadline (10s)"},
		{"--leader-elect --leader-elect-renew-deadline=20s",
			"--leader-elect-lease-duration (15s) must exceed --leader-elect-renew-deadline (20s)"},
		{"--leader-elect --leader-elect-lease-duration=900ms --leader-elect-renew-deadline=500ms --leader-elect-retry-period=100ms",
			"--leader-elect-lease-duration must be at least 1s, not 900ms"},
		{"--leader-elect --leader-elect-renew-deadline=2s",
			"--leader-elect-renew-deadline (2s) must exceed 1.2 times --leader-elect-retry-period (2s)"},
		{"--leader-elect --leader-elect-retry-period=9s",
			"--leader-elect-renew-deadline (10s) must exceed 1.2 times --leader-elect-retry-period (9s)"},
		{"--leader-elect --leader-elect-retry-period=0s", "--leader-elect-retry-period must be positive, not 0s"},
		{"--leader-elect --leader-elect-retry-period=-1s", "--leader-elect-retry-period must be positive, not -1s"},
		{"--log-level=loud", `--log-level must be debug, info, warn or error, not "loud"`},
		{"--log-level=", `--log-level must be debug, info, warn or error, not ""`},
		{"--log-format=xml", `--log-format must be json or text, not "xml"`},
		{"--log-format=", `--log-format must be json or text, not ""`},
		{"--kubeconfig=/does/not/exist", "/does/not/exist"},
	} {
		t.Run(c.flags, func(t *testing.T) {
			nothingConfigured(t)
			_, _, err := run(t, append([]string{"manager"}, strings.Fields(c.flags)...)...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// Past its flags, a manager of a machine where nothing is configured fails to find an API server, and says so.
func TestTheManagerAcceptsGoodFlags(t *testing.T) {
	for _, flags := range []string{
		"",
		"--leader-elect",
		"--leader-elect --leader-elect-lease-duration=1s --leader-elect-renew-deadline=700ms --leader-elect-retry-period=200ms",
		"--leader-elect=false --leader-elect-retry-period=0s --leader-elect-renew-deadline=0s",
		"--workers=1 --resync-period=1s --backend-check-interval=1s --sweep-interval=1s --namespace=keys",
		"--metrics-bind-address=0 --health-probe-bind-address=0",
		"--log-level=debug --log-format=text",
	} {
		t.Run(flags, func(t *testing.T) {
			nothingConfigured(t)
			_, _, err := run(t, append([]string{"manager"}, strings.Fields(flags)...)...)
			if err == nil || !strings.HasPrefix(err.Error(), "finding the API server") {
				t.Errorf("error %v, want none of its flags", err)
			}
		})
	}
}

func TestTheNamespaceIsThePodsOwnUnlessTheFlagSaysOtherwise(t *testing.T) {
	for pod, want := range map[string]string{"": "chatelaine-system", "keys": "keys"} {
		t.Setenv(namespaceVariable, pod)
		if got := newManagerCommand().Flags().Lookup("namespace").DefValue; got != want {
			t.Errorf("in namespace %q the default is %q, want %q", pod, got, want)
		}
	}
}

func TestWithoutAnyConfigurationTheErrorSaysWhereOneIsLookedFor(t *testing.T) {
	nothingConfigured(t)
	config, err := loadConfig("")
	if err == nil {
		t.Fatalf("found %s", config.Host)
	}
	for _, want := range []string{"finding the API server", "--kubeconfig", "$KUBECONFIG", "~/.kube/config", "ServiceAccount"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "KUBERNETES_MASTER") {
		t.Errorf("the error gives an advice that does not help: %v", err)
	}
}

func TestAKubeconfigIsFoundByFlagAndByEnvironment(t *testing.T) {
	write := func(host string) string {
		path := filepath.Join(t.TempDir(), "config")
		text := `{"apiVersion": "v1", "kind": "Config", "current-context": "c",
			"clusters": [{"name": "c", "cluster": {"server": "` + host + `"}}],
			"contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
			"users": [{"name": "u", "user": {}}]}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	nothingConfigured(t)
	t.Setenv("KUBECONFIG", write("https://environment.example"))
	for flag, want := range map[string]string{
		"":                            "https://environment.example",
		write("https://flag.example"): "https://flag.example",
	} {
		config, err := loadConfig(flag)
		if err != nil {
			t.Fatal(err)
		}
		if config.Host != want {
			t.Errorf("API server %s, want %s", config.Host, want)
		}
		if config.QPS >= 0 || config.UserAgent != "chatelaine/"+version.Version {
			t.Errorf("limited to %g calls a second as %q", config.QPS, config.UserAgent)
		}
	}
}

func TestAKubeconfigThatCannotBeReadIsNamed(t *testing.T) {
	nothingConfigured(t)
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("kind: [unclosed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %s", err, path)
	}
}

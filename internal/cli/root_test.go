// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chatelaine-dev/chatelaine/internal/version"
)

// run is what a person gets to see of a command: what it prints, and its error, which main prints.
func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	stdout, stderr = capture(t, func() { err = Execute(t.Context(), args) })
	return stdout, stderr, err
}

// capture is what do writes to standard output and to standard error.
func capture(t *testing.T, do func()) (stdout, stderr string) {
	t.Helper()
	wasOut, wasErr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = wasOut, wasErr }()
	outFile, errFile := tempFile(t), tempFile(t)
	os.Stdout, os.Stderr = outFile, errFile
	do()
	return content(t, outFile), content(t, errFile)
}

func tempFile(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func content(t *testing.T, file *os.File) string {
	t.Helper()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestVersionPrintsWhichBuildThisIs(t *testing.T) {
	wasVersion, wasCommit := version.Version, version.Commit
	t.Cleanup(func() { version.Version, version.Commit = wasVersion, wasCommit })
	version.Version, version.Commit = "v1.2.3", "0123abc"

	stdout, stderr, err := run(t, "version")
	if err != nil || stderr != "" {
		t.Errorf("error %v, standard error %q", err, stderr)
	}
	want := "chatelaine v1.2.3 (commit 0123abc, " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")\n"
	if stdout != want {
		t.Errorf("printed %q, want %q", stdout, want)
	}
}

func TestWhatIsUnknownIsNamedAndNothingElseIsPrinted(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"mangaer"}, `unknown command "mangaer" for "chatelaine"`},
		{[]string{"--colour"}, "unknown flag: --colour"},
		{[]string{"version", "--colour"}, "unknown flag: --colour"},
		{[]string{"version", "please"}, `unknown command "please" for "chatelaine version"`},
		{[]string{"manager", "--colour"}, "unknown flag: --colour"},
		{[]string{"manager", "please"}, `unknown command "please" for "chatelaine manager"`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			nothingConfigured(t)
			stdout, stderr, err := run(t, c.args...)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if stdout != "" || stderr != "" {
				t.Errorf("printed %q and %q", stdout, stderr)
			}
		})
	}
}

func TestAMistypedCommandIsToldTheRightOne(t *testing.T) {
	_, _, err := run(t, "manger")
	if err == nil || !strings.Contains(err.Error(), "Did you mean this?\n\tmanager") {
		t.Errorf("error %v", err)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}} {
		stdout, _, err := run(t, args...)
		if err != nil {
			t.Errorf("%v: error %v", args, err)
		}
		for _, command := range []string{"manager", "kms", "policy", "version"} {
			if !strings.Contains(stdout, "\n  "+command+" ") {
				t.Errorf("%v: %s is missing in:\n%s", args, command, stdout)
			}
		}
	}
}

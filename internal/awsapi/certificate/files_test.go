// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
)

// pair is a folder with a certificate, its key and its issuer, and what serves from there.
type pair struct {
	folder string
	config certificate.FilesConfig
	clock  *clocktesting.FakeClock
	log    logbook
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{folder: t.TempDir(), clock: clocktesting.NewFakeClock(start)}
	file := func(name, flag string) certificate.File {
		return certificate.File{Path: filepath.Join(p.folder, name), Flag: "--kms-tls-" + flag + "-file"}
	}
	p.config = certificate.FilesConfig{
		Cert: file("tls.crt", "cert"), Key: file("tls.key", "key"), Clock: p.clock, Log: p.log.logger(),
	}
	return p
}

func (p *pair) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) put(t *testing.T, i *issued) {
	t.Helper()
	p.write(t, "tls.crt", i.certPEM())
	p.write(t, "tls.key", i.keyPEM(t))
}

func (p *pair) serve(t *testing.T) *certificate.Files {
	t.Helper()
	files, err := certificate.NewFiles(p.config)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// run runs until the test ends; the function that it returns lets ten seconds pass.
func (p *pair) run(t *testing.T, files *certificate.Files) (tick func()) {
	t.Helper()
	done := make(chan error)
	go func() { done <- files.Run(t.Context()) }()
	t.Cleanup(func() { // runs when t.Context has ended
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	awaitTimer(t, p.clock)
	return func() {
		t.Helper()
		p.clock.Step(10 * time.Second)
		awaitTimer(t, p.clock)
	}
}

// serves says whether clients get this certificate.
func serves(t *testing.T, files *certificate.Files, i *issued) bool {
	t.Helper()
	got, err := handshake(t, files.TLSConfig(), i.certPEM(), i.certificate.DNSNames[0], start)
	return err == nil && got.Equal(i.certificate)
}

func TestACertificateFromFilesIsServedAndReadAgainWhenItChanges(t *testing.T) {
	p := newPair(t)
	first, second := issue(t, "one.example", nil, nil), issue(t, "two.example", nil, nil)
	p.put(t, first)
	files := p.serve(t)
	if !serves(t, files, first) {
		t.Error("the first certificate is not served")
	}
	if files.Bundle() != nil {
		t.Error("there is a bundle although no file has it")
	}
	tick := p.run(t, files)
	p.put(t, second)
	tick()
	if !serves(t, files, second) {
		t.Error("the second certificate is not served")
	}
	lines := strings.Count(p.log.String(), "\n")
	tick()
	if n := strings.Count(p.log.String(), "\n"); n != lines {
		t.Errorf("files that did not change were taken up again:\n%s", &p.log)
	}
}

func TestABrokenNewPairKeepsTheOldOneAndIsLoggedOnce(t *testing.T) {
	first, second := issue(t, "one.example", nil, nil), issue(t, "two.example", nil, nil)
	for what, spoil := range map[string]func(t *testing.T, p *pair){
		"a key that belongs to another": func(t *testing.T, p *pair) { p.write(t, "tls.crt", second.certPEM()) },
		"no certificate":                func(t *testing.T, p *pair) { p.write(t, "tls.crt", []byte("hunter2")) },
		"no key":                        func(t *testing.T, p *pair) { p.write(t, "tls.key", []byte("hunter2")) },
		"half a certificate": func(t *testing.T, p *pair) {
			p.write(t, "tls.crt", bytes.Replace(first.certPEM(), []byte("\nMII"), []byte("\nMIJ"), 1))
		},
		"no file": func(t *testing.T, p *pair) {
			if err := os.Remove(p.config.Key.Path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			p := newPair(t)
			p.put(t, first)
			files := p.serve(t)
			tick := p.run(t, files)
			spoil(t, p)
			tick()
			tick()
			if !serves(t, files, first) {
				t.Error("the old certificate is no longer served")
			}
			if n := strings.Count(p.log.String(), "could not be read again"); n != 1 || strings.Contains(p.log.String(), "hunter2") {
				t.Errorf("logged %d times:\n%s", n, &p.log)
			}
			p.put(t, first)
			tick()
			if n := strings.Count(p.log.String(), "can be read again"); n != 1 {
				t.Errorf("the recovery was logged %d times:\n%s", n, &p.log)
			}
			p.put(t, second)
			tick()
			if !serves(t, files, second) {
				t.Error("a good pair after a broken one is not served")
			}
		})
	}
}

func TestFilesThatCannotBeUsedAtTheStartAreNamedWithTheirFlags(t *testing.T) {
	good, other := issue(t, "one.example", nil, nil), issue(t, "two.example", nil, nil)
	for what, c := range map[string]struct {
		spoil func(p *pair)
		want  []string
	}{
		"no certificate file": {func(p *pair) { p.config.Cert.Path += "x" }, []string{"--kms-tls-cert-file", "tls.crtx", "no such file"}},
		"no key file":         {func(p *pair) { p.config.Key.Path += "x" }, []string{"--kms-tls-key-file", "tls.keyx", "no such file"}},
		"a folder":            {func(p *pair) { p.config.Key.Path = p.folder }, []string{"--kms-tls-key-file", "directory"}},
		"no certificate":      {func(p *pair) { p.write(t, "tls.crt", []byte("hunter2")) }, []string{"--kms-tls-cert-file", "no certificate in PEM"}},
		"no key":              {func(p *pair) { p.write(t, "tls.key", []byte("hunter2")) }, []string{"--kms-tls-key-file", "PEM"}},
		"another key":         {func(p *pair) { p.write(t, "tls.key", other.keyPEM(t)) }, []string{"--kms-tls-key-file", "does not match"}},
		"a huge file":         {func(p *pair) { p.write(t, "tls.crt", make([]byte, 2<<20)) }, []string{"--kms-tls-cert-file", "more than"}},
		"no bundle": {func(p *pair) {
			p.config.CA = certificate.File{Path: filepath.Join(p.folder, "tls.key"), Flag: "--kms-tls-ca-file"}
		}, []string{"--kms-tls-ca-file", "no certificate in PEM"}},
	} {
		t.Run(what, func(t *testing.T) {
			p := newPair(t)
			p.put(t, good)
			c.spoil(p)
			_, err := certificate.NewFiles(p.config)
			if err == nil {
				t.Fatal("there is no error")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %s", err, part)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Count(err.Error(), p.folder) != 1 {
				t.Errorf("the message is %q", err)
			}
		})
	}
}

func TestTheBundleBesideACertificateIsPublishedAndFollowsItsFile(t *testing.T) {
	p := newPair(t)
	p.config.CA = certificate.File{Path: filepath.Join(p.folder, "ca.crt"), Flag: "--kms-tls-ca-file"}
	root, newer := issue(t, "root", nil, authority), issue(t, "newer", nil, authority)
	p.put(t, issue(t, "one.example", root, nil))
	p.write(t, "ca.crt", root.certPEM())
	files := p.serve(t)
	if _, err := handshake(t, files.TLSConfig(), files.Bundle(), "one.example", start); err != nil {
		t.Error(err)
	}
	told := 0
	stop := files.Watch(func() { told++ })
	tick := p.run(t, files)
	p.write(t, "ca.crt", append(root.certPEM(), newer.certPEM()...))
	tick()
	if certificatesIn(files.Bundle()) != 2 || told != 1 {
		t.Errorf("there are %d certificates, told %d times", certificatesIn(files.Bundle()), told)
	}
	stop()
	p.write(t, "ca.crt", root.certPEM())
	tick()
	if certificatesIn(files.Bundle()) != 1 || told != 1 {
		t.Errorf("there are %d certificates, told %d times after the end", certificatesIn(files.Bundle()), told)
	}
}

func TestAnExpiredCertificateIsServedAndLoggedOnce(t *testing.T) {
	p := newPair(t)
	p.put(t, issue(t, "one.example", nil, func(template *x509.Certificate) { template.NotAfter = start.Add(15 * time.Second) }))
	tick := p.run(t, p.serve(t))
	for i, want := range []int{0, 1, 1} {
		tick()
		if n := strings.Count(p.log.String(), "has expired"); n != want {
			t.Errorf("look %d: logged %d times", i, n)
		}
	}
}

func TestClientsBelowTLS12AreRefused(t *testing.T) {
	p := newPair(t)
	served := issue(t, "one.example", nil, nil)
	p.put(t, served)
	files := p.serve(t)
	roots := x509.NewCertPool()
	roots.AddCert(served.certificate)
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		_, err := connect(t, files.TLSConfig(), &tls.Config{
			RootCAs: roots, ServerName: "one.example", MinVersion: tls.VersionTLS10, MaxVersion: version,
			Time: func() time.Time { return start },
		})
		if (err == nil) != ok {
			t.Errorf("%s: got %v", tls.VersionName(version), err)
		}
	}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

const (
	// filesInterval is how often the files are looked at.
	filesInterval = 10 * time.Second
	// maxFile is the size in bytes of the largest file that is read: many more certificates than a chain has.
	maxFile = 1 << 20
)

// File is one that the user named, by a flag that messages about it name again.
type File struct {
	Path string
	// Flag with its dashes, such as --kms-tls-cert-file.
	Flag string
}

// FilesConfig says which files to serve from.
type FilesConfig struct {
	// Cert has the certificate and after it its chain, Key its private key, both in PEM.
	Cert, Key File
	// CA has the certificates that clients should trust, in PEM; without a path, Bundle is empty.
	CA    File
	Clock clock.Clock
	Log   logr.Logger
}

// Files serves a certificate that somebody else issued. It is safe for concurrent use.
type Files struct {
	shown

	config FilesConfig
	// read is the sum of what was read last, and unusable is why that could not be used, if so.
	read     [sha256.Size]byte
	unusable error
	lastErr  error // of the last look
	// expiryTold is the certificate of which it was logged that it has expired.
	expiryTold *x509.Certificate
}

// NewFiles reads the files. It is an error that names the file and its flag if they cannot be used. An expired certificate
// can: clients will say so, and another one may come.
func NewFiles(config FilesConfig) (*Files, error) {
	f := &Files{config: config}
	if err := f.look(); err != nil {
		return nil, err
	}
	f.tellExpiry()
	return f, nil
}

// Run reads the files again every ten seconds, until ctx ends. If they cannot be used, that is logged once, and what was read
// before stays in use.
func (f *Files) Run(ctx context.Context) error {
	for sleep(ctx, f.config.Clock, filesInterval) {
		err := f.look()
		switch {
		case err != nil && (f.lastErr == nil || f.lastErr.Error() != err.Error()):
			f.config.Log.Error(err, "the endpoint's certificate could not be read again, the one before stays in use")
		case err == nil && f.lastErr != nil:
			f.config.Log.Info("the endpoint's certificate can be read again")
		}
		f.lastErr = err
		f.tellExpiry()
	}
	return nil
}

// look reads the files and takes up what is new in them.
func (f *Files) look() error {
	certPEM, err := f.config.Cert.read()
	if err != nil {
		return err
	}
	keyPEM, err := f.config.Key.read()
	if err != nil {
		return err
	}
	var caPEM []byte
	if f.config.CA.Path != "" {
		if caPEM, err = f.config.CA.read(); err != nil {
			return err
		}
	}
	if sum := sumOf(certPEM, keyPEM, caPEM); sum != f.read {
		f.read, f.unusable = sum, f.takeUp(certPEM, keyPEM, caPEM)
	}
	return f.unusable
}

func sumOf(contents ...[]byte) [sha256.Size]byte {
	var sums []byte
	for _, content := range contents {
		sum := sha256.Sum256(content)
		sums = append(sums, sum[:]...)
	}
	return sha256.Sum256(sums)
}

func (f *Files) takeUp(certPEM, keyPEM, caPEM []byte) error {
	chain, err := parseCertificates(certPEM)
	if err != nil {
		return f.config.Cert.failed(err)
	}
	// What is wrong now is wrong with the key.
	certificate, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return f.config.Key.failed(err)
	}
	certificate.Leaf = chain[0]
	var bundle []byte
	if f.config.CA.Path != "" {
		trusted, err := parseCertificates(caPEM)
		if err != nil {
			return f.config.CA.failed(err)
		}
		bundle = encodeCertificates(trusted)
	}
	f.config.Log.Info("read the endpoint's certificate", "file", f.config.Cert.Path,
		"names", describe(certificate.Leaf), "notAfter", certificate.Leaf.NotAfter)
	f.show(&certificate, bundle)
	return nil
}

func (f *Files) tellExpiry() {
	leaf := f.certificate.Load().Leaf
	if f.config.Clock.Now().After(leaf.NotAfter) && f.expiryTold != leaf {
		f.expiryTold = leaf
		f.config.Log.Error(nil, "the endpoint's certificate has expired, clients refuse it",
			"file", f.config.Cert.Path, "notAfter", leaf.NotAfter)
	}
}

func (f File) read() ([]byte, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, f.failed(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, f.failed(err)
	}
	if len(content) > maxFile {
		return nil, f.failed(fmt.Errorf("it has more than %d bytes", maxFile))
	}
	return content, nil
}

func (f File) failed(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err // the path is said already
	}
	return fmt.Errorf("reading %s %s: %w", f.Flag, f.Path, err)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/client-go/kubernetes"

	"github.com/chatelaine-dev/chatelaine/controllers/cabundle"
	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
)

// podIPVariable is set by the Deployment through the downward API.
const podIPVariable = "POD_IP"

// serving is the certificate to serve with, and what clients have to trust for it.
type serving interface {
	cabundle.Bundle
	// Run keeps both up to date until ctx is done.
	Run(ctx context.Context) error
	TLSConfig() *tls.Config
}

// newServing is the certificate that the options name, or one of the operator's own CA.
func newServing(ctx context.Context, o Options, direct kubernetes.Interface) (serving, error) {
	log := logr.FromContextOrDiscard(ctx).WithName("certificate")
	if o.KMSCertFile != "" {
		return certificate.NewFiles(certificate.FilesConfig{
			Cert: certificate.File{Path: o.KMSCertFile, Flag: "--kms-tls-cert-file"},
			Key:  certificate.File{Path: o.KMSKeyFile, Flag: "--kms-tls-key-file"},
			CA:   certificate.File{Path: o.KMSCAFile, Flag: "--kms-tls-ca-file"}, Clock: o.Clock, Log: log,
		})
	}
	names := certificate.ServiceNames(o.KMSService, o.Namespace, append(o.KMSNames, os.Getenv(podIPVariable))...)
	authority, err := certificate.NewAuthority(certificate.Config{
		Client: direct, Namespace: o.Namespace, Name: certificate.DefaultName, Names: names, Clock: o.Clock, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("--kms-tls-names: %w", err)
	}
	if err := authority.Sync(ctx); err != nil { // Run tries again
		log.Error(err, "the endpoint has no certificate yet")
	}
	return authority, nil
}

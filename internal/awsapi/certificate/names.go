// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// ServiceNames are the names by which clients in the cluster reach a Service, and by which the endpoint's own pod does: those
// of the Service, localhost, and the loopback addresses. To them come more names and IP addresses, of which empty ones
// (a pod's address that is not known) are left out. A cluster domain other than cluster.local is among those more.
func ServiceNames(service, namespace string, more ...string) []string {
	names := []string{
		service,
		service + "." + namespace,
		service + "." + namespace + ".svc",
		service + "." + namespace + ".svc.cluster.local",
		"localhost", "127.0.0.1", "::1",
	}
	for _, name := range more {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// subject are the names in a certificate.
type subject struct {
	dnsNames    []string
	ipAddresses []net.IP
}

// parseNames tells IP addresses from DNS names, which may begin with "*.".
func parseNames(names []string) (subject, error) {
	var s subject
	for _, name := range names {
		if address, err := netip.ParseAddr(name); err == nil && address.Zone() == "" {
			s.ipAddresses = append(s.ipAddresses, address.AsSlice())
			continue
		}
		if len(validation.IsDNS1123Subdomain(strings.TrimPrefix(name, "*."))) > 0 {
			return subject{}, fmt.Errorf("%q is neither a DNS name in lower case nor an IP address", name)
		}
		s.dnsNames = append(s.dnsNames, name)
	}
	if len(names) == 0 {
		return subject{}, fmt.Errorf("a certificate needs a name or an IP address")
	}
	return s, nil
}

// describe has the names in a form for logs.
func describe(certificate *x509.Certificate) []string {
	names := slices.Clone(certificate.DNSNames)
	for _, address := range certificate.IPAddresses {
		names = append(names, address.String())
	}
	return names
}

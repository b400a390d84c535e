// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package certificate_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/chatelaine-dev/chatelaine/internal/awsapi/certificate"
)

func TestACAOfTheUsersOwnSignsAndItsSecretIsNeverWritten(t *testing.T) {
	root := issue(t, "root", nil, authority)
	between := issue(t, "between", root, authority)
	below := issue(t, "below", between, authority)
	for what, data := range map[string]map[string][]byte{
		"self-signed":                 {"tls.crt": root.certPEM(), "tls.key": root.keyPEM(t)},
		"self-signed, with a bundle":  {"tls.crt": root.certPEM(), "tls.key": root.keyPEM(t), "ca.crt": root.certPEM()},
		"below a root":                {"tls.crt": between.certPEM(), "tls.key": between.keyPEM(t), "ca.crt": root.certPEM()},
		"below another, with a chain": {"tls.crt": slices.Concat(below.certPEM(), between.certPEM()), "tls.key": below.keyPEM(t), "ca.crt": root.certPEM()},
	} {
		t.Run(what, func(t *testing.T) {
			r := newReplica(t, env.Namespace(t))
			secret := r.put(t, data)
			r.sync(t)
			if !bytes.Equal(r.Bundle(), root.certPEM()) {
				t.Errorf("the bundle has %d certificates", certificatesIn(r.Bundle()))
			}
			if err := r.accepts(t, root.certPEM()); err != nil {
				t.Error(err)
			}
			r.clock.SetTime(root.certificate.NotAfter.Add(-day)) // the operator's own would have been replaced by now
			r.sync(t)
			if !r.served(t).NotAfter.Equal(root.certificate.NotAfter) {
				t.Errorf("the certificate is valid until %s, its CA until %s", r.served(t).NotAfter, root.certificate.NotAfter)
			}
			if err := r.accepts(t, root.certPEM()); err != nil {
				t.Error(err)
			}
			r.unchanged(t, secret)
		})
	}
}

func TestTheOperatorsCAIsReplacedByTheUsersInPlace(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	own := r.Bundle()
	theirs := issue(t, "theirs", nil, authority)
	secret := r.edit(t, func(secret *corev1.Secret) {
		secret.Data["tls.crt"], secret.Data["tls.key"] = theirs.certPEM(), theirs.keyPEM(t)
	})
	r.sync(t)
	if err := r.accepts(t, theirs.certPEM()); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(r.Bundle(), append(own, theirs.certPEM()...)) {
		t.Errorf("the bundle has %d certificates, want the former CA's and the new one's", certificatesIn(r.Bundle()))
	}
	r.unchanged(t, secret)
}

func TestASecretThatHoldsSomethingElseIsNeverOverwritten(t *testing.T) {
	root, other := issue(t, "root", nil, authority), issue(t, "other", nil, authority)
	between := issue(t, "between", root, authority)
	server := issue(t, "server.example", nil, nil)
	expired := issue(t, "expired", nil, func(template *x509.Certificate) {
		authority(template)
		template.NotAfter = start.Add(-time.Hour)
	})
	low := issue(t, "low", expired, authority)
	narrow := issue(t, "narrow", nil, func(template *x509.Certificate) {
		authority(template)
		template.PermittedDNSDomains, template.PermittedDNSDomainsCritical = []string{"example.com"}, true
	})
	cases := map[string]struct {
		data map[string][]byte
		want string
	}{
		"nothing":                   {map[string][]byte{}, "no certificate in PEM"},
		"a password":                {map[string][]byte{"password": []byte("hunter2"), "tls.crt": []byte("hunter2")}, "no certificate in PEM"},
		"another key":               {map[string][]byte{"tls.crt": root.certPEM(), "tls.key": other.keyPEM(t)}, "does not match"},
		"no CA":                     {map[string][]byte{"tls.crt": server.certPEM(), "tls.key": server.keyPEM(t)}, "CA:TRUE"},
		"an expired CA":             {map[string][]byte{"tls.crt": expired.certPEM(), "tls.key": expired.keyPEM(t)}, "tls.crt expired at 2026-03-01T09:00:00Z"},
		"a CA without its root":     {map[string][]byte{"tls.crt": between.certPEM(), "tls.key": between.keyPEM(t)}, "would refuse"},
		"a CA with another root":    {map[string][]byte{"tls.crt": between.certPEM(), "tls.key": between.keyPEM(t), "ca.crt": other.certPEM()}, "would refuse"},
		"a bundle that is none":     {map[string][]byte{"tls.crt": root.certPEM(), "tls.key": root.keyPEM(t), "ca.crt": []byte("hunter2")}, "ca.crt"},
		"a CA for other names":      {map[string][]byte{"tls.crt": narrow.certPEM(), "tls.key": narrow.keyPEM(t)}, "not permitted"},
		"a CA below an expired one": {map[string][]byte{"tls.crt": slices.Concat(low.certPEM(), expired.certPEM()), "tls.key": low.keyPEM(t), "ca.crt": root.certPEM()}, "CN=expired expired at 2026-03-01T09:00:00Z"},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			r := newReplica(t, env.Namespace(t))
			r.sync(t)
			bundle := r.Bundle()
			r.delete(t)
			secret := r.put(t, c.data)
			for range 2 {
				r.clock.Step(15 * day)
				err := r.Sync(t.Context())
				if _, ok := errors.AsType[*certificate.InvalidError](err); !ok {
					t.Fatalf("got %v", err)
				}
				for _, part := range []string{r.config.Namespace + "/" + r.config.Name, "delete the Secret", c.want} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not say %s", err, part)
					}
				}
			}
			r.unchanged(t, secret)
			if log := r.log.String(); strings.Contains(log, "hunter2") || strings.Contains(log, "PRIVATE") || strings.Count(log, "could not be read") != 1 {
				t.Errorf("logged\n%s", log)
			}
			if err := r.accepts(t, bundle); err != nil || !bytes.Equal(r.Bundle(), bundle) {
				t.Errorf("the CA known before: %v, and %d certificates", err, certificatesIn(r.Bundle()))
			}
		})
	}
}

func TestANextCAThatIsBrokenStopsTheRotationAndNothingElse(t *testing.T) {
	r := newReplica(t, env.Namespace(t))
	r.sync(t)
	bundle := r.Bundle()
	secret := r.edit(t, func(secret *corev1.Secret) { secret.Data["next.crt"] = []byte("hunter2") })
	if err := r.Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "next.crt") {
		t.Errorf("got %v", err)
	}
	if err := r.accepts(t, bundle); err != nil {
		t.Error(err)
	}
	r.unchanged(t, secret)
}

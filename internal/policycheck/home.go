// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"cmp"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/keyspec"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
	"github.com/chatelaine-dev/chatelaine/internal/policy/compile"
)

const (
	// DefaultAccountID is the account where nothing says which: it is nobody's.
	DefaultAccountID = compile.UnknownAccount
	// operatorRole is the operator's on the software backend, with the namespace of config/.
	operatorRole = "role/chatelaine-system/chatelaine-manager"
	// defaultRegion is the one that KMSBackends have unless they name another.
	defaultRegion = "local"
	// unknownKeyID stands for the ID of a key that is not made yet.
	unknownKeyID = "00000000-0000-0000-0000-000000000000"
)

// home is where a key lives.
type home struct {
	compile.About
	region string
	// keyARN is made up as far as it is not known.
	keyARN string
}

// home finds out where a Key lives; nil is a Key of which nothing is known.
func (w *World) home(key *v1alpha1.Key) home {
	at := home{region: defaultRegion}
	at.AccountID, at.NamesServiceAccounts = w.Settings.AccountID, !w.Settings.AWS
	if key != nil {
		at.knowKey(key)
		if backend := w.backendOf(key); backend != nil {
			at.knowBackend(backend)
		}
	}
	at.OperatorARN = cmp.Or(w.Settings.OperatorARN, at.OperatorARN)
	at.AccountID = cmp.Or(at.AccountID, accountIn(at.OperatorARN), DefaultAccountID)
	at.OperatorARN = cmp.Or(at.OperatorARN, "arn:aws:iam::"+at.AccountID+":"+operatorRole)
	if at.keyARN == "" {
		at.keyARN = "arn:" + policy.Partition(at.OperatorARN) + ":kms:" + at.region + ":" + at.AccountID + ":key/" + unknownKeyID
	}
	return at
}

func (h *home) knowKey(key *v1alpha1.Key) {
	usage, err := keyspec.Check(keyspec.Spec(key.Spec.KeySpec), keyspec.Usage(key.Spec.KeyUsage))
	if err == nil {
		h.Spec, h.Usage = keyspec.Spec(key.Spec.KeySpec), usage
	}
	if region, account, ok := splitKeyARN(key.Status.ARN); ok {
		h.keyARN, h.region, h.AccountID = key.Status.ARN, region, account
	}
}

func (h *home) knowBackend(backend *v1alpha1.KMSBackend) {
	software := backend.Spec.Software
	h.NamesServiceAccounts = software != nil
	if software != nil {
		h.AccountID = cmp.Or(software.AccountID, h.AccountID)
		h.region = cmp.Or(software.Region, h.region)
	}
	h.AccountID = cmp.Or(backend.Status.AccountID, h.AccountID)
	h.region = cmp.Or(backend.Status.Region, h.region)
	if caller, err := policy.NewPrincipal(backend.Status.CallerARN); err == nil {
		h.OperatorARN = caller.ARN
	}
}

// backendOf is the KMSBackend that a Key is on, or would be made on; nil if it is not known.
func (w *World) backendOf(key *v1alpha1.Key) *v1alpha1.KMSBackend {
	name := key.Status.Backend
	if name == "" && key.Spec.BackendRef != nil {
		name = key.Spec.BackendRef.Name
	}
	for _, backend := range w.backends {
		isDefault := backend.Object.Annotations[v1alpha1.DefaultBackendAnnotation] == "true"
		if backend.Object.Name == name || name == "" && isDefault {
			return backend.Object
		}
	}
	return nil
}

// splitKeyARN takes the ARN of a key apart: arn:PARTITION:kms:REGION:ACCOUNT:key/ID.
func splitKeyARN(arn string) (region, account string, ok bool) {
	const parts = 6
	split := strings.SplitN(arn, ":", parts)
	if len(split) != parts || split[0] != "arn" || split[2] != "kms" || !strings.HasPrefix(split[5], "key/") || !isAccountID(split[4]) {
		return "", "", false
	}
	return split[3], split[4], true
}

func accountIn(arn string) string {
	caller, err := policy.NewPrincipal(arn)
	if err != nil {
		return ""
	}
	return caller.AccountID()
}

func isAccountID(text string) bool {
	const digits = 12
	return len(text) == digits && strings.Trim(text, "0123456789") == ""
}

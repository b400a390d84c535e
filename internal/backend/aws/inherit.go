// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

// Inherit has b know what earlier knows, and share it from now on: its keys, the locks on them, the rates of its requests and those
// who watch it. It says whether it could: both must have said who they are (Identify), in the same account and Region, be at the
// same endpoint and keep the keys of the same cluster. Nothing may have been asked of b but its identity. What earlier has under
// way comes to its end, with its own credentials. Quotas, Lags and Clock are those of earlier.
//
// What an identity is allowed is not inherited. Where b is another principal, keys that kept earlier's out are looked at again, and
// keys are made only when it is certain anew that their owners have none.
func (b *Backend) Inherit(earlier *Backend) bool {
	if !b.succeeds(earlier) {
		return false
	}
	b.memory = earlier.memory
	if b.principal() == earlier.principal() {
		b.opened = earlier.opened
		b.tagsAllowed.Store(earlier.tagsAllowed.Load())
	} else {
		b.view.forgetUntagged()
	}
	return true
}

func (b *Backend) succeeds(earlier *Backend) bool {
	return b.account() != "" && b.account() == earlier.account() && b.clusterUID == earlier.clusterUID &&
		b.clients.region == earlier.clients.region && b.clients.endpoints == earlier.clients.endpoints
}

// principal is the IAM role or user behind the credentials, if AWS was asked.
func (b *Backend) principal() string {
	b.identity.mu.Lock()
	defer b.identity.mu.Unlock()
	return b.identity.identity.PrincipalARN
}

// forgetUntagged forgets the keys of which no tags were seen, perhaps because these could not be read.
func (v *view) forgetUntagged() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, s := range v.strangers {
		if !s.tagged {
			delete(v.strangers, id)
		}
	}
}

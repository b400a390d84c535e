// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import "github.com/chatelaine-dev/chatelaine/internal/kms/keyring"

// Expect says that a service is to be added, so that requests for it are answered that it is not there yet, and not that it
// does not exist.
func (p *Partition) Expect(id keyring.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected[id] = true
}

// Forget takes Expect back.
func (p *Partition) Forget(id keyring.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.expected, id)
}

// CheckOpen is a DependencyTimeoutException for an account and Region that are expected and not there yet.
func (p *Partition) CheckOpen(accountID, region string) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	id := keyring.ID{AccountID: accountID, Region: region}
	if p.expected[id] && p.services[id] == nil {
		return Errorf(DependencyTimeoutException, "The keys are not loaded yet.")
	}
	return nil
}

// checkOpen is CheckOpen for another Region of the account.
func (s *Service) checkOpen(region string) error {
	if p := s.partition.Load(); p != nil {
		return p.CheckOpen(s.ID().AccountID, region)
	}
	return nil
}

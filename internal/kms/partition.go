// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package kms

import (
	"maps"
	"slices"
	"sync"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// Partition is every Service of a process, by account and Region: what a request can be addressed to, and where the
// relatives of a multi-Region key are. It is safe for concurrent use.
type Partition struct {
	mu       sync.RWMutex
	services map[keyring.ID]*Service
	expected map[keyring.ID]bool
}

// NewPartition returns one without services.
func NewPartition() *Partition {
	return &Partition{services: map[keyring.ID]*Service{}, expected: map[keyring.ID]bool{}}
}

// Add makes the service known, in place of another one of its account and Region. Those of its account look again at what
// they have to do: some of it waits for a Region to be there.
func (p *Partition) Add(s *Service) {
	p.mu.Lock()
	p.services[s.ID()] = s
	s.partition.Store(p)
	p.mu.Unlock()
	for _, sibling := range s.siblings() {
		sibling.lookAgain()
	}
	s.lookAgain()
}

// Remove forgets the service.
func (p *Partition) Remove(s *Service) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.services[s.ID()] == s {
		delete(p.services, s.ID())
	}
}

// Service returns the one of an account and Region, or nil.
func (p *Partition) Service(accountID, region string) *Service {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.services[keyring.ID{AccountID: accountID, Region: region}]
}

// Accounts returns every account, sorted.
func (p *Partition) Accounts() []string {
	return p.collect(func(id keyring.ID) (string, bool) { return id.AccountID, true })
}

// Regions returns the Regions of an account, sorted.
func (p *Partition) Regions(accountID string) []string {
	return p.collect(func(id keyring.ID) (string, bool) { return id.Region, id.AccountID == accountID })
}

func (p *Partition) collect(pick func(keyring.ID) (string, bool)) []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	picked := map[string]bool{}
	for id := range p.services {
		if text, ok := pick(id); ok {
			picked[text] = true
		}
	}
	return slices.Sorted(maps.Keys(picked))
}

// sibling is the service of the same account in another Region, or nil.
func (s *Service) sibling(region string) *Service {
	if p := s.partition.Load(); p != nil {
		return p.Service(s.ID().AccountID, region)
	}
	return nil
}

// siblings are the services of the same account in other Regions, sorted by Region.
func (s *Service) siblings() []*Service {
	p := s.partition.Load()
	if p == nil {
		return nil
	}
	var found []*Service
	for _, region := range p.Regions(s.ID().AccountID) {
		if sibling := s.sibling(region); sibling != nil && sibling != s {
			found = append(found, sibling)
		}
	}
	return found
}

// HasRegion says whether any account is served in the Region, or is expected to be.
func (p *Partition) HasRegion(region string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for id := range p.services {
		if id.Region == region {
			return true
		}
	}
	for id := range p.expected {
		if id.Region == region {
			return true
		}
	}
	return false
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package aws is the backend on AWS KMS. It is the one place that knows AWS's SDK.
//
// # What is known is kept
//
// The keys of this cluster are kept in memory (view): what AWS said of them, and what was done to them since. A verb that
// changes a key changes the view as well, so Create, Apply, Get and Policy of a key cost one call for each thing that they
// do, and reading costs nothing. A key with tags and a policy, an alias and rotation is three calls: CreateKey, CreateAlias,
// EnableKeyRotation. Keys of others are read anew each time that they are asked for, and so is which key has an alias.
//
// What others change is found by Sweep: lists tell which keys, aliases and tags there are, and in each sweep some keys are
// looked at in depth, so many that a sweep costs a tenth of a call per key beyond the pages of the lists. Verified tells when
// a key was last looked at, and Verify looks at once.
//
// # Reads lag behind writes
//
// AWS KMS shows what was written after a while, the Resource Groups Tagging API later still (Lags). So a read that began
// within that while after this process's own write is not believed where it contradicts the write.
//
// A write that failed and may have been carried out leaves what it writes in doubt: it is read anew, by reads late enough to show the
// write. Until then a key is told with every alias and tag that it may have, by a failing Apply only, and a grant that it may have as
// one that nobody declared; whatever else is in doubt is waited for. So what is taken back after that is undone.
//
// What an earlier process wrote last, or this one before AWS denied a key for a moment, it does not know. So grants that were listed soon
// after that are listed once more, and of a key that was denied all is read when reads show it.
//
// # Exactly once
//
// CreateKey has no token that would make it idempotent. So before it is called, it must be certain that the owner has no key
// yet: none is in the view, and after the last moment at which a key could have been made that this process does not know of
// (it was opened then, or the answer to a CreateKey of this owner was lost, or AWS said that the owner's key does not exist),
// all keys were listed, late enough for the lists to show it. One listing serves all who wait for it. The owner is found by its
// tags, which CreateKey itself sets.
//
// # Calls
//
// Each operation has a rate of its own, below AWS's quota (operations.go), that is halved when AWS throttles it and
// recovers. What may have been carried out and cannot be repeated (CreateKey, RotateKeyOnDemand) is not repeated; all else is,
// a few times. Every error leaves with a class and a text that is the same at each attempt (errors.go). An Observer is told of
// each request.
//
// # Other credentials
//
// A Backend with other credentials inherits what the one before it knows (Inherit), so that nothing is read anew. The two share
// their keys, locks and rates, so what the earlier one has under way comes to its end as if there were one.
package aws

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// Config says which account and Region a Backend is, and how to get there.
type Config struct {
	// Region is AWS's name of the Region. Empty: that of the environment (AWS_REGION).
	Region string
	// Endpoint is the URL at which KMS, STS and the Tagging API are served. Empty: AWS's own.
	Endpoint string
	// Credentials are static ones. Nil: the SDK's chain (IRSA, Pod Identity, the environment, the instance's role).
	Credentials *Credentials
	// AssumeRole is the role in whose name AWS is called. Nil: that of the credentials.
	AssumeRole *AssumeRole
	// ClusterUID is the UID of the namespace kube-system: the cluster in the owner tags of the keys that are kept.
	ClusterUID string
	// Clock tells how old what is known is. Waiting is done in real time.
	Clock clock.PassiveClock
	// Quotas are the requests per second that AWS allows in this account and Region, by operation ("CreateKey"), where they
	// are not the defaults.
	Quotas map[string]float64
	// Lags say for how long reads may not show what was written.
	Lags Lags
	// Observer is told what is asked of AWS. Nil: nobody.
	Observer Observer
}

// Credentials are an access key; SessionToken is that of temporary credentials.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// AssumeRole names a role to assume. SessionName is seen in CloudTrail; empty means chatelaine.
type AssumeRole struct{ ARN, ExternalID, SessionName string }

// Lags say for how long a read may not show what was written before. 0 means the default, less means not at all.
type Lags struct {
	// Reads is that of AWS KMS's own; the default is 5 seconds.
	Reads time.Duration
	// Tagging is that of the Resource Groups Tagging API; the default is 5 minutes.
	Tagging time.Duration
	// Grants is that of grants; the default is 5 minutes.
	Grants time.Duration
}

func (l Lags) withDefaults() Lags {
	return Lags{
		Reads: lagOr(l.Reads, 5*time.Second), Tagging: lagOr(l.Tagging, 5*time.Minute), Grants: lagOr(l.Grants, 5*time.Minute),
	}
}

func lagOr(lag, otherwise time.Duration) time.Duration {
	if lag == 0 {
		return otherwise
	}
	return max(lag, 0)
}

// Backend is AWS KMS in one account and Region as a backend. It is safe for concurrent use.
type Backend struct {
	clients  clients
	observer Observer
	identity identityCache
	// opened is when this process began to know what it does.
	opened time.Time
	// taggingRefused is until when the Tagging API is not asked, because it is not there or not allowed.
	taggingRefused deadline
	// tagsAllowed says that the tags of some key could be read.
	tagsAllowed atomic.Bool

	*memory
}

// memory is what a Backend knows of its keys and of what is under way, whoever the operator is: see Inherit.
type memory struct {
	limits     map[string]*limiter
	clock      clock.PassiveClock
	lags       Lags
	clusterUID string

	view     *view
	watchers watchers
	// locks are held by key, and by owner while a key is made for it.
	locks locks
	// lost are the owners of keys that may have been made: the answer did not arrive.
	lost lost

	// aliases, scans and listings read all aliases, all keys, and all tags that the Tagging API knows.
	aliases, scans, listings refresher

	sweeping sync.Mutex
	// credit is how many calls Sweep may spend on looking at keys in depth; it is Sweep's.
	credit float64
}

var (
	_ backend.Backend  = (*Backend)(nil)
	_ backend.Watcher  = (*Backend)(nil)
	_ backend.Verifier = (*Backend)(nil)
	_ backend.Granter  = (*Backend)(nil)
)

// Open prepares a backend, of which nothing runs in the background. It does not call AWS KMS: Identify says whether the backend
// can be used.
func Open(ctx context.Context, config Config) (*Backend, error) {
	observer := config.Observer
	if observer == nil {
		observer = nobody{}
	}
	clients, err := newClients(ctx, config, observer)
	if err != nil {
		return nil, err
	}
	lags, opened := config.Lags.withDefaults(), config.Clock.Now()
	m := &memory{
		limits: newLimiters(config.Quotas), clock: config.Clock, lags: lags,
		clusterUID: config.ClusterUID, view: newView(config.ClusterUID, lags),
		aliases: newRefresher(), scans: newRefresher(), listings: newRefresher(),
	}
	m.view.tell, m.view.opened = m.tell, opened
	return &Backend{clients: clients, observer: observer, opened: opened, memory: m}, nil
}

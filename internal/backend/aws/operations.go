// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// operation is one of AWS's operations as this backend uses it.
type operation struct {
	// service is its prefix in IAM's actions.
	service string
	// quota is the number of requests per second that AWS takes by default, in one account and Region.
	quota float64
	// once says that a request whose answer was lost must not be repeated.
	once bool
}

// operations are all that are called, by name. Quotas are AWS's (Request quotas, AWS KMS Developer Guide); it names none for
// GetCallerIdentity and GetResources, which are by analogy. ReplicateKey has half of its own, since AWS counts each as two CreateKey
// in the replica's Region, of which it takes 5. It counts UpdatePrimaryRegion once in each of the two Regions.
var operations = map[string]operation{
	"CancelKeyDeletion":         {service: "kms", quota: 5},
	"CreateAlias":               {service: "kms", quota: 5},
	"CreateGrant":               {service: "kms", quota: 50},
	"CreateKey":                 {service: "kms", quota: 5, once: true},
	"DeleteAlias":               {service: "kms", quota: 15},
	"DeleteImportedKeyMaterial": {service: "kms", quota: 5},
	"DescribeKey":               {service: "kms", quota: 2000},
	"DisableKey":                {service: "kms", quota: 5},
	"DisableKeyRotation":        {service: "kms", quota: 5},
	"EnableKey":                 {service: "kms", quota: 5},
	"EnableKeyRotation":         {service: "kms", quota: 15},
	"GetKeyPolicy":              {service: "kms", quota: 1000},
	"GetKeyRotationStatus":      {service: "kms", quota: 1000},
	"GetParametersForImport":    {service: "kms", quota: 0.25},
	"GetPublicKey":              {service: "kms", quota: 2000},
	"ImportKeyMaterial":         {service: "kms", quota: 5},
	"ListAliases":               {service: "kms", quota: 500},
	"ListGrants":                {service: "kms", quota: 100},
	"ListKeyRotations":          {service: "kms", quota: 100},
	"ListKeys":                  {service: "kms", quota: 500},
	"ListResourceTags":          {service: "kms", quota: 2000},
	"PutKeyPolicy":              {service: "kms", quota: 15},
	"ReplicateKey":              {service: "kms", quota: 2.5},
	"RevokeGrant":               {service: "kms", quota: 30},
	"RotateKeyOnDemand":         {service: "kms", quota: 5, once: true},
	"ScheduleKeyDeletion":       {service: "kms", quota: 15},
	"TagResource":               {service: "kms", quota: 10},
	"UntagResource":             {service: "kms", quota: 5},
	"UpdateKeyDescription":      {service: "kms", quota: 5},
	"UpdatePrimaryRegion":       {service: "kms", quota: 5},
	"GetCallerIdentity":         {service: "sts", quota: 50},
	"GetResources":              {service: "tag", quota: 10},
}

const (
	// share of a quota that is used: the account has other users.
	share = 0.8
	// atOnce is the share of a quota that may be used in one moment, if it was not used before. What is left beside both is room for
	// requests that were let through in one second and come to AWS in the next.
	atOnce = 0.1
	// slowest is the least share of its rate to which an operation is slowed down.
	slowest = 1.0 / 32
	// calm is for how long throttling must not have been seen for a rate to grow by a tenth of its own.
	calm = time.Second
)

// limiter is the rate of one operation, shared by all who call it. It is halved when AWS throttles the operation and grows
// back by a tenth in each second without. In no second are more requests let through than nine tenths of the quota, or than one.
type limiter struct {
	full    rate.Limit
	limiter *rate.Limiter

	mu      sync.Mutex
	changed time.Time
}

func newLimiters(quotas map[string]float64) map[string]*limiter {
	limits := make(map[string]*limiter, len(operations))
	for name, op := range operations {
		limits[name] = newLimiter(op.quota)
	}
	for name, quota := range maps.All(quotas) {
		limits[name] = newLimiter(quota)
	}
	return limits
}

func newLimiter(quota float64) *limiter {
	full := rate.Limit(quota * share)
	return &limiter{full: full, limiter: rate.NewLimiter(full, max(1, int(quota*atOnce)))}
}

// wait returns when a request may be made. Its error is ctx's, or says that ctx ends before that.
func (l *limiter) wait(ctx context.Context) error {
	l.recover()
	return l.limiter.Wait(ctx)
}

func (l *limiter) recover() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.changed) < calm || l.limiter.Limit() >= l.full {
		return
	}
	l.changed = now
	l.limiter.SetLimit(min(l.full, l.limiter.Limit()*1.1))
}

// slow halves the rate. Requests that were under way together are throttled together: within a moment it is done once.
func (l *limiter) slow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.limiter.Limit() < l.full && now.Sub(l.changed) < calm/4 {
		return
	}
	l.changed = now
	l.limiter.SetLimit(max(l.full*slowest, l.limiter.Limit()/2))
}

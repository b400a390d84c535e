// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package key

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// observe takes what was seen of the key up into status; handled is the last rotation request carried out.
func (p *pass) observe(handled time.Time) {
	seen := p.seen
	p.status.KeyState = string(seen.State)
	p.status.Aliases = held(append(slices.Clone(p.status.Aliases), p.key.Spec.Aliases...), func(name string) bool {
		return slices.Contains(seen.Aliases, name)
	})
	tagKeys := slices.Clone(p.status.TagKeys)
	for key := range p.key.Spec.Tags {
		tagKeys = append(tagKeys, key)
	}
	p.status.TagKeys = held(tagKeys, func(key string) bool {
		_, ok := seen.Tags[key]
		return ok
	})
	if p.isPrimary() { // that of another Region tells otherwise
		p.status.Rotation = rotationStatus(seen.Rotation, handled, p.status.Rotation)
	}
}

// held is what of names the key has, sorted and each once.
func held(names []string, has func(string) bool) []string {
	names = slices.DeleteFunc(names, func(name string) bool { return !has(name) })
	slices.Sort(names)
	return slices.Compact(names)
}

func rotationStatus(seen backend.Rotation, handled time.Time, was *v1alpha1.KeyRotationStatus) *v1alpha1.KeyRotationStatus {
	status := v1alpha1.KeyRotationStatus{
		OnDemandCount: int32(seen.OnDemandCount), LastTime: seconds(seen.LastTime), RequestedAt: seconds(handled),
	}
	if seen.Enabled {
		status.NextTime = seconds(seen.NextTime)
	}
	if was != nil {
		status.NextTime = asTold(status.NextTime, was.NextTime)
	}
	if status == (v1alpha1.KeyRotationStatus{}) {
		return nil
	}
	return &status
}

// asTold is a time as status told it before, if it is the same but for the clocks of who reckoned it: AWS's own, or the
// operator's until it asks AWS again.
func asTold(now, before *metav1.Time) *metav1.Time {
	if now != nil && before != nil && now.Sub(before.Time).Abs() < time.Minute {
		return before
	}
	return now
}

// seconds is a time as it survives JSON; nil for the zero time.
func seconds(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.Truncate(time.Second)}
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// grantsPage is AWS's largest page of ListGrants.
const grantsPage = 100

// grants are those of a key that were made for Keys, and how many pages the list of all of its grants has.
type grants struct {
	list  []backend.Grant
	pages int
}

// Grants implements backend.Granter. Those of a key that this process made are known, and those of another key of this cluster
// are read once. A grant of which nobody knows whether it is there, since no answer came when it was made or revoked, is told as
// Foreign, so that it is put anew if it is wanted, and revoked otherwise.
func (b *Backend) Grants(ctx context.Context, keyID string) ([]backend.Grant, error) {
	if known, ok := b.knownGrants(keyID); ok {
		return known, nil
	}
	if err := b.readGrants(ctx, keyID); err != nil {
		return nil, err
	}
	var list []backend.Grant
	b.view.peek(keyID, func(e *entry) { list = e.allGrants() })
	return list, nil
}

func (b *Backend) knownGrants(keyID string) (list []backend.Grant, known bool) {
	b.view.peek(keyID, func(e *entry) {
		shown := e.grantsShownAt(b.lags.Grants)
		list = e.allGrants()
		known = e.grants.known && b.view.ours(e) && (shown.IsZero() || b.clock.Now().Before(shown))
	})
	return list, known
}

// grantsShownAt is when a list tells what became of the grants that are in doubt, and of those that an earlier process, or this one
// before it forgot the key, made or revoked; zero when the list that is known tells that.
func (e *entry) grantsShownAt(lag time.Duration) time.Time {
	at := e.grants.shownAt(lag)
	if e.grants.known && !e.missed.IsZero() && e.grants.readAt.Before(e.missed.Add(lag)) {
		at = later(at, later(e.missed, e.grants.wrote).Add(lag))
	}
	return at
}

// allGrants are the grants that the key has, and those that it may have.
func (e *entry) allGrants() []backend.Grant {
	list := slices.Clone(e.grants.value.list)
	if !e.grants.doubted {
		return list
	}
	for _, grant := range e.mayGrants {
		grant.Foreign = true
		list = append(without(list, grant.ID), grant)
	}
	return list
}

// doubtGrant notes that the key may have a grant, or not. One that was to be made has no ID yet.
func (e *entry) doubtGrant(grant backend.Grant, now time.Time) {
	if !e.grants.doubted {
		e.mayGrants = nil
	}
	same := func(g backend.Grant) bool { return g.ID == grant.ID && g.SameAs(grant) }
	e.mayGrants = append(slices.DeleteFunc(e.mayGrants, same), grant)
	e.grants.doubt(now)
}

// settleGrants ends the doubt in those grants of which what says that it is known now what they are.
func (e *entry) settleGrants(what func(backend.Grant) bool) {
	e.mayGrants = slices.DeleteFunc(slices.Clone(e.mayGrants), what)
	if len(e.mayGrants) == 0 {
		e.grants.doubted = false
	}
}

// without are the grants but for the one with that ID. One that is in doubt and was to be made has none, and stands for no other.
func without(list []backend.Grant, id string) []backend.Grant {
	return slices.DeleteFunc(list, func(grant backend.Grant) bool { return id != "" && grant.ID == id })
}

// readGrants reads a key's grants. Those of others are passed over: a key may have 50,000 of them.
func (b *Backend) readGrants(ctx context.Context, keyID string) error {
	begun := b.clock.Now()
	var read grants
	in := &kms.ListGrantsInput{KeyId: &keyID, Limit: awssdk.Int32(grantsPage)}
	for {
		page, err := call(ctx, b, "ListGrants", b.clients.kms.ListGrants, in)
		if err != nil {
			return b.unlessNew(err, keyID)
		}
		read.pages++
		for i := range page.Grants {
			if entry := &page.Grants[i]; strings.HasPrefix(awssdk.ToString(entry.Name), backend.GrantPrefix) {
				read.list = append(read.list, grantOf(entry))
			}
		}
		if !page.Truncated {
			break
		}
		if in.Marker, err = following("ListGrants", in.Marker, page.NextMarker); err != nil {
			return err
		}
	}
	b.view.edit(keyID, begun, func(e *entry) { e.grants.read(read, begun, b.lags.Grants) })
	return nil
}

func grantOf(entry *types.GrantListEntry) backend.Grant {
	grant := backend.Grant{
		ID: awssdk.ToString(entry.GrantId), Name: awssdk.ToString(entry.Name),
		Grantee: awssdk.ToString(entry.GranteePrincipal), Retiring: awssdk.ToString(entry.RetiringPrincipal),
		Foreign: entry.GranteeServicePrincipal != nil || entry.RetiringServicePrincipal != nil,
	}
	for _, operation := range entry.Operations {
		grant.Operations = append(grant.Operations, string(operation))
	}
	if constraints := entry.Constraints; constraints != nil {
		grant.EncryptionContextEquals = constraints.EncryptionContextEquals
		grant.EncryptionContextSubset = constraints.EncryptionContextSubset
		grant.Foreign = grant.Foreign || constraints.SourceArn != nil
	}
	return grant
}

// putGrant makes a grant. AWS answers a request of the same name and contents with the grant that is there, so that one whose
// answer was lost is simply made again.
func (b *Backend) putGrant(ctx context.Context, keyID string, c backend.PutGrant) error {
	if !strings.HasPrefix(c.Grant.Name, backend.GrantPrefix) {
		return invalid("grant " + c.Grant.Name + " is not one for a Key")
	}
	if len(c.Grant.Operations) == 0 { // AWS's SDK does not ask AWS then
		return invalid("a grant must allow at least one operation")
	}
	if known, _ := b.knownGrants(keyID); !slices.ContainsFunc(known, c.Grant.SameAs) {
		if err := b.createGrant(ctx, keyID, c.Grant); err != nil {
			return err
		}
	}
	for _, id := range c.Replaces {
		if b.hasGrant(keyID, id, c.Grant) { // it was in doubt, and is the one that AWS answered with
			continue
		}
		if err := b.revokeGrant(ctx, keyID, id); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) createGrant(ctx context.Context, keyID string, grant backend.Grant) error {
	in := &kms.CreateGrantInput{KeyId: &keyID, Name: &grant.Name, GranteePrincipal: &grant.Grantee, Constraints: constraintsOf(grant)}
	for _, operation := range slices.Sorted(slices.Values(grant.Operations)) {
		in.Operations = append(in.Operations, types.GrantOperation(operation))
	}
	if grant.Retiring != "" {
		in.RetiringPrincipal = &grant.Retiring
	}
	doubt := func(e *entry, now time.Time) { e.doubtGrant(grant, now) }
	out, err := write(ctx, b, keyID, doubt, "CreateGrant", b.clients.kms.CreateGrant, in)
	if err != nil {
		return err
	}
	made := grant
	if made.ID = awssdk.ToString(out.GrantId); made.ID == "" {
		b.view.editKnown(keyID, b.clock.Now(), func(e *entry) { doubt(e, b.clock.Now()) })
		return lacking("CreateGrant", "the grant")
	}
	b.changed(keyID, func(e *entry, now time.Time) {
		e.settleGrants(func(g backend.Grant) bool { return g.ID == made.ID || g.ID == "" && g.SameAs(grant) })
		e.grants.change(now, func(all *grants) { all.list = append(without(slices.Clone(all.list), made.ID), made) })
	})
	return nil
}

// hasGrant says whether the key is known to have the grant, by that ID.
func (b *Backend) hasGrant(keyID, id string, grant backend.Grant) (has bool) {
	b.view.peek(keyID, func(e *entry) {
		has = slices.ContainsFunc(e.allGrants(), func(g backend.Grant) bool { return g.SameAs(grant) && g.ID == id })
	})
	return has
}

func constraintsOf(grant backend.Grant) *types.GrantConstraints {
	if len(grant.EncryptionContextEquals)+len(grant.EncryptionContextSubset) == 0 {
		return nil
	}
	return &types.GrantConstraints{
		EncryptionContextEquals: grant.EncryptionContextEquals, EncryptionContextSubset: grant.EncryptionContextSubset,
	}
}

// revokeGrant ends a grant. That AWS does not find it says that it is gone: whether the key is, other calls find.
func (b *Backend) revokeGrant(ctx context.Context, keyID, grantID string) error {
	if grantID == "" {
		return &backend.Error{
			Class:   backend.NotReady,
			Message: "no answer came when a grant was made, and AWS may not show for some minutes whether it was: it is revoked then",
		}
	}
	in := &kms.RevokeGrantInput{KeyId: &keyID, GrantId: &grantID}
	_, err := write(ctx, b, keyID, inGrant(grantID), "RevokeGrant", b.clients.kms.RevokeGrant, in)
	if err != nil && !backend.IsNotFound(err) {
		return err
	}
	b.changed(keyID, func(e *entry, now time.Time) {
		e.settleGrants(func(g backend.Grant) bool { return g.ID == grantID })
		e.grants.change(now, func(all *grants) { all.list = without(slices.Clone(all.list), grantID) })
	})
	return nil
}

// inGrant is the part of a key that one of its grants is.
func inGrant(id string) func(e *entry, now time.Time) {
	return func(e *entry, now time.Time) {
		grant := backend.Grant{ID: id}
		if i := slices.IndexFunc(e.grants.value.list, func(g backend.Grant) bool { return g.ID == id }); i >= 0 {
			grant = e.grants.value.list[i]
		}
		e.doubtGrant(grant, now)
	}
}

// grantPages is how many calls a look at the key's grants takes: none, for a key that has none as far as is known.
func (e *entry) grantPages() int {
	if !e.grants.doubted && (!e.grants.known || len(e.grants.value.list) == 0) {
		return 0
	}
	return max(1, e.grants.value.pages)
}

// rereadGrants reads the grants of a key anew if it is known to have some.
func (b *Backend) rereadGrants(ctx context.Context, keyID string) error {
	pages := 0
	b.view.peek(keyID, func(e *entry) { pages = e.grantPages() })
	if pages == 0 {
		return nil
	}
	return b.readGrants(ctx, keyID)
}

// sweepGrants lists the grants of keys that were listed too early, or are in doubt, once a list tells what they are.
func (b *Backend) sweepGrants(ctx context.Context) error {
	var unread unread
	for _, id := range b.view.listedTooEarly(b.clock.Now()) {
		if !unread.goOn(b.noteDenied(id, b.relistGrants(ctx, id))) {
			break
		}
	}
	return unread.err()
}

func (b *Backend) relistGrants(ctx context.Context, keyID string) error {
	unlock, err := b.locks.lock(ctx, keyID)
	if err != nil {
		return err
	}
	defer unlock()
	return b.readGrants(ctx, keyID)
}

// listedTooEarly are this cluster's keys of which a list of grants would tell by now what the one that is known did not; in no order,
// so that none is always the last.
func (v *view) listedTooEarly(now time.Time) (ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, e := range v.keys {
		if shown := e.grantsShownAt(v.lags.Grants); v.ours(e) && !e.keepsOut(now) && !shown.IsZero() && !now.Before(shown) {
			ids = append(ids, id)
		}
	}
	return ids
}

// readNoGrants reads the grants of a key that is known to have none, which rereadGrants leaves out.
func (b *Backend) readNoGrants(ctx context.Context, keyID string) error {
	none := false
	b.view.peek(keyID, func(e *entry) { none = e.grants.known && e.grantPages() == 0 })
	if !none {
		return nil
	}
	return b.readGrants(ctx, keyID)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// somebody stands for a key that holds an alias and that the operator may not look at, so that it is not one of its own.
const somebody = "that the operator may not look at"

// putAlias gives a key an alias.
func (b *Backend) putAlias(ctx context.Context, key *backend.Key, name string) error {
	in := &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &key.ID}
	_, err := call(ctx, b, "CreateAlias", b.clients.kms.CreateAlias, in)
	b.doubtAlias(name, key.ID, err)
	if backend.ClassOf(err) == backend.Conflict {
		err = b.aliasTaken(ctx, key, name, err)
	}
	if err == nil {
		b.wroteAlias(name, key.ID)
	}
	return err
}

// aliasTaken is nil when it is the key itself that holds the alias, and otherwise says who does.
func (b *Backend) aliasTaken(ctx context.Context, key *backend.Key, name string, taken error) error {
	holder, err := b.holderNow(ctx, key.ID, name)
	switch {
	case err != nil:
		return err
	case holder == key.ID:
		return nil
	case holder == "":
		return &backend.Error{Class: backend.Unavailable, Message: "alias " + name + " exists, and AWS does not yet tell whose it is", Err: taken}
	default:
		return &backend.Error{
			Class: backend.Conflict, Err: taken,
			Message: fmt.Sprintf("alias %s is held by key %s (%s)", name, holder, b.nameHolder(key, holder)),
		}
	}
}

// removeAlias takes an alias from a key; AWS's DeleteAlias does not care whose it is.
func (b *Backend) removeAlias(ctx context.Context, keyID, name string) error {
	if err := b.awaitShown(ctx, b.view.aliasShownAt(name)); err != nil {
		return err
	}
	holder, err := b.holderNow(ctx, keyID, name)
	if err != nil || holder != keyID {
		return err
	}
	_, err = call(ctx, b, "DeleteAlias", b.clients.kms.DeleteAlias, &kms.DeleteAliasInput{AliasName: &name})
	b.doubtAlias(name, keyID, err)
	if err != nil && !backend.IsNotFound(err) {
		return err
	}
	b.wroteAlias(name, "")
	b.tellOf(keyID)
	return nil
}

// holderNow asks AWS for the ID of the key that holds an alias, perhaps the one with that ID; empty for none. What this process did
// just now AWS may not show.
func (b *Backend) holderNow(ctx context.Context, keyID, name string) (string, error) {
	if holder, wrote := b.view.wroteAlias(name, b.clock.Now()); wrote {
		return holder, nil
	}
	out, err := call(ctx, b, "DescribeKey", b.clients.kms.DescribeKey, &kms.DescribeKeyInput{KeyId: &name})
	switch backend.ClassOf(err) {
	case "":
		return idIn("DescribeKey", out.KeyMetadata)
	case backend.NotFound:
		return "", nil
	case backend.AccessDenied:
		return b.hiddenHolder(ctx, keyID, name)
	default:
		return "", err
	}
}

// hiddenHolder is the ID of the key if it holds the alias, of which it is known that its holder keeps the operator out.
func (b *Backend) hiddenHolder(ctx context.Context, keyID, name string) (string, error) {
	names, err := b.aliasesOf(ctx, keyID)
	if err != nil {
		return "", err
	}
	if slices.Contains(names, name) {
		return keyID, nil
	}
	return somebody, nil
}

// doubtAlias notes that the key may have the alias, or not, if err of the request that was to change that leaves it open.
func (b *Backend) doubtAlias(name, keyID string, err error) {
	if err == nil || !mayHaveHappened(err) {
		return
	}
	b.view.mu.Lock()
	defer b.view.mu.Unlock()
	b.view.aliases.doubt(name, keyID, b.clock.Now())
}

// settleAliases reads the aliases of the key if some of them are in doubt.
func (b *Backend) settleAliases(ctx context.Context, keyID string) error {
	if b.view.aliasesCertain(keyID) {
		return nil
	}
	begun := b.clock.Now()
	listed, err := b.aliasesOf(ctx, keyID)
	if err != nil {
		return b.unlessNew(err, keyID)
	}
	b.view.mu.Lock()
	defer b.view.mu.Unlock()
	b.view.aliases.readOf(keyID, listed, begun, b.lags.Reads)
	return nil
}

// aliasShownAt is when reads tell what became of an alias that is in doubt; zero when it is not.
func (v *view) aliasShownAt(name string) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, doubted := v.aliases.doubts[name]; !doubted {
		return time.Time{}
	}
	return v.aliases.wrote[name].Add(v.lags.Reads)
}

func (v *view) aliasesCertain(keyID string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.aliases.inDoubt(keyID)) == 0
}

// wroteAlias takes whose an alias is now.
func (b *Backend) wroteAlias(name, keyID string) {
	b.view.mu.Lock()
	b.view.aliases.write(name, keyID, b.clock.Now())
	b.view.mu.Unlock()
	b.tellOf(keyID)
}

// wroteAlias is whose an alias is if this process gave or took it a moment ago.
func (v *view) wroteAlias(name string, now time.Time) (holder string, wrote bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at, ok := v.aliases.wrote[name]
	_, doubted := v.aliases.doubts[name]
	return v.aliases.holder[name], ok && !doubted && now.Before(at.Add(v.lags.Reads))
}

// nameHolder names the Key that holds an alias, but only to a Key of the same namespace: others learn nothing of it.
func (b *Backend) nameHolder(key *backend.Key, holderID string) string {
	mine, owned := backend.OwnerFromTags(key.Tags)
	theirs, held := backend.Owner{}, false
	b.view.peek(holderID, func(e *entry) { theirs, held = e.owner() })
	if !owned || !held || mine.Cluster != theirs.Cluster || mine.Namespace != theirs.Namespace {
		return "not in this namespace"
	}
	return "Key " + theirs.String()
}

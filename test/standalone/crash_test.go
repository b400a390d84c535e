// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const writers = 32

// promised is what the process answered about one key.
type promised struct {
	keyID       string
	alias       string
	grantIDs    []string
	rotations   int
	ciphertexts [][]byte // of plaintext
	// policy is the one that was put last; next is one of which no answer came.
	policy, next string
}

const plaintext = "attack at dawn"

// writer makes keys and changes them, one after the other, and keeps what it was promised.
type writer struct {
	name    string
	client  *awskms.Client
	keys    []*promised
	answers *atomic.Int64 // of all writers
	failed  error
}

// run goes on until a call fails: with the process, it is hoped.
func (w *writer) run(ctx context.Context) {
	for i := 0; w.failed == nil; i++ {
		w.failed = w.makeKey(ctx, fmt.Sprintf("%s-%d", w.name, i))
	}
}

func (w *writer) makeKey(ctx context.Context, name string) error {
	created, err := w.client.CreateKey(ctx, &awskms.CreateKeyInput{Description: &name})
	if err != nil {
		return err
	}
	key := &promised{keyID: *created.KeyMetadata.KeyId}
	w.keys = append(w.keys, key)
	w.answers.Add(1)
	steps := []func(context.Context, *promised, string) error{
		w.alias, w.encrypt, w.putPolicy, w.rotate, w.encrypt, w.grant, w.putPolicy, w.rotate, w.encrypt, w.grant, w.putPolicy,
	}
	for i, step := range steps {
		if err := step(ctx, key, fmt.Sprintf("%s-%d", name, i)); err != nil {
			return err
		}
		w.answers.Add(1)
	}
	return nil
}

func (w *writer) alias(ctx context.Context, key *promised, name string) error {
	alias := "alias/" + name
	_, err := w.client.CreateAlias(ctx, &awskms.CreateAliasInput{AliasName: &alias, TargetKeyId: &key.keyID})
	if err == nil {
		key.alias = alias
	}
	return err
}

func (w *writer) encrypt(ctx context.Context, key *promised, _ string) error {
	out, err := w.client.Encrypt(ctx, &awskms.EncryptInput{KeyId: &key.keyID, Plaintext: []byte(plaintext)})
	if err == nil {
		key.ciphertexts = append(key.ciphertexts, out.CiphertextBlob)
	}
	return err
}

func (w *writer) rotate(ctx context.Context, key *promised, _ string) error {
	_, err := w.client.RotateKeyOnDemand(ctx, &awskms.RotateKeyOnDemandInput{KeyId: &key.keyID})
	if err == nil {
		key.rotations++
	}
	return err
}

func (w *writer) grant(ctx context.Context, key *promised, name string) error {
	out, err := w.client.CreateGrant(ctx, &awskms.CreateGrantInput{
		KeyId: &key.keyID, Name: &name, GranteePrincipal: aws.String(userARN),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})
	if err == nil {
		key.grantIDs = append(key.grantIDs, *out.GrantId)
	}
	return err
}

func (w *writer) putPolicy(ctx context.Context, key *promised, name string) error {
	key.next = `{"Version":"2012-10-17","Statement":[{"Sid":"` + name + `","Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},` +
		`"Action":"kms:*","Resource":"*"}]}`
	_, err := w.client.PutKeyPolicy(ctx, &awskms.PutKeyPolicyInput{KeyId: &key.keyID, Policy: &key.next})
	if err == nil {
		key.policy, key.next = key.next, ""
	}
	return err
}

// writeAndKill has writers at work, kills the process once they had so many answers, and returns what was promised.
func writeAndKill(t *testing.T, p *process, round int, answers int64) []*promised {
	t.Helper()
	var had atomic.Int64
	all := make([]*writer, writers)
	var working sync.WaitGroup
	for i := range all {
		all[i] = &writer{name: fmt.Sprintf("round-%d-writer-%d", round, i), client: p.root(), answers: &had}
		working.Go(func() { all[i].run(t.Context()) })
	}
	for deadline := time.Now().Add(patience); had.Load() < answers; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("only %d answers came", had.Load())
			break
		}
	}
	p.kill()
	working.Wait()
	var keys []*promised
	for _, w := range all {
		if code := code(w.failed); len(code) < 40 { // one of the API's
			t.Errorf("%s failed before the process was killed: %v", w.name, w.failed)
		}
		keys = append(keys, w.keys...)
	}
	return keys
}

// check holds the state of the key against what was promised.
func (key *promised) check(t *testing.T, p *process) {
	t.Helper()
	s := p.state(p.root(), key.keyID)
	if key.alias != "" && (len(s.Aliases) != 1 || *s.Aliases[0].AliasName != key.alias) {
		t.Errorf("key %s: alias %s is not among %v", key.keyID, key.alias, s.Aliases)
	}
	for _, grantID := range key.grantIDs {
		if !slices.ContainsFunc(s.Grants, func(g types.GrantListEntry) bool { return *g.GrantId == grantID }) {
			t.Errorf("key %s: grant %s is gone", key.keyID, grantID)
		}
	}
	if key.policy != "" && s.Policy != key.policy && s.Policy != key.next {
		t.Errorf("key %s: the policy is %s, was %s", key.keyID, s.Policy, key.policy)
	}
	if len(s.Rotations) < key.rotations || len(s.Rotations) > key.rotations+1 {
		t.Errorf("key %s: %d rotations, %d were promised", key.keyID, len(s.Rotations), key.rotations)
	}
	for i, ciphertext := range key.ciphertexts {
		out, err := p.root().Decrypt(t.Context(), &awskms.DecryptInput{CiphertextBlob: ciphertext})
		if err != nil || string(out.Plaintext) != plaintext || *out.KeyId != *s.Metadata.Arn {
			t.Errorf("key %s: ciphertext %d: %v", key.keyID, i, err)
		}
	}
}

func TestWhatWasAnsweredSurvivesAKill(t *testing.T) {
	c := newCommand(t)
	var keys []*promised
	for round, answers := range []int64{100, 500, 1500} {
		keys = append(keys, writeAndKill(t, c.start(t), round, answers)...)
	}
	p := c.start(t)
	for _, key := range keys {
		key.check(t, p)
	}
	rotations, grants := 0, 0
	for _, key := range keys {
		rotations, grants = rotations+key.rotations, grants+len(key.grantIDs)
	}
	if len(keys) < 3*writers || rotations < writers || grants < writers {
		t.Errorf("only %d keys were made, %d rotations and %d grants", len(keys), rotations, grants)
	}
}

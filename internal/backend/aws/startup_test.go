// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
	ourkms "github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// workers are those of the controller of Keys.
const workers = 16

// TestTenThousandKeysAtStartUpStayUnderEveryQuota has a backend that was just opened, with AWS's default quotas, asked for all
// keys as the controller does after a restart, and then swept. The minutes that this takes pass only while everybody waits
// (synctest), so that what is counted is what the backend asks for and when, whatever the machine does meanwhile.
func TestTenThousandKeysAtStartUpStayUnderEveryQuota(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		name    string
		tagging bool
		perKey  float64 // calls, beside that for a key's grants
	}{
		{"with the Tagging API", true, 4.05},
		{"without", false, 5.05},
	} {
		t.Run(one.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { startUp(t, 10_000, one.tagging, one.perKey+1.0/grantEvery) })
		})
	}
}

func startUp(t *testing.T, keys int, hasTagging bool, perKey float64) {
	t.Helper()
	there := awstest.NewAccount(t, awstest.Options{Tagging: hasTagging})
	ids := populate(t, there, keys)
	counter := awstest.NewCounter(there)
	b := openThrough(t, awstest.Serve(t, counter), byDefault())
	begun := time.Now()
	if _, err := b.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	passes := counter.Counted(func() { eachOf(ids, func(id string) { restartedPass(t, b, id) }) })
	spent := float64(passes.Total()) / float64(keys)
	t.Logf("%d keys in %s: %.3f calls each: %v", keys, time.Since(begun), spent, passes)
	if spent > perKey {
		t.Errorf("%.3f calls for each of %d keys, want at most %.3f: %v", spent, keys, perKey, passes)
	}
	if !hasTagging && passes["GetResources"] != 1 {
		t.Errorf("%d workers asked %d times for the Tagging API, which is not there", workers, passes["GetResources"])
	}
	if again := counter.Counted(func() { eachOf(ids, func(id string) { restartedPass(t, b, id) }) }); again.Total() > 0 {
		t.Errorf("what was read is read again: %v", again)
	}
	begun = time.Now()
	swept := counter.Counted(func() { sweep(t, b) })
	t.Logf("a sweep in %s: %v", time.Since(begun), swept)
	if beyondLists(swept) > keys/10 {
		t.Errorf("a sweep of %d keys takes %d calls beyond lists: %v", keys, beyondLists(swept), swept)
	}
	withinQuotas(t, counter)
}

// withinQuotas fails the test if in any second an operation was called more often than nine tenths of what AWS allows, or once.
func withinQuotas(t *testing.T, counter *awstest.Counter) {
	t.Helper()
	for operation := range counter.Counts() {
		quota, most := operations[operation].quota, counter.Most(operation, time.Second)
		t.Logf("%s: at most %d within a second, of %v", operation, most, quota)
		if float64(most) > max(1, 0.9*quota) {
			t.Errorf("%s was called %d times within a second, and %v are allowed: there is no room left", operation, most, quota)
		}
	}
}

// grantEvery is the part of the keys that have a grant.
const grantEvery = 10

// populate makes keys as the operator left them before it was restarted: with the tags of their owners, a policy, an alias and
// rotation, and some with a grant.
func populate(t *testing.T, there *awstest.Account, keys int) (ids []string) {
	t.Helper()
	document := policy.BaseDocument(awstest.RootARN, awstest.AccountID).String()
	for i := range keys {
		of, tags := owner(fmt.Sprintf("key-%05d", i)), map[string]string{"team": "payments"}
		granted := i%grantEvery == 0
		if granted {
			tags["grants"] = "one"
		}
		made, err := there.Service.CreateKey(t.Context(), ourkms.CreateKeyInput{
			Tags: of.TagsWith(tags), Policy: document, RotationPeriodInDays: 365,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := there.Service.CreateAlias(t.Context(), "alias/"+of.Name, made.KeyID); err != nil {
			t.Fatal(err)
		}
		if granted {
			grant(t, there, of, made.KeyID)
		}
		ids = append(ids, made.KeyID)
	}
	return ids
}

func grant(t *testing.T, there *awstest.Account, of backend.Owner, id string) {
	t.Helper()
	key, err := there.Service.Key(id)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = key.CreateGrant(t.Context(), ourkms.Grant{
		Name: backend.GrantName(of, "use"), Grantee: "arn:aws:iam::" + awstest.AccountID + ":role/orders", Operations: []string{"Decrypt"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// byDefault are the settings of a backend with AWS's quotas and lags.
func byDefault() Config {
	config := settings(piped, clock.RealClock{})
	config.Quotas, config.Lags = nil, Lags{}
	return config
}

// restartedPass does for a Key with this key ID in status what its controller does: it looks at the key, its policy and, if
// the Key declares some, its grants.
func restartedPass(t *testing.T, b *Backend, id string) {
	t.Helper()
	key, err := b.Get(t.Context(), id)
	if err != nil {
		t.Error(err)
		return
	}
	if document, err := b.Policy(t.Context(), id); err != nil || document == "" {
		t.Errorf("policy %s, %v", document, err)
	}
	if key.Tags["grants"] == "" {
		return
	}
	if list, err := b.Grants(t.Context(), id); err != nil || len(list) != 1 {
		t.Errorf("grants %v, %v", list, err)
	}
}

// eachOf does it for all IDs with as many workers as the controller has.
func eachOf(ids []string, do func(id string)) {
	next := make(chan string)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for id := range next {
				do(id)
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	running.Wait()
}

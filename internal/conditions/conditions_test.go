// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

var (
	// of are the conditions of a Key that Ready is derived from, in their order.
	of   = []string{v1alpha1.ConditionBackendReady, v1alpha1.ConditionCreated, v1alpha1.ConditionSynced}
	busy = Problem{Reason: v1alpha1.ReasonThrottled, Message: "slow down", Err: errors.New("slow down")}
	idle = Problem{Reason: v1alpha1.ReasonBackendNotReady, Message: "waits for the backend"}
	dead = Stalled(v1alpha1.ReasonAccessDenied, "allow it")
)

func allTrue(c *Conditions) {
	for _, conditionType := range of {
		c.True(conditionType, "Met", "")
	}
}

// unsynced reports everything as met but Synced.
func unsynced(problem Problem) func(*Conditions) {
	return func(c *Conditions) {
		c.True(v1alpha1.ConditionBackendReady, "Met", "")
		c.True(v1alpha1.ConditionCreated, "Met", "")
		c.Fail(v1alpha1.ConditionSynced, problem)
	}
}

// said is what a condition says.
type said struct {
	Status          metav1.ConditionStatus
	Reason, Message string
}

func saidOf(c *Conditions, conditionType string) said {
	condition := meta.FindStatusCondition(c.List, conditionType)
	if condition == nil {
		return said{}
	}
	return said{condition.Status, condition.Reason, condition.Message}
}

func TestReadyReconcilingAndStalledFollowFromWhatIsReported(t *testing.T) {
	var (
		met        = said{metav1.ConditionTrue, "Ready", "all is well"}
		settled    = said{metav1.ConditionFalse, v1alpha1.ReasonSettled, ""}
		underWay   = said{metav1.ConditionFalse, v1alpha1.ReasonProgressing, ""}
		progresses = func(message string) said {
			return said{metav1.ConditionTrue, v1alpha1.ReasonProgressing, message}
		}
		stuck = said{metav1.ConditionTrue, dead.Reason, dead.Message}
		not   = func(p Problem) said { return said{metav1.ConditionFalse, p.Reason, p.Message} }
	)
	for _, c := range []struct {
		name                        string
		report                      func(c *Conditions)
		ready, reconciling, stalled said
	}{
		{"all are met", allTrue, met, settled, settled},
		{"one is retried", unsynced(busy), not(busy), progresses("slow down"), underWay},
		{"one waits for something that passes, without an error", func(c *Conditions) {
			allTrue(c)
			c.Fail(v1alpha1.ConditionBackendReady, idle)
		}, not(idle), progresses("waits for the backend"), underWay},
		{"one needs a person", unsynced(dead), not(dead), settled, stuck},
		{"the first that is not met speaks, and those that wait for it do not", func(c *Conditions) {
			c.Fail(v1alpha1.ConditionBackendReady, busy)
			c.Wait(v1alpha1.ConditionCreated, "waits for BackendReady")
			c.Wait(v1alpha1.ConditionSynced, "waits for BackendReady")
		}, not(busy), progresses("slow down"), underWay},
		{"the first by order, not by time of report", func(c *Conditions) {
			allTrue(c)
			c.Fail(v1alpha1.ConditionSynced, idle)
			c.Fail(v1alpha1.ConditionCreated, busy)
		}, not(busy), progresses("waits for the backend"), underWay},
		{"one that waits is not met", func(c *Conditions) {
			allTrue(c)
			c.Wait(v1alpha1.ConditionSynced, "waits for Created")
		}, said{metav1.ConditionFalse, v1alpha1.ReasonPending, "waits for Created"}, settled, settled},
		{"one stalled and one retried, stalled first", func(c *Conditions) {
			allTrue(c)
			c.Fail(v1alpha1.ConditionCreated, dead)
			c.Fail(v1alpha1.ConditionSynced, busy)
		}, not(dead), settled, stuck},
		{"one stalled and one retried, stalled last", func(c *Conditions) {
			allTrue(c)
			c.Fail(v1alpha1.ConditionCreated, busy)
			c.Fail(v1alpha1.ConditionSynced, dead)
		}, not(busy), settled, stuck},
		{"several problems of one condition", func(c *Conditions) {
			allTrue(c)
			c.FailAll(v1alpha1.ConditionSynced, []Problem{busy, dead})
		}, said{metav1.ConditionFalse, busy.Reason, "slow down; allow it"}, settled, stuck},
		{"a condition that Ready is not derived from", func(c *Conditions) {
			allTrue(c)
			c.Wait("Audited", "waits for a trail")
		}, met, settled, settled},
		{"nothing reported", func(*Conditions) {},
			said{metav1.ConditionFalse, v1alpha1.ReasonPending, "waits for BackendReady, Created, Synced"}, settled, settled},
		{"one not reported", func(c *Conditions) {
			c.True(v1alpha1.ConditionBackendReady, "Met", "")
			c.True(v1alpha1.ConditionSynced, "Met", "")
		}, said{metav1.ConditionFalse, v1alpha1.ReasonPending, "waits for Created"}, settled, settled},
		{"one not reported gives way to one that says why", func(c *Conditions) {
			c.Fail(v1alpha1.ConditionSynced, busy)
		}, not(busy), progresses("slow down"), underWay},
	} {
		t.Run(c.name, func(t *testing.T) {
			conditions := New(nil, 1)
			c.report(conditions)
			conditions.Summarize(of, "Ready", "all is well")
			for conditionType, want := range map[string]said{
				v1alpha1.ConditionReady:       c.ready,
				v1alpha1.ConditionReconciling: c.reconciling,
				v1alpha1.ConditionStalled:     c.stalled,
			} {
				if diff := cmp.Diff(want, saidOf(conditions, conditionType)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", conditionType, diff)
				}
			}
			if conditions.IsTrue(v1alpha1.ConditionReady) != (c.ready.Status == metav1.ConditionTrue) {
				t.Errorf("IsTrue says otherwise than the condition")
			}
		})
	}
}

func TestALongMessageIsCutToItsBoundBetweenCharacters(t *testing.T) {
	const most = 32768
	for _, c := range []struct {
		name    string
		message string
		cut     bool
	}{
		{"empty", "", false},
		{"at the bound", strings.Repeat("a", most), false},
		{"one byte over", strings.Repeat("a", most+1), true},
		{"two-byte characters", strings.Repeat("ü", most), true},
		{"two-byte characters, one byte on", "a" + strings.Repeat("ü", most), true},
		{"three-byte characters", strings.Repeat("€", most), true},
		{"three-byte characters, one byte on", "a" + strings.Repeat("€", most), true},
		{"three-byte characters, two bytes on", "ab" + strings.Repeat("€", most), true},
		{"four-byte characters", strings.Repeat("🔑", most), true},
		{"four-byte characters, one byte on", "a" + strings.Repeat("🔑", most), true},
		{"four-byte characters, two bytes on", "ab" + strings.Repeat("🔑", most), true},
		{"four-byte characters, three bytes on", "abc" + strings.Repeat("🔑", most), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			conditions := New(nil, 1)
			conditions.True(v1alpha1.ConditionSynced, "Met", c.message)
			got := conditions.List[0].Message
			if !c.cut {
				if got != c.message {
					t.Errorf("a message of %d bytes became one of %d", len(c.message), len(got))
				}
				return
			}
			kept, dots := strings.CutSuffix(got, "...")
			switch {
			case !utf8.ValidString(got):
				t.Errorf("a character was cut in half: the message ends with %q", got[len(got)-8:])
			case len(got) > most:
				t.Errorf("%d bytes are left, more than %d", len(got), most)
			case !dots || !strings.HasPrefix(c.message, kept):
				t.Errorf("the message is not its beginning and dots: it ends with %q", got[len(got)-8:])
			case len(got) <= most-utf8.UTFMax:
				t.Errorf("only %d bytes are left: more was cut off than had to be", len(got))
			}
		})
	}
}

func TestARemarkIsAddedToWhatIsSaidOfEachPassAnew(t *testing.T) {
	c := New(nil, 1)
	for range 2 {
		c = New(c.List, 1)
		allTrue(c)
		c.Summarize(of, "Ready", "all is well")
		c.Remark(v1alpha1.ConditionReady, "but")
		c.Remark(v1alpha1.ConditionReady, "")
		c.Remark("Unknown", "but")
	}
	want := said{metav1.ConditionTrue, "Ready", "all is well; but"}
	if diff := cmp.Diff(want, saidOf(c, v1alpha1.ConditionReady)); diff != "" {
		t.Errorf("Ready (-want +got):\n%s", diff)
	}
	c.Summarize(of, "Ready", "")
	c.Remark(v1alpha1.ConditionReady, "but")
	if got := saidOf(c, v1alpha1.ConditionReady).Message; got != "but" {
		t.Errorf("a remark alone reads %q", got)
	}
	if saidOf(c, "Unknown") != (said{}) {
		t.Error("a remark made a condition")
	}
}

func TestWhatIsNotThereIsNoProblem(t *testing.T) {
	c := New(nil, 1)
	allTrue(c)
	c.False(v1alpha1.ConditionDrifted, v1alpha1.ReasonNoDrift, "")
	c.Summarize(of, "Ready", "")
	if got := saidOf(c, v1alpha1.ConditionDrifted); got != (said{metav1.ConditionFalse, v1alpha1.ReasonNoDrift, ""}) || c.Problems() != nil ||
		!c.IsTrue(v1alpha1.ConditionReady) {
		t.Errorf("Drifted = %+v, problems %v", got, c.Problems())
	}
}

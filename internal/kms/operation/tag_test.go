// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chatelaine-dev/chatelaine/internal/kms"
)

func tag(key, value string) object { return object{"TagKey": key, "TagValue": value} }

func TestTagsAreAddedReplacedListedByKeyAndRemoved(t *testing.T) {
	w := newWorld(t)
	keyID := w.newKey(kms.CreateKeyInput{Tags: map[string]string{"team": "orders"}})
	w.must(root(), "TagResource", object{"KeyId": keyID, "Tags": []object{tag("team", "billing"), tag("env", ""), tag("cost", "7")}})
	event := w.events.last()
	tags := event.RequestParameters["tags"]
	if !cmp.Equal(event.ResponseElements, object{"keyId": arnOf(keyID)}) || !cmp.Equal(tags, any([]any{
		object{"tagKey": "team", "tagValue": "billing"}, object{"tagKey": "env", "tagValue": ""},
		object{"tagKey": "cost", "tagValue": "7"},
	})) {
		t.Errorf("the record is %+v", event)
	}
	want := object{"Tags": []any{tag("cost", "7"), tag("env", ""), tag("team", "billing")}, "Truncated": false}
	if diff := cmp.Diff(want, w.must(root(), "ListResourceTags", object{"KeyId": keyID})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.must(root(), "UntagResource", object{"KeyId": arnOf(keyID), "TagKeys": []string{"env", "team", "never there"}})
	want["Tags"] = []any{tag("cost", "7")}
	if diff := cmp.Diff(want, w.must(root(), "ListResourceTags", object{"KeyId": keyID})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTagsAreListedPageByPage(t *testing.T) {
	w := newWorld(t)
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprintf("%02d", i)] = ""
	}
	keyID := w.newKey(kms.CreateKeyInput{Tags: tags})
	first := w.must(root(), "ListResourceTags", object{"KeyId": keyID, "Limit": 30})
	if len(items(t, first, "Tags")) != 30 || first["Truncated"] != true {
		t.Fatalf("the first page is %v", first)
	}
	rest := w.must(root(), "ListResourceTags", object{"KeyId": keyID, "Marker": first["NextMarker"]})
	if list := items(t, rest, "Tags"); len(list) != 20 || !cmp.Equal(list[0], tag("30", "")) || rest["Truncated"] != false {
		t.Errorf("the rest is %v", rest)
	}
	w.refused(root(), "ListResourceTags", object{"KeyId": keyID, "Marker": "bad"}, kms.InvalidMarkerException)
}

func TestAKeyWithoutTagsListsNone(t *testing.T) {
	w := newWorld(t)
	out := w.must(root(), "ListResourceTags", object{"KeyId": w.newKey(kms.CreateKeyInput{})})
	if diff := cmp.Diff(object{"Tags": []any{}, "Truncated": false}, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTagsThatAreNotAllowedChangeNothing(t *testing.T) {
	w := newWorld(t)
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprint(i)] = "v"
	}
	keyID := w.newKey(kms.CreateKeyInput{Tags: tags})
	for name, tt := range map[string]struct {
		tags []object
		code kms.Code
		want string
	}{
		"twice":      {[]object{tag("0", "a"), tag("0", "b")}, kms.TagException, "Duplicate tag keys"},
		"reserved":   {[]object{tag("0", "a"), tag("AWS:x", "b")}, kms.TagException, "Tags beginning with aws: are reserved"},
		"too many":   {[]object{tag("0", "a"), tag("50", "b")}, kms.TagException, "Too many tags"},
		"a nameless": {[]object{tag("", "a")}, kms.ValidationException, ""},
	} {
		got := w.refused(root(), "TagResource", object{"KeyId": keyID, "Tags": tt.tags}, tt.code)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	w.refused(root(), "TagResource", object{"KeyId": keyID}, kms.ValidationException)
	w.refused(root(), "UntagResource", object{"KeyId": keyID}, kms.ValidationException)
	if diff := cmp.Diff(tags, w.record(keyID).Tags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.must(root(), "TagResource", object{"KeyId": keyID, "Tags": []object{tag("0", "replaced")}})
	if got := w.record(keyID).Tags["0"]; got != "replaced" {
		t.Errorf("a key with fifty tags does not take another value: %q", got)
	}
}

func TestTagsDecideWhoMayUseAKey(t *testing.T) {
	w := newWorld(t)
	ann := user("ann")
	keyID := w.newKey(kms.CreateKeyInput{Policy: statements(object{
		"Effect": "Allow", "Principal": object{"AWS": ann.ARN()}, "Action": "kms:Encrypt", "Resource": "*",
		"Condition": object{"StringEquals": object{"aws:ResourceTag/stage": "live"}},
	})})
	in := object{"KeyId": keyID, "Plaintext": []byte("x")}
	w.refused(ann, "Encrypt", in, kms.AccessDeniedException)
	w.must(root(), "TagResource", object{"KeyId": keyID, "Tags": []object{tag("stage", "live")}})
	w.must(ann, "Encrypt", in)
}

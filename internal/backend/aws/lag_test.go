// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package aws

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// hidden says whether a key or an alias is so new that reads do not show it.
func (p *proxy) hidden(name any, lag time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, _ := name.(string)
	made, known := p.made[text]
	return known && time.Since(made) < lag
}

// hides says whether a read asks for what it does not show yet.
func (p *proxy) hides(operation string, body []byte) bool {
	switch operation {
	case "DescribeKey", "ListResourceTags", "GetKeyRotationStatus", "ListKeyRotations", "GetKeyPolicy":
		return p.hidden(members(body)["KeyId"], p.readLag)
	case "CreateAlias":
		return p.hidden(members(body)["TargetKeyId"], p.writeLag)
	default:
		return false
	}
}

// lag notes what was made, and takes out of lists what they do not show yet.
func (p *proxy) lag(operation string, body, content []byte) []byte {
	switch operation {
	case "CreateKey":
		metadata, _ := members(content)["KeyMetadata"].(map[string]any)
		p.note(metadata["KeyId"])
	case "CreateAlias":
		p.note(members(body)["AliasName"])
	case "ListKeys":
		return p.without(content, "Keys", "KeyId")
	case "ListAliases":
		return p.without(content, "Aliases", "AliasName")
	default:
		return p.stale(operation, members(body)["KeyId"], content)
	}
	return content
}

// reading is what a read answered, and when.
type reading struct {
	content []byte
	at      time.Time
}

// stale notes when a key was written to. A read of it is answered as one was before, if that is no older than reads lag behind:
// if it was still so then.
func (p *proxy) stale(operation string, keyID any, content []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, _ := keyID.(string)
	now := time.Now()
	if !strings.HasPrefix(operation, "Get") && !strings.HasPrefix(operation, "List") && operation != "DescribeKey" {
		p.wrote[id] = append(p.wrote[id], now)
		return content
	}
	read := operation + " " + id
	before, ok := p.before[read]
	outdated := slices.IndexFunc(p.wrote[id], func(wrote time.Time) bool { return wrote.After(before.at) })
	lag := p.readLag
	if operation == "ListGrants" {
		lag = p.grantLag
	}
	if ok && outdated >= 0 && now.Sub(p.wrote[id][outdated]) < lag {
		return before.content
	}
	p.before[read] = reading{content, now}
	return content
}

func (p *proxy) note(name any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text, ok := name.(string); ok {
		p.made[text] = time.Now()
	}
}

func (p *proxy) without(content []byte, list, name string) []byte {
	object := members(content)
	items, _ := object[list].([]any)
	object[list] = slices.DeleteFunc(items, func(item any) bool {
		one, _ := item.(map[string]any)
		return p.hidden(one[name], p.readLag)
	})
	changed, err := json.Marshal(object)
	if err != nil {
		p.t.Error(err)
	}
	return changed
}

// resources is a page of the Tagging API: the keys with the tag that is asked for, by key ID.
func (p *proxy) resources(body []byte) []byte {
	var in struct {
		PaginationToken  string
		ResourcesPerPage int
		TagFilters       []struct {
			Key    string
			Values []string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		p.t.Error(err)
	}
	type tag struct{ Key, Value string }
	type resource struct {
		ResourceARN string
		Tags        []tag
	}
	records := p.behind.ring.Keys()
	slices.SortFunc(records, func(a, b *keyring.KeyRecord) int { return strings.Compare(a.KeyID, b.KeyID) })
	var all []resource
	for _, record := range records {
		if !slices.Contains(in.TagFilters[0].Values, record.Tags[in.TagFilters[0].Key]) || p.hidden(record.KeyID, p.taggingLag) {
			continue
		}
		one := resource{ResourceARN: "arn:aws:kms:" + region + ":" + account + ":key/" + record.KeyID}
		for key, value := range record.Tags {
			one.Tags = append(one.Tags, tag{key, value})
		}
		all = append(all, one)
	}
	from, _ := strconv.Atoi(in.PaginationToken)
	to, next := min(from+in.ResourcesPerPage, len(all)), ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	page, err := json.Marshal(map[string]any{"ResourceTagMappingList": all[min(from, to):to], "PaginationToken": next})
	if err != nil {
		p.t.Error(err)
	}
	return page
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awstest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/kms/keyring"
)

// taggingTarget begins the header X-Amz-Target of requests to the Tagging API.
const taggingTarget = "ResourceGroupsTaggingAPI_20170126."

// getResources is a request for a page of the resources with a tag.
type getResources struct {
	PaginationToken  string
	ResourcesPerPage int
	TagFilters       []struct {
		Key    string
		Values []string
	}
}

type (
	tag      struct{ Key, Value string }
	resource struct {
		ResourceARN string
		Tags        []tag
	}
	resources struct {
		PaginationToken        string
		ResourceTagMappingList []resource
	}
)

// serveTagging answers GetResources for keys, of which the first tag filter is heeded. The signature is not verified.
func (a *Account) serveTagging(w http.ResponseWriter, r *http.Request) {
	var in getResources
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.TagFilters) == 0 {
		http.Error(w, `{"__type":"InvalidParameterException"}`, http.StatusBadRequest)
		return
	}
	all := a.tagged(in.TagFilters[0].Key, in.TagFilters[0].Values)
	from, _ := strconv.Atoi(in.PaginationToken)
	from = min(from, len(all))
	to := min(from+in.ResourcesPerPage, len(all))
	out := resources{ResourceTagMappingList: make([]resource, 0, to-from)}
	if to < len(all) {
		out.PaginationToken = strconv.Itoa(to)
	}
	for _, record := range all[from:to] {
		one := resource{ResourceARN: a.Service.KeyARN(record.KeyID)}
		for key, value := range record.Tags {
			one.Tags = append(one.Tags, tag{key, value})
		}
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, one)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// tagged are the keys with one of the tags, sorted by ID.
func (a *Account) tagged(key string, values []string) []*keyring.KeyRecord {
	all := slices.DeleteFunc(a.ring.Keys(), func(record *keyring.KeyRecord) bool { return !slices.Contains(values, record.Tags[key]) })
	slices.SortFunc(all, func(a, b *keyring.KeyRecord) int { return strings.Compare(a.KeyID, b.KeyID) })
	return all
}

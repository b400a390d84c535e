// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import "net/http"

// Requests are requests in the order in which the API server received them.
type Requests []Request

// Where are the requests that keep says yes to.
func (r Requests) Where(keep func(Request) bool) Requests {
	var kept Requests
	for _, request := range r {
		if keep(request) {
			kept = append(kept, request)
		}
	}
	return kept
}

// By are the requests of one user; see UserName.
func (r Requests) By(user string) Requests {
	return r.Where(func(request Request) bool { return request.User == user })
}

// For are the requests about resource, by its name with its group, subresources included.
func (r Requests) For(resource string) Requests {
	return r.Where(func(request Request) bool { return request.Resource == resource })
}

// Writes are the requests that create, change or delete something, whether or not they succeeded.
func (r Requests) Writes() Requests {
	return r.Where(func(request Request) bool {
		switch request.Verb {
		case "create", "update", "patch", "delete", "deletecollection":
			return true
		}
		return false
	})
}

// Forbidden are the requests that were refused for want of permission.
func (r Requests) Forbidden() Requests {
	return r.Where(func(request Request) bool { return request.Code == http.StatusForbidden })
}

// Counts are the numbers of requests of each kind.
func (r Requests) Counts() map[Kind]int {
	counts := map[Kind]int{}
	for _, request := range r {
		counts[request.Kind]++
	}
	return counts
}

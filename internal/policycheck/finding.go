// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"fmt"
	"strings"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy/lint"
)

// The kinds that are spoken of.
const (
	kindKey            = "Key"
	kindKeyPolicy      = "KeyPolicy"
	kindKMSBackend     = "KMSBackend"
	kindServiceAccount = "ServiceAccount"
	kindDocument       = "policy document"
)

// Place is what a finding is about.
type Place struct {
	// Source is the file; empty for an object of the cluster.
	Source string `json:"source,omitempty"`
	// Kind is empty where it is not known.
	Kind      string `json:"kind,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// String is the place as it stands before a finding: orders.yaml: KeyPolicy shop/readers.
func (p Place) String() string {
	what := p.Kind
	if p.Name != "" {
		what += " " + strings.TrimPrefix(p.Namespace+"/"+p.Name, "/")
	}
	return strings.Trim(p.Source+": "+what, ": ")
}

// Finding is something to be said about an object or a document.
type Finding struct {
	Place
	Severity lint.Severity `json:"severity"`
	// Field that it is about, such as spec.rules[Read].actions or Statement[0].Principal; empty for the whole.
	Field string `json:"field,omitempty"`
	// Message is for a person.
	Message string `json:"message"`
	// Keys are those that it is true of; none if it is true of all that the KeyPolicy selects.
	Keys []string `json:"keys,omitempty"`
}

// String is the finding on one line.
func (f Finding) String() string {
	text := string(f.Severity) + ": "
	if place := f.Place.String(); place != "" {
		text = place + ": " + text
	}
	if f.Field != "" {
		text += f.Field + ": "
	}
	text += strings.Join(strings.Fields(f.Message), " ")
	if len(f.Keys) > 0 {
		text += " (on Key " + strings.Join(f.Keys, ", ") + ")"
	}
	return text
}

func place[T named](from string, object T) Place {
	return Place{Source: from, Kind: kindOf(object), Namespace: object.GetNamespace(), Name: object.GetName()}
}

func kindOf(object any) string {
	switch object.(type) {
	case *v1alpha1.Key:
		return kindKey
	case *v1alpha1.KeyPolicy:
		return kindKeyPolicy
	case *v1alpha1.KMSBackend:
		return kindKMSBackend
	default:
		return fmt.Sprintf("%T", object)
	}
}

func refuse[T named](from string, object T, field, message string) Finding {
	return Finding{Place: place(from, object), Severity: lint.Error, Field: field, Message: message}
}

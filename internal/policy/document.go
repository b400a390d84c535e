// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// MaxBytes is the size of the largest document that AWS KMS takes.
const MaxBytes = 32768

// Versions of the policy language. A document without one is of the older.
const (
	Version2012 = "2012-10-17"
	Version2008 = "2008-10-17"
)

// Effect is what a statement does to the requests it applies to.
type Effect string

// The two effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Document is a key policy. One from Parse is well formed; one that was put together by hand is known to be only when
// Parse takes its String.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Statement is one rule. Exactly one of Principal and NotPrincipal, and one of Action and NotAction, has entries.
type Statement struct {
	Sid          string
	Effect       Effect
	Principal    Principals
	NotPrincipal Principals
	Action       []string
	NotAction    []string
	Resource     []string
	Conditions   []Condition
}

// Principals are whom a statement names, by kind; everybody is "*" in AWS.
type Principals struct {
	AWS       []string
	Service   []string
	Federated []string
}

// Condition is one key under one operator, such as StringEquals, kms:ViaService, [s3.eu-west-1.amazonaws.com]. Numbers
// and booleans are held as JSON spells them.
type Condition struct {
	Operator string
	Key      string
	Values   []string
}

// String is the condition without its values, for diagnostics.
func (c Condition) String() string { return c.Operator + " " + c.Key }

func (p Principals) empty() bool { return len(p.AWS)+len(p.Service)+len(p.Federated) == 0 }

// String is the canonical JSON of the document: no white space, elements in IAM's customary order, lists sorted and
// without repetitions, a list of one as its element, everybody as {"AWS":"*"}. Characters that AWS does not take in a
// document are escaped.
func (d *Document) String() string {
	var w writer
	w.open('{')
	w.member("Version", text(d.version()))
	if d.ID != "" {
		w.member("Id", text(d.ID))
	}
	w.name("Statement")
	w.open('[')
	for i := range d.Statements {
		w.statement(&d.Statements[i])
	}
	w.close(']')
	w.close('}')
	return w.out.String()
}

func (d *Document) version() string {
	if d.Version == "" {
		return Version2008
	}
	return d.Version
}

// writer writes JSON whose members come in the order in which they are written.
type writer struct {
	out strings.Builder
	// comma says that the next item of the open list or object follows another.
	comma bool
}

func (w *writer) item() {
	if w.comma {
		w.out.WriteByte(',')
	}
	w.comma = true
}

func (w *writer) open(delimiter byte) {
	w.item()
	w.out.WriteByte(delimiter)
	w.comma = false
}

func (w *writer) close(delimiter byte) {
	w.out.WriteByte(delimiter)
	w.comma = true
}

// name begins a member; what is written next is its value.
func (w *writer) name(name string) {
	w.item()
	w.out.WriteString(text(name) + ":")
	w.comma = false
}

func (w *writer) member(name, value string) {
	w.name(name)
	w.out.WriteString(value)
	w.comma = true
}

func (w *writer) statement(s *Statement) {
	w.open('{')
	if s.Sid != "" {
		w.member("Sid", text(s.Sid))
	}
	w.member("Effect", text(string(s.Effect)))
	w.principals("Principal", s.Principal)
	w.principals("NotPrincipal", s.NotPrincipal)
	w.list("Action", s.Action)
	w.list("NotAction", s.NotAction)
	w.list("Resource", s.Resource)
	w.conditions(s.Conditions)
	w.close('}')
}

func (w *writer) principals(name string, p Principals) {
	if p.empty() {
		return
	}
	w.name(name)
	w.open('{')
	w.list("AWS", p.AWS)
	w.list("Service", p.Service)
	w.list("Federated", p.Federated)
	w.close('}')
}

// list writes a set of strings, or nothing if there are none.
func (w *writer) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	values = set(values)
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = text(value)
	}
	if len(quoted) == 1 {
		w.member(name, quoted[0])
		return
	}
	w.member(name, "["+strings.Join(quoted, ",")+"]")
}

func (w *writer) conditions(conditions []Condition) {
	if len(conditions) == 0 {
		return
	}
	sorted := inOrder(conditions)
	w.name("Condition")
	w.open('{')
	for i, condition := range sorted {
		if i == 0 || sorted[i-1].Operator != condition.Operator {
			w.name(condition.Operator)
			w.open('{')
		}
		w.list(condition.Key, condition.Values)
		if i == len(sorted)-1 || sorted[i+1].Operator != condition.Operator {
			w.close('}')
		}
	}
	w.close('}')
}

// inOrder is the conditions sorted by operator and key.
func inOrder(conditions []Condition) []Condition {
	return slices.SortedStableFunc(slices.Values(conditions), func(a, b Condition) int {
		if c := strings.Compare(a.Operator, b.Operator); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
}

// set is the values sorted and each once.
func set(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// text is the JSON string for s in the characters that AWS takes in a policy.
func text(s string) string {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic("encoding a string as JSON: " + err.Error()) // cannot fail: a string always has a JSON form
	}
	var out strings.Builder
	for _, r := range strings.TrimSuffix(quoted.String(), "\n") {
		switch {
		case r <= maxRune:
			out.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		}
	}
	return out.String()
}

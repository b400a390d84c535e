// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// wordSet is the members of a set: in the form in which they are compared, and as they are written.
type wordSet map[string]string

// normal is a statement in a form that is the same for all statements which say the same.
type normal struct {
	*Statement
	index int
	twin  *normal
	// elements are its sets by their names, in the order of elementNames.
	elements []wordSet
	// keys are the elements as texts, and key is all of them: the whole but the Sid.
	keys []string
	key  string
}

// elementNames are a statement's elements, as they are told to a person. A condition's come behind them.
var elementNames = []string{
	"Effect", "Principal", "Principal Service", "Principal Federated", "NotPrincipal", "NotPrincipal Service",
	"NotPrincipal Federated", "Action", "NotAction", "Resource", "Condition",
}

func newNormal(index int, s *Statement) normal {
	n := normal{Statement: s, index: index, elements: []wordSet{
		{string(s.Effect): string(s.Effect)},
		wordsOf(s.Principal.AWS, normalPrincipal), wordsOf(s.Principal.Service, exact), wordsOf(s.Principal.Federated, exact),
		wordsOf(s.NotPrincipal.AWS, normalPrincipal), wordsOf(s.NotPrincipal.Service, exact),
		wordsOf(s.NotPrincipal.Federated, exact),
		wordsOf(s.Action, strings.ToLower), wordsOf(s.NotAction, strings.ToLower), wordsOf(s.Resource, exact),
		conditionWords(s.Conditions),
	}}
	for _, element := range n.elements {
		n.keys = append(n.keys, fmt.Sprintf("%q", slices.Sorted(maps.Keys(element))))
	}
	n.key = strings.Join(n.keys, "\n")
	return n
}

func exact(word string) string { return word }

// normalPrincipal is an account as its 12 digits, and every other principal as it is.
func normalPrincipal(principal string) string {
	if account := WholeAccount(principal); account != "" {
		return account
	}
	return principal
}

func wordsOf(list []string, form func(string) string) wordSet {
	set := make(wordSet, len(list))
	for _, word := range slices.Sorted(slices.Values(list)) {
		if _, ok := set[form(word)]; !ok {
			set[form(word)] = word
		}
	}
	return set
}

// conditionWords has a word for each value under an operator and a key, so that differences are named value by value. Values
// of one condition are alternatives and conditions are not; where a key stands under an operator twice, in another case and
// with other values, each list of values is a word.
func conditionWords(conditions []Condition) wordSet {
	places := map[string]map[string]Condition{} // by operator and key, and then by values
	for _, condition := range conditions {
		place := fmt.Sprintf("%s %q ", condition.Operator, strings.ToLower(condition.Key))
		if places[place] == nil {
			places[place] = map[string]Condition{}
		}
		places[place][strings.Join(quoted(condition.Values), ", ")] = condition
	}
	all := wordSet{}
	for place, lists := range places {
		for list, condition := range lists {
			words := quoted(condition.Values)
			if len(lists) > 1 || len(words) == 0 {
				words = []string{"[" + list + "]"}
			}
			for _, word := range words {
				all[place+word] = condition.String() + " " + word
			}
		}
	}
	return all
}

// quoted is the values as a set, each in quotes.
func quoted(values []string) []string {
	quoted := set(values)
	for i, value := range quoted {
		quoted[i] = strconv.Quote(value)
	}
	return quoted
}

// label names the statement.
func (n *normal) label() string {
	if n.Sid != "" {
		return fmt.Sprintf("statement %q", n.Sid)
	}
	return fmt.Sprintf("Statement[%d]", n.index)
}

// found is how a statement differs from another.
type found struct {
	differences []string
	// elements is how many elements differ.
	elements int
	orphans  []Orphan
}

// holdsOrphans says that an element lists AWS principals, which AWS can have made unique IDs of.
func holdsOrphans(name string) bool { return name == "Principal" || name == "NotPrincipal" }

// isFar says, without looking closer, that more elements differ than so many.
func (n *normal) isFar(have *normal, most int) bool {
	differ := 0
	for i, name := range elementNames {
		if n.keys[i] != have.keys[i] && !holdsOrphans(name) {
			differ++
		}
	}
	return differ > most
}

// diff says how a statement that is there differs from the wanted one.
func (n *normal) diff(have *normal) found {
	var f found
	if n.Sid != have.Sid {
		f.differences = append(f.differences, fmt.Sprintf("Sid: %q is declared and %q is there", n.Sid, have.Sid))
	}
	for i, name := range elementNames {
		missing, extra := less(n.elements[i], have.elements[i]), less(have.elements[i], n.elements[i])
		if holdsOrphans(name) {
			var orphans []Orphan
			missing, extra, orphans = adopt(missing, extra)
			f.orphans = append(f.orphans, orphans...)
		}
		f.differences = append(f.differences, told(name, "is missing", missing)...)
		f.differences = append(f.differences, told(name, "is there and not declared", extra)...)
		if len(missing)+len(extra) > 0 {
			f.elements++
		}
	}
	return f
}

// less is the words of one set that are not in another, as they are written, sorted.
func less(words, without wordSet) []string {
	var left []string
	for form, word := range words {
		if _, ok := without[form]; !ok {
			left = append(left, word)
		}
	}
	slices.Sort(left)
	return left
}

// longestWord is how much of a word a difference quotes, in bytes.
const longestWord = 256

// told is a difference for each of the words.
func told(element, what string, these []string) []string {
	sentences := make([]string, len(these))
	for i, word := range these {
		if len(word) > longestWord {
			word = strings.ToValidUTF8(word[:longestWord], "") + "..."
		}
		sentences[i] = fmt.Sprintf("%s: %s %s", element, word, what)
	}
	return sentences
}

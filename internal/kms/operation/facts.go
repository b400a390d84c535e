// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
	"github.com/chatelaine-dev/chatelaine/internal/kms"
	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// facts are what the conditions of a key policy ask for, by condition key. What they do not ask for is not collected.
type facts struct {
	document *policy.Document
	byKey    map[string][]string
}

// context is what the conditions of a key policy can see: what the request's members say by their tags, the key's
// properties, and the global keys. It is nil for a policy without conditions, which is most of them.
func (r *Request) context(document *policy.Document, key *kms.Key, encryptionContext map[string]string) map[string][]string {
	if document == nil || !slices.ContainsFunc(document.Statements, hasConditions) {
		return nil
	}
	f := &facts{document: document, byKey: map[string][]string{}}
	if r.in != nil {
		f.addMembers(r.Operation.input, reflect.ValueOf(r.in).Elem())
	}
	if in, ok := r.in.(factual); ok {
		in.addFacts(f)
	}
	f.addKey(key)
	f.addCaller(r)
	f.addEncryptionContext(encryptionContext)
	maps.Copy(f.byKey, r.facts)
	return f.byKey
}

// factual is a request that tells conditions more than its members' tags can say.
type factual interface{ addFacts(f *facts) }

func hasConditions(s policy.Statement) bool { return len(s.Conditions) > 0 }

// asked is the condition key of the document that prefix and name make, as the document spells it; empty if it has none.
func (f *facts) asked(prefix, name string) string {
	for i := range f.document.Statements {
		for _, condition := range f.document.Statements[i].Conditions {
			key := condition.Key
			if len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) && strings.EqualFold(key[len(prefix):], name) {
				return key
			}
		}
	}
	return ""
}

// add adds a value to the key if the document asks for it.
func (f *facts) add(key, value string) { f.addNamed(key, "", value) }

// addNamed is add for a key such as aws:ResourceTag/NAME.
func (f *facts) addNamed(prefix, name, value string) {
	if key := f.asked(prefix, name); key != "" {
		f.byKey[key] = append(f.byKey[key], value)
	}
}

// addSet is add for a text that may be missing.
func (f *facts) addSet(key, value string) {
	if value != "" {
		f.add(key, value)
	}
}

// addMembers adds what the members with a condition key say; those that are not set say nothing, but for booleans, which
// are false then.
func (f *facts) addMembers(s *shape, v reflect.Value) {
	for i := range s.members {
		m := &s.members[i]
		if m.condition == "" && m.nested == nil {
			continue
		}
		field := v.Field(m.index)
		for field.Kind() == reflect.Pointer && !field.IsNil() {
			field = field.Elem()
		}
		switch {
		case field.IsZero() && field.Kind() != reflect.Bool, m.condition == "kms:EncryptionContext":
		case m.nested != nil && field.Kind() == reflect.Slice:
			tags, _ := reflect.TypeAssert[[]Tag](field)
			f.addTags(tags)
		case m.nested != nil && field.Kind() == reflect.Struct:
			f.addMembers(m.nested, field)
		case f.asked(m.condition, "") != "":
			for _, text := range texts(field) {
				f.add(m.condition, text)
			}
		}
	}
}

func (f *facts) addTags(tags []Tag) {
	for _, tag := range tags {
		value := ""
		if tag.TagValue != nil {
			value = *tag.TagValue
		}
		f.addNamed("aws:RequestTag/", tag.TagKey, value)
		f.add("aws:TagKeys", tag.TagKey)
	}
}

// texts is a member's value as conditions compare it.
func texts(v reflect.Value) []string {
	switch value := v.Interface().(type) {
	case string:
		return []string{value}
	case []string:
		return value
	case bool:
		return []string{strconv.FormatBool(value)}
	case int32:
		return []string{strconv.Itoa(int(value))}
	case Time:
		return []string{value.Format(time.RFC3339)}
	default:
		return nil
	}
}

func (f *facts) addEncryptionContext(encryptionContext map[string]string) {
	for name, value := range encryptionContext {
		f.addNamed("kms:EncryptionContext:", name, value)
		f.add("kms:EncryptionContextKeys", name)
	}
}

func (f *facts) addKey(key *kms.Key) {
	record := key.Record()
	f.add("kms:KeySpec", string(record.Spec))
	f.add("kms:KeyUsage", string(record.Usage))
	f.add("kms:KeyOrigin", string(record.Origin))
	f.add("kms:MultiRegion", strconv.FormatBool(record.MultiRegion != nil))
	if f.asked("kms:MultiRegionKeyType", "") != "" {
		f.addSet("kms:MultiRegionKeyType", key.MultiRegionType())
	}
	f.addSet("kms:RequestAlias", key.RequestAlias())
	f.add("aws:ResourceAccount", key.Service().ID().AccountID)
	for name, value := range record.Tags {
		f.addNamed("aws:ResourceTag/", name, value)
	}
}

// addCaller adds the global condition keys, with the values that a request has in AWS which comes from a client and not
// through another service.
func (f *facts) addCaller(r *Request) {
	account := r.Caller.AccountID()
	f.add("kms:CallerAccount", account)
	f.add("aws:PrincipalAccount", account)
	f.add("aws:PrincipalArn", r.Caller.Principal.ARN)
	f.add("aws:PrincipalType", principalTypes[r.Caller.Type])
	f.add("aws:PrincipalIsAWSService", "false")
	f.add("aws:ViaAWSService", "false")
	f.add("aws:userid", r.Caller.PrincipalID)
	f.add("aws:SecureTransport", strconv.FormatBool(r.TLS != nil))
	f.add("aws:RequestedRegion", r.Region)
	f.addTime("aws:CurrentTime", r.received)
	f.add("aws:EpochTime", strconv.FormatInt(r.received.Unix(), 10))
	f.addSet("aws:SourceIp", r.SourceIP)
	f.addSet("aws:UserAgent", r.UserAgent)
	if r.Caller.Type == identity.IAMUser {
		f.addSet("aws:username", r.Caller.UserName)
	}
	if r.Caller.Session != nil {
		f.addSession(r.Caller.Session)
	}
}

func (f *facts) addSession(session *identity.Session) {
	if !session.IssuedAt.IsZero() {
		f.addTime("aws:TokenIssueTime", session.IssuedAt)
		f.add("aws:MultiFactorAuthPresent", "false")
	}
	f.addSet("aws:FederatedProvider", session.Provider)
	// The session tags that EKS Pod Identity gives its sessions.
	f.addSet("aws:PrincipalTag/kubernetes-namespace", session.ServiceAccount.Namespace)
	f.addSet("aws:PrincipalTag/kubernetes-service-account", session.ServiceAccount.Name)
	f.addSet("aws:PrincipalTag/kubernetes-pod-name", session.ServiceAccount.PodName)
	f.addSet("aws:PrincipalTag/kubernetes-pod-uid", session.ServiceAccount.PodUID)
}

// addTime adds a time, which takes longer to write than all the rest.
func (f *facts) addTime(key string, at time.Time) {
	if f.asked(key, "") != "" {
		f.add(key, at.Format(time.RFC3339))
	}
}

// principalTypes are the values of aws:PrincipalType, which are not CloudTrail's.
var principalTypes = map[identity.Type]string{
	identity.Root: "Account", identity.IAMUser: "User", identity.AssumedRole: "AssumedRole",
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policycheck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/policy/vocabulary"
)

const (
	encryptionContext     = "kms:EncryptionContext:"
	encryptionContextKeys = "kms:EncryptionContextKeys"
)

// ParseContext reads what is given of a request as KEY=VALUE, each with one value; a key that has several is given several
// times.
func ParseContext(given []string) (map[string][]string, error) {
	values := map[string][]string{}
	for _, pair := range given {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("%q has no value: write KEY=VALUE, such as aws:SourceIp=192.0.2.1", pair)
		}
		if _, known := vocabulary.ConditionKey(key); !known {
			return nil, fmt.Errorf("%q is no condition key that a request to AWS KMS has; write one such as aws:SourceIp, kms:ViaService or %sNAME",
				key, encryptionContext)
		}
		values[key] = append(values[key], value)
	}
	return values, nil
}

// facts are what conditions can see of a request.
type facts map[string][]string

// add adds a fact unless it is empty, or said to be otherwise.
func (f facts) add(key, value string) {
	if value == "" {
		return
	}
	for name := range f {
		if strings.EqualFold(name, key) {
			return
		}
	}
	f[key] = []string{value}
}

// context is what conditions can see: what was given, and what the endpoint knows by itself of every request.
func (q *Question) context(at *home, key *v1alpha1.Key, who *caller) map[string][]string {
	f := facts{}
	for name, values := range q.Context {
		f[name] = slices.Clone(values)
	}
	f.addEncryptionContextKeys()
	f.addKey(at, key)
	f.addCaller(who)
	f.add("aws:SecureTransport", "true")
	f.add("aws:RequestedRegion", at.region)
	f.add("aws:CurrentTime", q.Now.UTC().Format(time.RFC3339))
	f.add("aws:EpochTime", strconv.FormatInt(q.Now.Unix(), 10))
	return f
}

func (f facts) addEncryptionContextKeys() {
	var names []string
	for name := range f {
		if strings.EqualFold(name, encryptionContextKeys) {
			return
		}
		if len(name) > len(encryptionContext) && strings.EqualFold(name[:len(encryptionContext)], encryptionContext) {
			names = append(names, name[len(encryptionContext):])
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		f[encryptionContextKeys] = names
	}
}

func (f facts) addKey(at *home, key *v1alpha1.Key) {
	f.add("aws:ResourceAccount", at.AccountID)
	f.add("kms:KeySpec", string(at.Spec))
	f.add("kms:KeyUsage", string(at.Usage))
	if key == nil {
		return
	}
	f.add("kms:MultiRegion", "false")
	if key.Spec.Adopt == nil {
		f.add("kms:KeyOrigin", "AWS_KMS")
	}
	for name, value := range key.Spec.Tags {
		f.add("aws:ResourceTag/"+name, string(value))
	}
}

func (f facts) addCaller(who *caller) {
	f.add("aws:PrincipalIsAWSService", strconv.FormatBool(who.Service != ""))
	f.add("aws:ViaAWSService", "false")
	f.add("aws:PrincipalServiceName", who.Service)
	f.add("kms:CallerAccount", who.AccountID())
	f.add("aws:PrincipalAccount", who.AccountID())
	f.add("aws:PrincipalArn", who.ARN)
	f.add("aws:PrincipalType", who.principalType())
	if who.principalType() == "User" {
		f.add("aws:username", who.ARN[strings.LastIndexByte(who.ARN, '/')+1:])
	}
	if who.principalType() == "AssumedRole" {
		f.add("aws:MultiFactorAuthPresent", "false")
	}
	f.add("aws:PrincipalTag/kubernetes-namespace", who.serviceAccount.Namespace)
	f.add("aws:PrincipalTag/kubernetes-service-account", who.serviceAccount.Name)
}

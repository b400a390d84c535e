// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import "strings"

func parsePrincipals(s *Statement, found map[string]any) error {
	name, err := oneOf(found, "Principal", "NotPrincipal")
	if err != nil {
		return err
	}
	if name == "NotPrincipal" && s.Effect == Allow {
		return fail(name, `goes with "Deny" only: with "Allow" it would let in everybody else; name them in Principal`)
	}
	principals, err := readPrincipals(name, found[name])
	if err != nil {
		return err
	}
	if name == "Principal" {
		s.Principal = principals
	} else {
		s.NotPrincipal = principals
	}
	return nil
}

func readPrincipals(name string, value any) (Principals, error) {
	var p Principals
	if value == everybody {
		return Principals{AWS: []string{everybody}}, nil
	}
	if _, ok := value.(object); !ok {
		return p, fail(name, `is %s; write "*" or an object such as {"AWS":"arn:aws:iam::111122223333:role/NAME"}`, kind(value))
	}
	kinds, err := elements(name, value, principalKinds)
	if err != nil {
		return p, err
	}
	if len(kinds) == 0 {
		return p, fail(name, "is empty; name at least one principal")
	}
	for kind, list := range map[string]*[]string{"AWS": &p.AWS, "Service": &p.Service, "Federated": &p.Federated} {
		if _, present := kinds[kind]; !present {
			continue
		}
		if *list, err = texts(name+" "+kind, kinds[kind]); err != nil {
			return p, err
		}
	}
	return p, checkPrincipals(name, p)
}

func checkPrincipals(name string, p Principals) error {
	for _, entry := range p.AWS {
		valid := entry == everybody || isAccountID(entry) || uniqueIDPattern.MatchString(entry) ||
			callerPattern.MatchString(entry)
		if !valid {
			return fail(name+" AWS", `%q is not a principal; write an account's 12 digits, the whole ARN of a user, role or `+
				`session (wildcards are not possible within one: use a condition on aws:PrincipalArn), or "*"`, entry)
		}
	}
	for _, entry := range p.Service {
		if !servicePattern.MatchString(entry) {
			return fail(name+" Service", `%q is not a service; write its name, such as "logs.eu-west-1.amazonaws.com"`, entry)
		}
	}
	for _, entry := range p.Federated {
		if entry == "" || strings.ContainsAny(entry, "*?") {
			return fail(name+" Federated", "%q is not an identity provider; write its ARN or its domain name", entry)
		}
	}
	return nil
}

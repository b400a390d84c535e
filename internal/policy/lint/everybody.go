// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/chatelaine-dev/chatelaine/internal/policy"
)

// everybody looks for an Allow to everybody that nothing limits.
func (l *linter) everybody(s *policy.Statement) {
	if s.Effect != policy.Allow || !slices.Contains(s.Principal.AWS, everybody) || slices.ContainsFunc(s.Conditions, limits) {
		return
	}
	l.err("Principal", `"*" lets in everybody, of any account, and no condition limits it: name the principals, or add a condition `+
		"that says who they are, such as StringEquals aws:PrincipalOrgID or kms:CallerAccount (kms:ViaService alone does not)")
}

// limiting are the condition keys that say who or whence a caller is, by their names in lower case, each with what makes a
// value under it a limit. A condition limits if all of its values do.
var limiting = map[string]func(value pattern) bool{
	"aws:principalarn":              pattern.namesAccount,
	"aws:principalaccount":          pattern.isLiteral,
	"kms:calleraccount":             pattern.isLiteral,
	"aws:principalorgid":            pattern.isLiteral,
	"aws:principalorgpaths":         pattern.namesOrganization,
	"aws:principalservicename":      pattern.isLiteral,
	"aws:principalservicenameslist": pattern.isLiteral,
	"aws:sourcearn":                 pattern.namesResource,
	"aws:sourceaccount":             pattern.isLiteral,
	"aws:sourceorgid":               pattern.isLiteral,
	"aws:sourceorgpaths":            pattern.namesOrganization,
	"aws:sourcevpc":                 pattern.isLiteral,
	"aws:sourcevpcarn":              pattern.namesAccount,
	"aws:sourcevpce":                pattern.isLiteral,
	"aws:vpceaccount":               pattern.isLiteral,
	"aws:vpceorgid":                 pattern.isLiteral,
	"aws:vpceorgpaths":              pattern.namesOrganization,
}

// limits says whether a condition certainly lets in only some callers. One that is negated, or that an absent key satisfies,
// does not.
func limits(condition policy.Condition) bool {
	operator, known := policy.ParseOperator(condition.Operator)
	if !known || operator.Negated || operator.IfExists || operator.ForAllValues || len(condition.Values) == 0 {
		return false
	}
	key := strings.ToLower(condition.Key)
	wild := none
	switch operator.Comparison {
	case "IpAddress":
		return key == "aws:sourceip" && limitAddresses(condition.Values)
	case "StringEquals", "StringEqualsIgnoreCase":
	case "StringLike":
		wild = anywhere
	case "ArnEquals", "ArnLike":
		wild = inPart
	default:
		return false
	}
	limit, ok := limiting[key]
	return ok && !slices.ContainsFunc(condition.Values, func(value string) bool { return !limit(pattern{value, wild}) })
}

// wildcards is how far the wildcards of an operator's values reach.
type wildcards int

const (
	none wildcards = iota
	// inPart: within one of the six parts of an ARN.
	inPart
	// anywhere: over colons, too.
	anywhere
)

// pattern is a condition's value.
type pattern struct {
	text string
	wild wildcards
}

func (p pattern) isLiteral() bool { return p.literal() == p.text }

// literal is what the pattern has in front of its first wildcard.
func (p pattern) literal() string {
	if at := strings.IndexAny(p.text, "*?"); p.wild != none && at >= 0 {
		return p.text[:at]
	}
	return p.text
}

// arn is the account and the resource in the pattern of an ARN; false if it is not clear what they are.
func (p pattern) arn() (account, resource pattern, sure bool) {
	const parts = 6
	part := strings.SplitN(p.text, ":", parts)
	if len(part) != parts || p.wild == anywhere && strings.Count(p.literal(), ":") < parts-1 {
		return pattern{}, pattern{}, false
	}
	return pattern{part[parts-2], p.wild}, pattern{part[parts-1], p.wild}, true
}

// namesAccount says that the ARN is of one account.
func (p pattern) namesAccount() bool {
	account, _, sure := p.arn()
	return sure && account.isLiteral()
}

// namesResource says that the ARN is of one account or, like those of buckets, has none and names the resource.
func (p pattern) namesResource() bool {
	account, resource, sure := p.arn()
	if !sure || !account.isLiteral() {
		return false
	}
	return account.text != "" || resource.isLiteral() || strings.ContainsAny(resource.literal(), "/:")
}

// namesOrganization says that the path of an organisation, such as o-a1b2c3d4e5/r-ab12/*, begins with its ID.
func (p pattern) namesOrganization() bool {
	return p.isLiteral() || strings.Contains(p.literal(), "/")
}

// The narrowest networks that are still everybody, for all one can say about their addresses.
const (
	widestIPv4 = 7
	widestIPv6 = 15
)

// limitAddresses says that the networks are not those of the whole internet, neither one alone nor all together.
func limitAddresses(values []string) bool {
	var networks []netip.Prefix
	for _, value := range values {
		network, err := netip.ParsePrefix(value)
		if address, notAddress := netip.ParseAddr(value); notAddress == nil {
			network, err = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
		}
		if err != nil || network.Bits() <= widest(network.Addr()) {
			return false
		}
		networks = append(networks, network.Masked())
	}
	return !covered(netip.MustParsePrefix("0.0.0.0/0"), networks) && !covered(netip.MustParsePrefix("::/0"), networks)
}

func widest(address netip.Addr) int {
	if address.Is4() {
		return widestIPv4
	}
	return widestIPv6
}

// covered says whether every address of the network is in one of the others.
func covered(network netip.Prefix, by []netip.Prefix) bool {
	inside := slices.DeleteFunc(slices.Clone(by), func(other netip.Prefix) bool { return !network.Overlaps(other) })
	if len(inside) == 0 {
		return false
	}
	if slices.ContainsFunc(inside, func(other netip.Prefix) bool { return other.Bits() <= network.Bits() }) {
		return true
	}
	low, high := halves(network)
	return covered(low, inside) && covered(high, inside)
}

func halves(network netip.Prefix) (low, high netip.Prefix) {
	bits := network.Bits()
	address := network.Addr().AsSlice()
	low = netip.PrefixFrom(network.Addr(), bits+1)
	address[bits/8] |= 0x80 >> (bits % 8)
	upper, _ := netip.AddrFromSlice(address) // of a length that an address has
	return low, netip.PrefixFrom(upper, bits+1)
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"testing"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
)

// spread makes a multi-Region Key of one that change has made other things of.
func spread(change func(*v1alpha1.KeySpec)) func(*v1alpha1.Key) {
	return func(key *v1alpha1.Key) {
		key.Spec.MultiRegion = new(true)
		if change != nil {
			change(&key.Spec)
		}
	}
}

func replicas(regions ...string) func(*v1alpha1.KeySpec) {
	return func(spec *v1alpha1.KeySpec) {
		spec.Replicas = nil
		for _, region := range regions {
			spec.Replicas = append(spec.Replicas, v1alpha1.KeyReplica{Region: region})
		}
	}
}

func TestOnlyMultiRegionKeysHaveReplicas(t *testing.T) {
	single := func(multiRegion *bool, change func(*v1alpha1.KeySpec)) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			change(&key.Spec)
			key.Spec.MultiRegion = multiRegion
		}
	}
	primary := func(spec *v1alpha1.KeySpec) { spec.PrimaryRegion = "eu-west-1" }
	const replicasField, primaryField = "spec.replicas", "spec.primaryRegion"
	keyCases{
		"multi-Region alone":           {spread(nil), accepted},
		"two replicas":                 {spread(replicas("eu-west-1", "eu-north-1")), accepted},
		"ten replicas":                 {spread(replicas(numbered("region-", 10)...)), accepted},
		"eleven replicas":              {spread(replicas(numbered("region-", 11)...)), refused(replicasField, "must have at most 10 items")},
		"the same Region twice":        {spread(replicas("eu-west-1", "eu-west-1")), refused("spec.replicas[1]", "Duplicate value")},
		"a primary Region":             {spread(primary), accepted},
		"replicas of a single-Region":  {single(new(false), replicas("eu-west-1")), refused(replicasField, "replicas need multiRegion: true")},
		"replicas without multiRegion": {single(nil, replicas("eu-west-1")), refused(replicasField, "replicas need multiRegion: true")},
		"primary of a single-Region":   {single(new(false), primary), refused(primaryField, "primaryRegion needs multiRegion: true")},
		"primary without multiRegion":  {single(nil, primary), refused(primaryField, "primaryRegion needs multiRegion: true")},
		"multi-Region and imported": {func(key *v1alpha1.Key) {
			imported(nil)(key)
			spread(replicas("eu-west-1"))(key)
		}, accepted},
	}.run(t)
}

func TestRegionsAreNamedAsThoseOfBackends(t *testing.T) {
	region := func(region string) func(*v1alpha1.Key) { return spread(replicas(region)) }
	primary := func(region string) func(*v1alpha1.Key) {
		return spread(func(spec *v1alpha1.KeySpec) { spec.PrimaryRegion = region })
	}
	const field, primaryField = "spec.replicas[0].region", "spec.primaryRegion"
	keyCases{
		"one letter":            {region("a"), accepted},
		"32 characters":         {region(repeat("a", 32)), accepted},
		"33 characters":         {region(repeat("a", 33)), refused(field, "may not be more than 32")},
		"capitals":              {region("EU"), refused(field, "region must consist of lower-case letters")},
		"a hyphen first":        {region("-eu"), refused(field, "region must consist of lower-case letters")},
		"a line break":          {region("eu\n"), refused(field, "region must consist of lower-case letters")},
		"no region":             {region(""), refused(field, "Required value")},
		"primary, AWS's name":   {primary("eu-central-1"), accepted},
		"primary, 33":           {primary(repeat("a", 33)), refused(primaryField, "may not be more than 32")},
		"primary, a hyphen":     {primary("eu-"), refused(primaryField, "primaryRegion must consist of lower-case letters")},
		"primary, a line break": {primary("eu\n"), refused(primaryField, "primaryRegion must consist of lower-case letters")},
	}.run(t)
}

func TestReplicasAreDescribedAndTaggedAsKeysAre(t *testing.T) {
	with := func(change func(*v1alpha1.KeyReplica)) func(*v1alpha1.Key) {
		return spread(func(spec *v1alpha1.KeySpec) {
			replicas("eu-west-1")(spec)
			change(&spec.Replicas[0])
		})
	}
	described := func(description string) func(*v1alpha1.Key) {
		return with(func(r *v1alpha1.KeyReplica) { r.Description = &description })
	}
	tagged := func(key, value string) func(*v1alpha1.Key) {
		return with(func(r *v1alpha1.KeyReplica) {
			r.Tags = map[string]v1alpha1.TagValue{key: v1alpha1.TagValue(value)}
		})
	}
	many := func(n int) func(*v1alpha1.Key) {
		return with(func(r *v1alpha1.KeyReplica) {
			r.Tags = map[string]v1alpha1.TagValue{}
			for i := range n {
				r.Tags[fmt.Sprintf("tag-%d", i)] = ""
			}
		})
	}
	together := func(own, besides int) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			many(besides)(key)
			key.Spec.Tags = map[string]v1alpha1.TagValue{}
			for i := range own {
				key.Spec.Tags[fmt.Sprintf("own-%d", i)] = ""
			}
		}
	}
	const field = "spec.replicas[0].tags"
	keyCases{
		"disabled":             {with(func(r *v1alpha1.KeyReplica) { r.Enabled = new(false) }), accepted},
		"described":            {described(repeat("a", 8192)), accepted},
		"described at length":  {described(repeat("a", 8193)), refused("spec.replicas[0].description", "may not be more than 8192")},
		"a tag":                {tagged("team", "payments"), accepted},
		"an empty value":       {tagged("team", ""), accepted},
		"45 tags":              {many(45), accepted},
		"46 tags":              {many(46), refused(field, "must have at most 45")},
		"an empty tag key":     {tagged("", ""), refused(field, "tag keys must have 1 to 128 characters")},
		"a long tag key":       {tagged(repeat("a", 129), ""), refused(field, "tag keys must have 1 to 128 characters")},
		"a tag key of AWS's":   {tagged("Aws:x", ""), refused(field, "reserved for AWS")},
		"an owner tag":         {tagged("kms.chatelaine.dev/uid", ""), refused(field, "reserved for the operator")},
		"a tag key with a #":   {tagged("#1", ""), refused(field, "tag keys may have letters")},
		"a tag value with a #": {tagged("team", "#1"), refused(field+"[team]", "tag values may have letters")},
		"no tags":              {many(0), accepted},
		"45 with the Key's":    {together(20, 25), accepted},
		"46 with the Key's":    {together(20, 26), refused("spec.replicas", "at most 45 together")},
		"the Key's own again": {func(key *v1alpha1.Key) {
			many(45)(key)
			key.Spec.Tags = key.Spec.Replicas[0].Tags
		}, accepted},
	}.run(t)
}

func TestACustomKeyStoreHoldsAPlainSymmetricKey(t *testing.T) {
	with := func(origin v1alpha1.KeyOrigin, store, xks string, changes ...func(*v1alpha1.KeySpec)) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.Origin, key.Spec.CustomKeyStoreID, key.Spec.XksKeyID = origin, store, xks
			for _, change := range changes {
				change(&key.Spec)
			}
		}
	}
	const cloudHSM, xks, store = v1alpha1.OriginCloudHSM, v1alpha1.OriginExternalKeyStore, "cks-1234567890abcdef0"
	const storeField, xksField = "spec.customKeyStoreID", "spec.xksKeyID"
	keyCases{
		"in a CloudHSM cluster":   {with(cloudHSM, store, ""), accepted},
		"in an external store":    {with(xks, store, "bb8562717f809024"), accepted},
		"no origin":               {with("", store, ""), refused(storeField, "need each other")},
		"AWS's own origin":        {with("AWS_KMS", store, ""), refused(storeField, "need each other")},
		"imported":                {with("EXTERNAL", store, ""), refused(storeField, "need each other")},
		"a cluster, no store":     {with(cloudHSM, "", ""), refused(storeField, "need each other")},
		"external, no store":      {with(xks, "", "bb8562717f809024"), refused(storeField, "need each other")},
		"external, no key":        {with(xks, store, ""), refused(xksField, "need each other")},
		"a cluster, and a key":    {with(cloudHSM, store, "bb8562717f809024"), refused(xksField, "need each other")},
		"a long store ID":         {with(cloudHSM, repeat("a", 65), ""), refused(storeField, "may not be more than 64")},
		"every kind of character": {with(xks, store, "aZ0_.:-"), accepted},
		"a key ID with a slash":   {with(xks, store, "a/b"), refused(xksField, "xksKeyID must consist of letters")},
		"a long key ID":           {with(xks, store, repeat("a", 129)), refused(xksField, "may not be more than 128")},
		"a key spec of another kind": {with(cloudHSM, store, "", func(spec *v1alpha1.KeySpec) {
			spec.KeySpec, spec.KeyUsage = "HMAC_256", "GENERATE_VERIFY_MAC"
		}), refused(storeField, "keySpec SYMMETRIC_DEFAULT only")},
		"multi-Region": {with(cloudHSM, store, "", func(spec *v1alpha1.KeySpec) { spec.MultiRegion = new(true) }),
			refused(storeField, "cannot be multi-Region keys")},
		"not multi-Region": {with(cloudHSM, store, "", func(spec *v1alpha1.KeySpec) { spec.MultiRegion = new(false) }), accepted},
		"rotated": {with(cloudHSM, store, "", func(spec *v1alpha1.KeySpec) {
			spec.Rotation = &v1alpha1.KeyRotation{Enabled: new(true)}
		}), refused("spec.rotation", "keys in custom key stores are not rotated")},
		"rotated, external": {with(xks, store, "bb8562717f809024", func(spec *v1alpha1.KeySpec) {
			spec.Rotation = &v1alpha1.KeyRotation{}
		}), refused("spec.rotation", "keys in custom key stores are not rotated")},
	}.run(t)
}

func TestWhereAKeyIsNeverChanges(t *testing.T) {
	spread := func(multiRegion *bool) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) { key.Spec.MultiRegion = multiRegion }
	}
	stored := func(store, xks string) func(*v1alpha1.Key) {
		return func(key *v1alpha1.Key) {
			key.Spec.Origin, key.Spec.CustomKeyStoreID, key.Spec.XksKeyID = v1alpha1.OriginExternalKeyStore, store, xks
		}
	}
	multiRegion := refused("spec.multiRegion", "multiRegion is immutable")
	keyChanges{
		"multi-Region, unchanged":     {spread(new(true)), spread(new(true)), accepted},
		"multi-Region, taken back":    {spread(new(true)), spread(new(false)), multiRegion},
		"multi-Region, removed":       {spread(new(true)), spread(nil), multiRegion},
		"multi-Region, set later":     {spread(nil), spread(new(true)), multiRegion},
		"multi-Region, changed later": {spread(new(false)), spread(new(true)), multiRegion},
		"single Region, written down": {spread(nil), spread(new(false)), accepted},
		"single Region, left out":     {spread(new(false)), spread(nil), accepted},
		"store, unchanged":            {stored("cks-1", "1"), stored("cks-1", "1"), accepted},
		"store, changed":              {stored("cks-1", "1"), stored("cks-2", "1"), refused("spec.customKeyStoreID", "customKeyStoreID is immutable")},
		"key of the store, changed":   {stored("cks-1", "1"), stored("cks-1", "2"), refused("spec.xksKeyID", "xksKeyID is immutable")},
	}.run(t)
}

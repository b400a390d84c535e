// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"maps"
	"slices"
)

// Owner tags say on the key itself which Key object it belongs to, so that it is found again whatever else is lost.
const (
	TagPrefix    = "kms.chatelaine.dev/"
	tagCluster   = TagPrefix + "cluster"
	tagNamespace = TagPrefix + "namespace"
	tagName      = TagPrefix + "name"
	// TagUID is the owner tag that tells a Key from an earlier one of the same name.
	TagUID = TagPrefix + "uid"
)

var ownerTags = []string{tagCluster, tagNamespace, tagName, TagUID}

// Owner is the Key object that a key belongs to.
type Owner struct {
	// Cluster is the cluster's UID: that of the namespace kube-system.
	Cluster string
	// Namespace and Name of the Key.
	Namespace, Name string
	// UID of the Key. A Key that was deleted and created again has another one and is the same owner.
	UID string
}

// Same says whether both are the same Key by cluster, namespace and name.
func (o Owner) Same(other Owner) bool {
	return o.Cluster == other.Cluster && o.Namespace == other.Namespace && o.Name == other.Name
}

// String is the owner as a person names it: namespace/name.
func (o Owner) String() string { return o.Namespace + "/" + o.Name }

// Tags are the owner tags.
func (o Owner) Tags() map[string]string {
	return map[string]string{tagCluster: o.Cluster, tagNamespace: o.Namespace, tagName: o.Name, TagUID: o.UID}
}

// TagsWith are the tags given and the owner's.
func (o Owner) TagsWith(tags map[string]string) map[string]string {
	all := o.Tags()
	maps.Copy(all, tags)
	maps.Copy(all, o.Tags())
	return all
}

// OwnerFromTags reads the owner from a key's tags. It is false for a key that no Key owns. A key with only some of the
// tags, or with empty ones, is owned: what is missing is empty, so that it is never mistaken for a free one.
func OwnerFromTags(tags map[string]string) (Owner, bool) {
	owner := Owner{Cluster: tags[tagCluster], Namespace: tags[tagNamespace], Name: tags[tagName], UID: tags[TagUID]}
	owned := slices.ContainsFunc(ownerTags, func(tag string) bool {
		_, has := tags[tag]
		return has
	})
	return owner, owned
}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

// TagResourceInput is the request of TagResource.
type TagResourceInput struct {
	KeyID string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Tags  []Tag  `json:"Tags,omitzero" model:"required"`
}

// UntagResourceInput is the request of UntagResource.
type UntagResourceInput struct {
	KeyID   string   `json:"KeyId,omitzero" model:"required,len=1:2048"`
	TagKeys []string `json:"TagKeys,omitzero" model:"required,eachlen=1:128" condition:"aws:TagKeys"`
}

// ListResourceTagsInput is the request of ListResourceTags.
type ListResourceTagsInput struct {
	KeyID  string `json:"KeyId,omitzero" model:"required,len=1:2048"`
	Limit  *int32 `json:"Limit,omitzero" model:"range=1:1000"`
	Marker string `json:"Marker,omitzero" model:"len=1:1024,pattern=MarkerType"`
}

// ListResourceTagsOutput is the answer of ListResourceTags.
type ListResourceTagsOutput struct {
	Tags       []Tag  `json:"Tags,omitzero"`
	NextMarker string `json:"NextMarker,omitzero"`
	Truncated  bool   `json:"Truncated"`
}

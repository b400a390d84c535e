// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"encoding/json"
	"fmt"
	"time"
)

// payload is what a token says in its encrypted part. Fields may be added: an older replica passes over what it does not
// know. What can be derived from the rest (the session's ARN, the principal's ID) is not in it.
type payload struct {
	RoleARN  string `json:"r"`
	Name     string `json:"n"`
	IssuedAt int64  `json:"i"` // seconds since 1970
	Expires  int64  `json:"e"` // seconds since 1970
	Provider string `json:"p,omitempty"`
	Subject  string `json:"s,omitempty"`
	Audience string `json:"a,omitempty"`

	Namespace         string `json:"ns,omitempty"`
	ServiceAccount    string `json:"sa,omitempty"`
	ServiceAccountUID string `json:"su,omitempty"`
	PodName           string `json:"pn,omitempty"`
	PodUID            string `json:"pu,omitempty"`
}

func encodePayload(roleARN string, s *Session) ([]byte, error) {
	encoded, err := json.Marshal(payload{
		RoleARN: roleARN, Name: s.Name, IssuedAt: s.IssuedAt.Unix(), Expires: s.Expires.Unix(),
		Provider: s.Provider, Subject: s.Subject, Audience: s.Audience,
		Namespace: s.ServiceAccount.Namespace, ServiceAccount: s.ServiceAccount.Name, ServiceAccountUID: s.ServiceAccount.UID,
		PodName: s.ServiceAccount.PodName, PodUID: s.ServiceAccount.PodUID,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a session: %w", err)
	}
	return encoded, nil
}

func decodePayload(encoded []byte, accessKeyID string) (Caller, error) {
	var p payload
	if err := json.Unmarshal(encoded, &p); err != nil {
		return Caller{}, fmt.Errorf("decoding a session: %w", err)
	}
	return NewSessionCaller(p.RoleARN, accessKeyID, Session{
		Name: p.Name, IssuedAt: time.Unix(p.IssuedAt, 0).UTC(), Expires: time.Unix(p.Expires, 0).UTC(),
		Provider: p.Provider, Subject: p.Subject, Audience: p.Audience,
		ServiceAccount: ServiceAccount{
			Namespace: p.Namespace, Name: p.ServiceAccount, UID: p.ServiceAccountUID, PodName: p.PodName, PodUID: p.PodUID,
		},
	})
}

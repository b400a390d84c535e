// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package awsapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/chatelaine-dev/chatelaine/internal/identity/serviceaccount"
)

// credentialsPath is where pods get credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI names it, as on EKS.
const credentialsPath = "/v1/credentials"

// containerCredentials is the answer to a container credentials provider.
type containerCredentials struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	Token           string `json:"Token"`
	Expiration      string `json:"Expiration"`
	AccountID       string `json:"AccountId"`
}

// serveCredentials gives a pod credentials of its ServiceAccount's role, for the token in the Authorization header, which
// the SDKs read from AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE.
func (h *Handler) serveCredentials(e *exchange) {
	e.service, e.action, e.protocol = "sts", "AssumeRoleForPodIdentity", plainProtocol{}
	account, failure := h.credentialsAccount(e)
	if failure != nil {
		h.refuse(e, failure)
		return
	}
	token := e.r.Header.Get("Authorization")
	if len(token) < serviceaccount.MinToken || len(token) > serviceaccount.MaxToken {
		h.refuse(e, fail(http.StatusBadRequest, "InvalidRequest",
			"The Authorization header must hold a ServiceAccount token: set AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE."))
		return
	}
	ctx, cancel := e.context(false)
	defer cancel()
	session, err := h.Exchange.byPod(ctx, token, account)
	event := h.event(e)
	if session != nil {
		event.UserIdentity = webIdentity(session)
	}
	if err != nil {
		failure := podFailure(err)
		event.ErrorCode, event.ErrorMessage, event.Reason = failure.code, failure.message, err.Error()
		if !h.record(e, event) {
			failure = internalFailure()
		}
		plainProtocol{}.fail(e.w, e.id, failure)
		return
	}
	event.RecipientAccountID = account
	event.ResponseElements = map[string]any{"assumedRoleUser": map[string]any{"arn": session.Caller.ARN()}}
	if !h.record(e, event) {
		plainProtocol{}.fail(e.w, e.id, internalFailure())
		return
	}
	e.slot.leave()
	writePlain(e.w, e.id, http.StatusOK, containerCredentials{
		AccessKeyID: session.Caller.AccessKeyID, SecretAccessKey: session.SecretAccessKey.Reveal(),
		Token: session.SessionToken, Expiration: session.Expires.UTC().Format(time.RFC3339), AccountID: account,
	})
}

// credentialsAccount is the account that the path names, or the default one.
func (h *Handler) credentialsAccount(e *exchange) (string, *failure) {
	if h.Exchange == nil || e.r.Method != http.MethodGet {
		return "", fail(http.StatusNotFound, "NotFound", "There are no container credentials here.")
	}
	account := strings.TrimPrefix(strings.TrimPrefix(e.r.URL.Path, credentialsPath), "/")
	if account == "" {
		account = h.Exchange.DefaultAccount()
	}
	if account == "" {
		return "", fail(http.StatusNotFound, "NotFound",
			"No KMSBackend is the default one: name the account, /v1/credentials/ACCOUNT.")
	}
	if !h.Exchange.Serves(account) {
		return "", fail(http.StatusNotFound, "NotFound", "The account is not served here.")
	}
	return account, nil
}

// podFailure is exchangeFailure with the status of the EKS Pod Identity agent for a token that is not taken.
func podFailure(err error) *failure {
	f := exchangeFailure(err)
	if f.status == http.StatusBadRequest {
		f.status = http.StatusForbidden
	}
	return f
}

// plainProtocol is the container credentials provider's: JSON with code and message.
type plainProtocol struct{}

func (plainProtocol) fail(w http.ResponseWriter, id string, f *failure) {
	writePlain(w, id, f.status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{f.code, f.message})
}

func writePlain(w http.ResponseWriter, id string, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	write(w, id, status, plainContent, body)
	clear(body)
}

var plainContent = []string{"application/json"}

// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

// Package serviceaccount says which ServiceAccount a token proves, and which role that is.
//
// # Which tokens
//
// The API server decides, by TokenReview: it knows whether the token's signature is its own and whether the ServiceAccount,
// and the Pod that the token is bound to, still exist. The token's own claims are read before that only to refuse what says
// of itself that it is no good (expired, for another audience), and after it for the issuer and the expiry, which the review
// does not tell.
//
// Who asks has proved nothing yet, so the API server is asked only so many times at once, and a Review above that is
// ErrUnavailable.
//
// Accepted are the tokens of ServiceAccounts (nobody else's, whatever else the API server authenticates) that were asked
// for one of our audiences and that expire: projected volumes and TokenRequest. Most are bound to a Pod; one that
// `kubectl create token` made is not, and is good as well. The legacy tokens of Secrets, which never expire and are for no
// audience, are refused: one that leaked in the past would be a key to every key for ever.
//
// A token is good as long as its Pod: the API server stops accepting it when the Pod or the ServiceAccount is deleted, but
// may take some ten seconds to, as it remembers its answers that long. A session that was obtained with it lasts until it
// expires, as in AWS.
//
// # Which role
//
// A ServiceAccount has one role in each account, which no object declares: arn:aws:iam::ACCOUNT:role/NAMESPACE/NAME. It
// may assume that one and no other.
package serviceaccount

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/chatelaine-dev/chatelaine/internal/identity"
)

// The audiences that tokens are asked for, by how they are exchanged: as EKS has them, so that pods need not differ.
const (
	// AudienceWebIdentity is that of AssumeRoleWithWebIdentity.
	AudienceWebIdentity = "sts.amazonaws.com"
	// AudienceContainerCredentials is that of the container-credentials form.
	AudienceContainerCredentials = "pods.eks.amazonaws.com"
)

// The reasons for which a token is refused, to be found with errors.Is. What wraps them says more.
var (
	// ErrInvalid means that it is no token of a ServiceAccount that exists, or a legacy one: STS's InvalidIdentityToken.
	ErrInvalid = errors.New("not a valid ServiceAccount token")
	// ErrExpired means that it would have been good earlier: STS's ExpiredTokenException.
	ErrExpired = errors.New("the ServiceAccount token has expired")
	// ErrAudience means that it was made for somebody else: STS's InvalidIdentityToken, with "Incorrect token audience".
	ErrAudience = errors.New("the ServiceAccount token is for another audience")
	// ErrUnavailable means that the API server could not be asked. To try again later is right: STS's
	// IDPCommunicationError.
	ErrUnavailable = errors.New("the API server cannot review ServiceAccount tokens at the moment")
)

var errNeverExpires = fmt.Errorf("it never expires; use a projected volume or `kubectl create token`: %w", ErrInvalid)

// clockSkew is how far the API server's clock may be behind ours before a token is taken for expired without asking it.
const clockSkew = time.Minute

// Identity is what a token proves.
type Identity struct {
	identity.ServiceAccount
	// Subject is system:serviceaccount:NAMESPACE:NAME.
	Subject string
	// Audience is the first of the audiences asked for that the token is for.
	Audience string
	// Issuer is the token's iss, a URL.
	Issuer string
	// Expires is when the token does.
	Expires time.Time
}

// Reviewer asks the API server. It is safe for concurrent use.
type Reviewer struct {
	client kubernetes.Interface
	clock  clock.PassiveClock
	turns  *turns
}

// NewReviewer needs a client that may create TokenReviews. Each Review is one request at most, of which 16 are under way at
// once.
func NewReviewer(client kubernetes.Interface, c clock.PassiveClock) *Reviewer {
	return &Reviewer{client, c, newTurns()}
}

// The extra fields of a user who authenticated with a bound token (Kubernetes' documentation, "Managing Service Accounts").
const (
	extraPodName = "authentication.kubernetes.io/pod-name"
	extraPodUID  = "authentication.kubernetes.io/pod-uid"
)

const userPrefix = "system:serviceaccount:"

// Review says whose token it is. The token has to be for one of the audiences; with none of them, every token is refused.
// Errors are ErrInvalid, ErrExpired, ErrAudience or ErrUnavailable, wrapped; none contains the token.
func (r *Reviewer) Review(ctx context.Context, token string, audiences []string) (Identity, error) {
	claims, err := parseClaims(token)
	if err != nil {
		return Identity{}, fmt.Errorf("reviewing a ServiceAccount token: %w: %w", err, ErrInvalid)
	}
	if err := r.hopeless(claims, audiences); err != nil {
		return Identity{}, fmt.Errorf("reviewing a ServiceAccount token: %w", err)
	}
	status, err := r.ask(ctx, token, audiences)
	if err != nil {
		return Identity{}, fmt.Errorf("reviewing a ServiceAccount token: %w: %w", err, ErrUnavailable)
	}
	found, err := r.judge(status, claims, audiences)
	if err != nil {
		return Identity{}, fmt.Errorf("reviewing a ServiceAccount token: %w", err)
	}
	return found, nil
}

// ask has the API server review the token.
func (r *Reviewer) ask(
	ctx context.Context, token string, audiences []string,
) (authenticationv1.TokenReviewStatus, error) {
	end, err := r.turns.take(ctx)
	if err != nil {
		return authenticationv1.TokenReviewStatus{}, err
	}
	defer end()
	review, err := r.client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.TokenReviewStatus{}, err
	}
	return review.Status, nil
}

// hopeless refuses what the API server would refuse, or judge, by what the token says of itself: the API server is not
// asked. Where the clocks of both differ by a little, it has the last word.
func (r *Reviewer) hopeless(claims claims, audiences []string) error {
	_, ours := common(audiences, claims.Audiences)
	switch {
	case claims.Expires.IsZero():
		return errNeverExpires
	case r.clock.Now().After(claims.Expires.Add(clockSkew)):
		return ErrExpired
	case !ours:
		return wrongAudience(claims, audiences)
	default:
		return nil
	}
}

func (r *Reviewer) judge(status authenticationv1.TokenReviewStatus, claims claims, audiences []string) (Identity, error) {
	if !status.Authenticated {
		return Identity{}, r.refusal(claims, audiences, status.Error)
	}
	audience, ok := common(audiences, status.Audiences)
	if !ok {
		// Authenticated for no audience of ours: for the API server's own, by an authenticator that knows no others, or
		// because none was asked for. Every pod's default token is good for that.
		return Identity{}, ErrAudience
	}
	namespace, name, ok := parseUser(status.User.Username)
	switch {
	case !ok:
		return Identity{}, fmt.Errorf("it is that of another kind of user: %w", ErrInvalid)
	case claims.Expires.IsZero():
		return Identity{}, errNeverExpires
	}
	return Identity{
		ServiceAccount: identity.ServiceAccount{
			Namespace: namespace, Name: name, UID: status.User.UID,
			PodName: extra(status.User, extraPodName), PodUID: extra(status.User, extraPodUID),
		},
		Subject:  status.User.Username,
		Audience: audience,
		Issuer:   claims.Issuer,
		Expires:  claims.Expires,
	}, nil
}

// refusal words why the API server may have refused. The claims are unverified, and nothing but the words depends on them.
func (r *Reviewer) refusal(claims claims, audiences []string, said string) error {
	if !claims.Expires.IsZero() && !r.clock.Now().Before(claims.Expires) {
		return ErrExpired
	}
	if _, ok := common(audiences, claims.Audiences); !ok {
		return wrongAudience(claims, audiences)
	}
	return fmt.Errorf("the API server says %.200q: %w", said, ErrInvalid)
}

func wrongAudience(claims claims, audiences []string) error {
	return fmt.Errorf("it is for %.200q, not for %q: %w", strings.Join(claims.Audiences, ", "), audiences, ErrAudience)
}

func common(wanted, given []string) (string, bool) {
	for _, audience := range wanted {
		if slices.Contains(given, audience) {
			return audience, true
		}
	}
	return "", false
}

// parseUser takes apart system:serviceaccount:NAMESPACE:NAME. It checks the names as Kubernetes does, because ARNs are made
// of them.
func parseUser(user string) (namespace, name string, ok bool) {
	rest, ok := strings.CutPrefix(user, userPrefix)
	if !ok {
		return "", "", false
	}
	namespace, name, _ = strings.Cut(rest, ":")
	return namespace, name, validNames(namespace, name)
}

func validNames(namespace, name string) bool {
	return len(validation.IsDNS1123Label(namespace)) == 0 && len(validation.IsDNS1123Subdomain(name)) == 0
}

func extra(user authenticationv1.UserInfo, key string) string {
	if values := user.Extra[key]; len(values) == 1 {
		return values[0]
	}
	return ""
}

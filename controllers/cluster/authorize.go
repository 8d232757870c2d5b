// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	// reviewTimeout bounds the two questions to the API server.
	reviewTimeout = 10 * time.Second
	// reviewLifetime is how long an answer counts: a scraper comes every few seconds.
	reviewLifetime = time.Minute
	// maxReviews bounds the answers that are kept, however many tokens are tried.
	maxReviews = 256
)

// authorize lets only requests through whose bearer token the API server knows (TokenReview), and whose
// user may use the verb on the path (SubjectAccessReview). controller-runtime's filter does the same with
// packages of the API server, which are 20 MB of program.
func authorize(config *rest.Config, httpClient *http.Client) (server.Filter, error) {
	authentication, err := authenticationclient.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make a client for TokenReviews: %w", err)
	}
	authorization, err := authorizationclient.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make a client for SubjectAccessReviews: %w", err)
	}
	r := &reviewer{
		tokens: authentication.TokenReviews(), accesses: authorization.SubjectAccessReviews(),
		now: time.Now, answers: map[question]answer{},
	}
	return r.filter, nil
}

// reviewer asks the API server, and remembers its answers for a while.
type reviewer struct {
	tokens   authenticationclient.TokenReviewInterface
	accesses authorizationclient.SubjectAccessReviewInterface
	now      func() time.Time

	mu      sync.Mutex
	answers map[question]answer
}

// question is what a request asks. The token itself is not kept.
type question struct {
	token      [sha256.Size]byte
	verb, path string
}

// answer is the HTTP status of requests that are alike; StatusOK lets them through.
type answer struct {
	status int
	until  time.Time
}

func (r *reviewer) filter(log logr.Logger, handler http.Handler) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		status, err := r.review(request)
		if err != nil {
			log.Error(err, "A request for metrics could not be authorized")
		}
		if status != http.StatusOK {
			http.Error(w, http.StatusText(status), status)
			return
		}
		handler.ServeHTTP(w, request)
	}), nil
}

// review returns StatusOK, StatusUnauthorized, StatusForbidden, or StatusInternalServerError with an error.
func (r *reviewer) review(request *http.Request) (status int, err error) {
	token, ok := bearerToken(request)
	if !ok {
		return http.StatusUnauthorized, nil
	}
	q := question{sha256.Sum256([]byte(token)), strings.ToLower(request.Method), request.URL.Path}
	if status, known := r.known(q); known {
		return status, nil
	}
	ctx, cancel := context.WithTimeout(request.Context(), reviewTimeout)
	defer cancel()
	status, err = r.ask(ctx, token, q)
	if err != nil {
		return http.StatusInternalServerError, err
	}
	r.remember(q, status)
	return status, nil
}

func bearerToken(request *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(request.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func (r *reviewer) ask(ctx context.Context, token string, q question) (status int, err error) {
	review, err := r.tokens.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("review a token: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	access, err := r.accesses.Create(ctx, accessReview(review.Status.User, q), metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("review the access of %s: %w", review.Status.User.Username, err)
	}
	if !access.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}

func accessReview(user authenticationv1.UserInfo, q question) *authorizationv1.SubjectAccessReview {
	extra := map[string]authorizationv1.ExtraValue{}
	for key, value := range user.Extra {
		extra[key] = authorizationv1.ExtraValue(value)
	}
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: q.path, Verb: q.verb},
	}}
}

func (r *reviewer) known(q question) (status int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.answers[q]
	return a.status, ok && r.now().Before(a.until)
}

func (r *reviewer) remember(q question, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) >= maxReviews {
		clear(r.answers)
	}
	r.answers[q] = answer{status, r.now().Add(reviewLifetime)}
}

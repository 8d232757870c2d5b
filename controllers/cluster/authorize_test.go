// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// apiServer is an API server that knows the tokens "reader" and "stranger", of which reader may get /metrics.
type apiServer struct {
	asked int
	fails error
}

type tokens struct{ *apiServer }

func (s tokens) Create(_ context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	s.asked++
	r.Status.Authenticated = r.Spec.Token == "reader" || r.Spec.Token == "stranger"
	r.Status.User = authenticationv1.UserInfo{Username: r.Spec.Token, UID: "1", Groups: []string{"g"}, Extra: map[string]authenticationv1.ExtraValue{"k": {"v"}}}
	return r, s.fails
}

type accesses struct{ *apiServer }

func (s accesses) Create(_ context.Context, r *authorizationv1.SubjectAccessReview, _ metav1.CreateOptions) (*authorizationv1.SubjectAccessReview, error) {
	s.asked++
	want := authorizationv1.SubjectAccessReviewSpec{
		User: "reader", UID: "1", Groups: []string{"g"}, Extra: map[string]authorizationv1.ExtraValue{"k": {"v"}},
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
	}
	r.Status.Allowed = r.Spec.String() == want.String()
	return r, nil
}

func newReviewer() (*reviewer, *apiServer, *time.Time) {
	s, now := &apiServer{}, time.Unix(0, 0)
	return &reviewer{tokens: tokens{s}, accesses: accesses{s}, now: func() time.Time { return now }, answers: map[question]answer{}}, s, &now
}

func request(method, path, authorization string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func TestOnlyReadersAreLetThrough(t *testing.T) {
	for _, c := range []struct {
		method, path, authorization string
		want                        int
	}{
		{"GET", "/metrics", "Bearer reader", http.StatusOK},
		{"GET", "/metrics", "bearer reader", http.StatusOK},
		{"POST", "/metrics", "Bearer reader", http.StatusForbidden},
		{"GET", "/other", "Bearer reader", http.StatusForbidden},
		{"GET", "/metrics", "Bearer stranger", http.StatusForbidden},
		{"GET", "/metrics", "Bearer made-up", http.StatusUnauthorized},
		{"GET", "/metrics", "Bearer ", http.StatusUnauthorized},
		{"GET", "/metrics", "Basic reader", http.StatusUnauthorized},
		{"GET", "/metrics", "", http.StatusUnauthorized},
	} {
		r, _, _ := newReviewer()
		if status, err := r.review(request(c.method, c.path, c.authorization)); status != c.want || err != nil {
			t.Errorf("%s %s with %q: %d, %v, want %d", c.method, c.path, c.authorization, status, err, c.want)
		}
	}
}

func TestAnAnswerCountsForAMinute(t *testing.T) {
	r, s, now := newReviewer()
	get := func() {
		t.Helper()
		if status, err := r.review(request("GET", "/metrics", "Bearer reader")); status != http.StatusOK || err != nil {
			t.Errorf("%d, %v", status, err)
		}
	}
	get()
	*now = now.Add(reviewLifetime - 1)
	get()
	if s.asked != 2 {
		t.Errorf("asked %d times, want 2", s.asked)
	}
	*now = now.Add(1)
	get()
	if s.asked != 4 {
		t.Errorf("asked %d times, want 4", s.asked)
	}
}

// An API server that does not answer says nothing about a token.
func TestAnErrorIsNotRemembered(t *testing.T) {
	r, s, _ := newReviewer()
	s.fails = errors.New("no answer")
	if status, err := r.review(request("GET", "/metrics", "Bearer reader")); status != http.StatusInternalServerError || !errors.Is(err, s.fails) {
		t.Errorf("%d, %v", status, err)
	}
	s.fails = nil
	if status, err := r.review(request("GET", "/metrics", "Bearer reader")); status != http.StatusOK || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}

func TestManyTokensTakeLittleMemory(t *testing.T) {
	r, _, _ := newReviewer()
	for i := range 10 * maxReviews {
		_, _ = r.review(request("GET", "/metrics", fmt.Sprintf("Bearer %d", i)))
	}
	if n := len(r.answers); n > maxReviews {
		t.Errorf("%d answers are kept", n)
	}
}

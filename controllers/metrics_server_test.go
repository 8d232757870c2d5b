// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/netlab-dev/netlab/controllers/cluster"
)

// Both programs ask a real API server who wants their metrics, with no other rights than those
// in config/rbac.
func TestMetricsAreOnlyForThoseWhoMayGetThem(t *testing.T) {
	admin := adminClient(t)
	installRights(t, admin)
	namespace := newNamespace(t, admin)
	stranger := tokenFor(t, admin, namespace, "stranger")
	reader := tokenFor(t, admin, namespace, "reader")
	bind(t, admin, "netlab-metrics-reader", namespace, "reader")

	for _, program := range []string{"netlab-agent", "netlab-controller"} {
		t.Run(program, func(t *testing.T) {
			url := serveMetrics(t, program, cluster.MetricsServer("127.0.0.1:0", true))
			for _, c := range []struct {
				who, token string
				want       int
			}{
				{"no token", "", http.StatusUnauthorized},
				{"a token that no API server made", "made-up", http.StatusUnauthorized},
				{"a token without the right", stranger, http.StatusForbidden},
				{"a token with the right", reader, http.StatusOK},
			} {
				status, body := fetch(t, "https://"+url+"/metrics", c.token)
				if status != c.want {
					t.Errorf("%s gets %d, want %d: %s", c.who, status, c.want, body)
				}
				if shown := strings.Contains(body, "# HELP"); shown != (c.want == http.StatusOK) {
					t.Errorf("%s sees metrics: %t", c.who, shown)
				}
			}
		})
	}
}

func TestMetricsWithoutHTTPSAreForEverybody(t *testing.T) {
	url := serveMetrics(t, "netlab-agent", cluster.MetricsServer("127.0.0.1:0", false))
	if status, _ := fetch(t, "http://"+url+"/metrics", ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// serveMetrics serves them as a program would, until the test ends, and returns where.
func serveMetrics(t *testing.T, account string, options server.Options) (address string) {
	t.Helper()
	config := api.Config(t)
	config.Impersonate = impersonate(account, "node")
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := server.NewServer(options, config, httpClient)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- metrics.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve metrics: %v", err)
		}
	})
	bound := metrics.(interface{ GetBindAddr() string })
	eventually(t, "the metrics to be served", func(context.Context) (bool, string) { return bound.GetBindAddr() != "", "" })
	return bound.GetBindAddr()
}

func fetch(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the certificate is made at start
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// tokenFor makes a service account and a token of it.
func tokenFor(t *testing.T, c client.Client, namespace, name string) string {
	t.Helper()
	account := &corev1.ServiceAccount{}
	account.Namespace, account.Name = namespace, name
	create(t, c, account)
	request := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatalf("a token for %s: %v", name, err)
	}
	return request.Status.Token
}

func bind(t *testing.T, c client.Client, role, namespace, account string) {
	t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account}},
	}
	binding.Name = role + "-" + namespace
	create(t, c, binding)
}

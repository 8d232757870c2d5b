// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

const netlabs = "/apis/netlab.dev/v1alpha1/namespaces/{namespace}/netlabs"

// serveLabs answers for a story's labs.json as an API server would, and writes the kubeconfig
// that leads there, to the namespace team.
func serveLabs(dir string) (url string, closeServer func(), err error) {
	data, err := os.ReadFile(filepath.Join(dir, "labs.json"))
	if os.IsNotExist(err) {
		return "", func() {}, nil
	}
	var labs v1alpha1.NetLabList
	if err == nil {
		err = json.Unmarshal(data, &labs)
	}
	if err != nil {
		return "", nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+netlabs, func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, labs) })
	mux.HandleFunc("GET "+netlabs+"/{name}", func(w http.ResponseWriter, r *http.Request) { replyLab(w, r, labs.Items) })
	mux.HandleFunc("GET /apis/netlab.dev/v1alpha1/netlabs", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, labs) })
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods", forbidPods)
	server := httptest.NewServer(mux)
	kubeconfig := fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: story
contexts: [{name: story, context: {cluster: story, namespace: team}}]
clusters: [{name: story, cluster: {server: %q}}]
`, server.URL)
	return server.URL, server.Close, os.WriteFile(filepath.Join(dir, "kubeconfig"), []byte(kubeconfig), 0o600)
}

func replyLab(w http.ResponseWriter, r *http.Request, labs []v1alpha1.NetLab) {
	for _, lab := range labs {
		if lab.Namespace == r.PathValue("namespace") && lab.Name == r.PathValue("name") {
			reply(w, http.StatusOK, lab)
			return
		}
	}
	reply(w, http.StatusNotFound, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
		Details: &metav1.StatusDetails{Group: v1alpha1.Group, Kind: "netlabs", Name: r.PathValue("name")},
		Message: fmt.Sprintf("netlabs.netlab.dev %q not found", r.PathValue("name")),
	})
}

// forbidPods is what a tenant hears.
func forbidPods(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusForbidden, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden,
		Message: fmt.Sprintf(`pods is forbidden: User "tenant" cannot list resource "pods" in API group "" in the namespace %q`, r.PathValue("namespace")),
	})
}

func reply(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value)
}

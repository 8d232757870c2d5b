// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"fmt"
	"os"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// One API server for all tests of this package, started by the first that needs it.
var (
	environment = &envtest.Environment{}
	startOnce   = sync.OnceValues(func() (*rest.Config, error) {
		started = true // also if it fails half-way: then etcd runs, and has to be stopped
		return environment.Start()
	})
	started bool
)

func TestMain(m *testing.M) {
	code := m.Run()
	if started {
		if err := environment.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the API server:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// admin may do anything.
func admin(t *testing.T) *Cluster {
	t.Helper()
	return clusterFor(t, apiServer(t))
}

// tenant may get the labs of a namespace and nothing else.
func tenant(t *testing.T) *Cluster {
	t.Helper()
	config := rest.CopyConfig(apiServer(t))
	config.Impersonate.UserName = "tenant"
	return clusterFor(t, config)
}

func clusterFor(t *testing.T, config *rest.Config) *Cluster {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func apiServer(t *testing.T) *rest.Config {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set, and this test needs an API server. `make test` builds one and sets it")
	}
	config, err := startOnce()
	if err != nil {
		t.Fatalf("start an API server from %s: %v", os.Getenv("KUBEBUILDER_ASSETS"), err)
	}
	return config
}

// namespace makes a Kubernetes namespace that admits what level of pods says.
func namespace(t *testing.T, c *Cluster, level string) string {
	t.Helper()
	ns := newNamespace(level)
	ns, err := c.core.Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

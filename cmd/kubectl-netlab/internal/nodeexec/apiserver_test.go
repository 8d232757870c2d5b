// SPDX-License-Identifier: Apache-2.0

package nodeexec

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/netlab-dev/netlab/hack/test/apiserver"
)

var api = apiserver.New("make test")

func TestMain(m *testing.M) { api.TestMain(m) }

// admin may do anything.
func admin(t *testing.T) *Cluster {
	t.Helper()
	return clusterFor(t, api.Config(t))
}

// tenant may get the labs of a namespace and nothing else.
func tenant(t *testing.T) *Cluster {
	t.Helper()
	config := api.Config(t)
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

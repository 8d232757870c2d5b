// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/hack/test/apiserver"
)

var api = apiserver.New("make test", "../config/crd/bases")

func TestMain(m *testing.M) { api.TestMain(m) }

// adminClient reads and writes without a cache and may do anything.
func adminClient(t *testing.T) client.Client {
	t.Helper()
	return clientFor(t, api.Config(t))
}

func clientFor(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	scheme, err := cluster.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newNamespace makes a Kubernetes namespace for one test.
func newNamespace(t *testing.T, c client.Client) string {
	t.Helper()
	ns := &corev1.Namespace{}
	ns.GenerateName = "test-"
	create(t, c, ns)
	return ns.Name
}

// create makes objects that end with the test.
func create(t *testing.T, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatalf("create %T %s: %v", o, o.GetName(), err)
		}
		t.Cleanup(func() {
			err := c.Delete(context.Background(), o, client.GracePeriodSeconds(0))
			if client.IgnoreNotFound(err) != nil {
				t.Errorf("delete %T %s: %v", o, o.GetName(), err)
			}
		})
	}
}

// eventually waits for something that other goroutines bring about.
func eventually(t *testing.T, what string, is func(context.Context) (bool, string)) {
	t.Helper()
	last := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		ok, saw := is(t.Context())
		if ok {
			return
		}
		last = saw
	}
	t.Fatalf("waited in vain for %s; last seen: %s", what, last)
}

// readObjects decodes a file of one or more YAML documents.
func readObjects(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var list []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(file, 4096); ; {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(o); err != nil {
			return list
		}
		if o.Object != nil {
			list = append(list, o)
		}
	}
}

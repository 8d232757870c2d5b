// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"
)

// One API server for all tests of this package, started by the first that needs it. Each test
// takes a namespace of its own.
var (
	environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	startOnce = sync.OnceValues(func() (*rest.Config, error) {
		started = true // also if it fails half-way: then etcd runs, and has to be stopped
		return environment.Start()
	})
	started bool
)

func TestMain(m *testing.M) {
	logf.SetLogger(logr.Discard())
	code := m.Run()
	if started {
		if err := environment.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the API server:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// apiServer returns how to reach the API server.
func apiServer(t *testing.T) *rest.Config {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set, and this test needs an API server. `make test` builds one and sets it")
	}
	config, err := startOnce()
	if err != nil {
		t.Fatalf("start an API server from %s: %v", os.Getenv("KUBEBUILDER_ASSETS"), err)
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	return config
}

// adminClient reads and writes without a cache and may do anything.
func adminClient(t *testing.T) client.Client {
	t.Helper()
	return clientFor(t, apiServer(t))
}

func clientFor(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	scheme, err := Scheme()
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

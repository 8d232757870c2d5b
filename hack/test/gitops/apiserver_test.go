// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
)

// server is an API server with our CRDs and Argo CD's, and kubectl to talk to it.
type server struct {
	config *rest.Config
	client client.Client
	// kubeconfig is a file.
	kubeconfig string
}

// One API server for all tests, started by the first that needs it.
var (
	environment = &envtest.Environment{ErrorIfCRDPathMissing: true}
	started     bool
	scratch     string
	startOnce   = sync.OnceValues(start)
)

func TestMain(m *testing.M) {
	logf.SetLogger(logr.Discard())
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the API server:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func start() (*server, error) {
	crd, err := applicationCRD()
	if err != nil {
		return nil, fmt.Errorf("find Argo CD's CRD: %w", err)
	}
	environment.CRDDirectoryPaths = []string{filepath.Join("..", "..", "..", "config", "crd", "bases"), crd}
	started = true // also if it fails half-way: then etcd runs, and has to be stopped
	config, err := environment.Start()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	kubeconfig, err := writeKubeconfig()
	return &server{config: config, client: c, kubeconfig: kubeconfig}, err
}

// writeKubeconfig makes a file for kubectl.
func writeKubeconfig() (string, error) {
	admin, err := environment.AddUser(envtest.User{Name: "gitops", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return "", err
	}
	content, err := admin.KubeConfig()
	if err != nil {
		return "", err
	}
	if scratch, err = os.MkdirTemp("", "netlab-gitops-"); err != nil {
		return "", err
	}
	path := filepath.Join(scratch, "kubeconfig")
	return path, os.WriteFile(path, content, 0o600)
}

func stop() error {
	if !started {
		return nil
	}
	return errors.Join(environment.Stop(), os.RemoveAll(scratch))
}

func apiServer(t *testing.T) *server {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set, and this test needs an API server. `make test-gitops` builds one and sets it")
	}
	s, err := startOnce()
	if err != nil {
		t.Fatalf("start an API server from %s: %v", os.Getenv("KUBEBUILDER_ASSETS"), err)
	}
	return s
}

func (s *server) createNamespace(t *testing.T, name string) {
	t.Helper()
	s.kubectl(t, "create", "namespace", name)
}

// create makes an object that ends with the test.
func (s *server) create(t *testing.T, o client.Object) {
	t.Helper()
	if err := s.client.Create(t.Context(), o); err != nil {
		t.Fatalf("create %T %s: %v", o, o.GetName(), err)
	}
	t.Cleanup(func() {
		if err := s.client.Delete(context.Background(), o); err != nil {
			t.Errorf("delete %T %s: %v", o, o.GetName(), err)
		}
	})
}

// applyIn makes a Kubernetes namespace and has kubectl apply a file there, of which lab is the object.
func (s *server) applyIn(t *testing.T, namespace, file string, lab *unstructured.Unstructured, flags []string) {
	t.Helper()
	s.createNamespace(t, namespace)
	lab.SetNamespace(namespace)
	s.apply(t, lab, file, flags)
}

func (s *server) apply(t *testing.T, lab *unstructured.Unstructured, file string, flags []string) {
	t.Helper()
	s.kubectl(t, append([]string{"apply", "-n", lab.GetNamespace(), "-f", file}, flags...)...)
}

// patch is a change by hand: a JSON patch.
func (s *server) patch(t *testing.T, lab *unstructured.Unstructured, patch string) {
	t.Helper()
	if err := s.client.Patch(t.Context(), s.get(t, lab), client.RawPatch(types.JSONPatchType, []byte(patch)), client.FieldOwner("somebody")); err != nil {
		t.Fatalf("patch %s: %v", lab.GetName(), err)
	}
}

// get reads an object as it is now.
func (s *server) get(t *testing.T, like *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(like.GroupVersionKind())
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(like), live); err != nil {
		t.Fatal(err)
	}
	return live
}

// report gives a lab the status of a situation, the way the controller does: as a JSON patch.
func (s *server) report(t *testing.T, lab *unstructured.Unstructured, situation string) {
	t.Helper()
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": readSituation(t, situation).Object["status"]}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client.Status().Patch(t.Context(), s.get(t, lab), client.RawPatch(types.JSONPatchType, patch), client.FieldOwner("netlab-controller")); err != nil {
		t.Fatalf("write the status of %s: %v", lab.GetName(), err)
	}
}

// kubectl runs kubectl, which must succeed.
func (s *server) kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := s.tryKubectl(arguments...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return out
}

func (s *server) tryKubectl(arguments ...string) (string, error) {
	command := exec.Command(filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig, "HOME="+scratch)
	out, err := command.CombinedOutput()
	return string(out), err
}

// eachSample runs a test once for every sample, as a file and as the object it describes. Every
// run has a Kubernetes namespace of its own, of which the object speaks too.
func eachSample(t *testing.T, s *server, prefix string, test func(t *testing.T, file string, lab *unstructured.Unstructured)) {
	t.Helper()
	samples := 0
	files, err := filepath.Glob(example("samples", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, lab := range readObjects(t, file) {
			if lab.GetKind() != "NetLab" {
				continue
			}
			samples++
			t.Run(lab.GetName(), func(t *testing.T) {
				namespace := prefix + "-" + lab.GetName()
				s.createNamespace(t, namespace)
				lab.SetNamespace(namespace)
				test(t, file, lab)
			})
		}
	}
	if samples < 10 {
		t.Errorf("config/samples has %d labs; there were 10", samples)
	}
}

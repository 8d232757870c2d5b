// SPDX-License-Identifier: Apache-2.0

// Package apiserver starts an API server that the tests of a package share. The first test that needs it
// starts it, TestMain stops it:
//
//	var api = apiserver.New("make test", "../config/crd/bases")
//
//	func TestMain(m *testing.M) { api.TestMain(m) }
//
// It is envtest's: a real API server with etcd and without kubelets, from the programs in
// KUBEBUILDER_ASSETS. Each test uses a Kubernetes namespace of its own.
package apiserver

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
)

// Server is an API server, running or not yet.
type Server struct {
	environment envtest.Environment
	target      string
	start       func() (*rest.Config, error)
	started     bool
}

// New returns a server with the CRDs of some files or directories. It does not run yet. target is
// the command that sets KUBEBUILDER_ASSETS for the tests, for people who run them without it.
func New(target string, crds ...string) *Server {
	s := &Server{target: target, environment: envtest.Environment{
		CRDDirectoryPaths:        crds,
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}}
	// In a sandbox there is no route from which the API server could take an address of its own.
	s.environment.ControlPlane.GetAPIServer().Configure().Set("advertise-address", "192.0.2.1")
	s.start = sync.OnceValues(func() (*rest.Config, error) {
		s.started = true // also if it fails half-way: then etcd runs, and has to be stopped
		return s.environment.Start()
	})
	return s
}

// TestMain runs the tests of a package, stops the server, and exits. Controllers log nothing.
func (s *Server) TestMain(m *testing.M) {
	logf.SetLogger(logr.Discard())
	code := m.Run()
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Stop stops the server if it runs. TestMain does it for a whole package.
func (s *Server) Stop() error {
	if !s.started {
		return nil
	}
	s.started = false
	if err := s.environment.Stop(); err != nil {
		return fmt.Errorf("stop the API server: %w", err)
	}
	return nil
}

// Config is the client configuration of an administrator without rate limits. It
// is the caller's.
func (s *Server) Config(t *testing.T) *rest.Config {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		t.Fatalf("KUBEBUILDER_ASSETS is not set, and this test needs an API server. `%s` builds one and sets it", s.target)
	}
	config, err := s.start()
	if err != nil {
		t.Fatalf("start an API server from %s: %v", assets, err)
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	return config
}

// Kubeconfig is a file that says the same to kubectl. It ends with the test.
func (s *Server) Kubeconfig(t *testing.T) string {
	t.Helper()
	s.Config(t)
	admin, err := s.environment.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := admin.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

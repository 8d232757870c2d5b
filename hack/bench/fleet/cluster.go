// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/netlab-dev/netlab/controllers/cluster"
)

const (
	// systemNamespace is where config/default puts everything, labNamespace where the labs are.
	systemNamespace = "netlab-system"
	labNamespace    = "fleet"
	// advertised is the machine's address, on lo.
	advertised = "10.200.0.1"
)

// cluster is an API server with NetLab installed, and the controller.
type apiServer struct {
	api    *envtest.Environment
	config *rest.Config
	admin  client.Client
	dir    string
	// controller is nil until it was started, and stopController ends it.
	controller     *controller
	stopController context.CancelFunc
}

func startCluster(ctx context.Context, o options) (*apiServer, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS is not set: run this with make bench-fleet, which builds an API server")
	}
	dir, err := os.MkdirTemp("", "netlab-fleet-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the controller: %w", err)
	}
	c := &apiServer{dir: dir, api: &envtest.Environment{
		CRDDirectoryPaths:        []string{filepath.Join(o.root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}}
	for _, step := range []func(context.Context, string) error{c.startAPI, c.install, c.startController} {
		if err := step(ctx, o.root); err != nil {
			c.stop()
			return nil, err
		}
	}
	return c, nil
}

// startAPI gives the machine an address first: without a default route an API server must be
// told where it can be reached, and takes no loopback address for that.
func (c *apiServer) startAPI(context.Context, string) error {
	if out, err := exec.Command("ip", "address", "replace", advertised+"/32", "dev", "lo").CombinedOutput(); err != nil {
		return fmt.Errorf("give the machine an address: %w: %s", err, out)
	}
	c.api.ControlPlane.GetAPIServer().Configure().Set("advertise-address", advertised)
	config, err := c.api.Start()
	if err != nil {
		return fmt.Errorf("start an API server: %w", err)
	}
	config.QPS = -1
	c.config = config
	scheme, err := cluster.Scheme()
	if err != nil {
		return err
	}
	c.admin, err = client.New(config, client.Options{Scheme: scheme})
	return err
}

// install makes the namespaces and gives agents and controller their rights.
func (c *apiServer) install(ctx context.Context, root string) error {
	for _, name := range []string{systemNamespace, labNamespace} {
		ns := &corev1.Namespace{}
		ns.Name = name
		if err := c.admin.Create(ctx, ns); err != nil {
			return fmt.Errorf("create Namespace %s: %w", name, err)
		}
	}
	for _, dir := range []string{"rbac", "admission"} {
		files, err := filepath.Glob(filepath.Join(root, "config", dir, "*.yaml"))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no manifests in config/%s of %s: %w", dir, root, err)
		}
		for _, file := range files {
			if err := c.apply(ctx, file); err != nil {
				return fmt.Errorf("install %s: %w", file, err)
			}
		}
	}
	return nil
}

func (c *apiServer) apply(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for decoder := yaml.NewYAMLOrJSONDecoder(bufio.NewReader(file), 4096); ; {
		o := &unstructured.Unstructured{}
		switch err := decoder.Decode(o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if o.Object == nil || o.GetKind() == "Kustomization" {
			continue
		}
		if err := c.admin.Create(ctx, o); client.IgnoreAlreadyExists(err) != nil {
			return err
		}
	}
}

func (c *apiServer) startController(ctx context.Context, root string) error {
	p, err := buildController(c, root)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	c.controller, c.stopController = p, cancel
	go p.run(ctx)
	return nil
}

// groups are those of service accounts in systemNamespace.
var groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace, "system:authenticated"}

func account(name string) string { return "system:serviceaccount:" + systemNamespace + ":" + name }

// agentConfig is the API server as the agent of a node sees it.
func (c *apiServer) agentConfig(node string) *rest.Config {
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: account("netlab-agent"),
		Groups:   groups,
		Extra:    map[string][]string{"authentication.kubernetes.io/node-name": {node}},
	}
	return config
}

// stop ends everything; the sandbox does, should this fail.
func (c *apiServer) stop() {
	if c.controller != nil {
		c.stopController()
		<-c.controller.ended
	}
	_ = c.api.Stop()
	_ = os.RemoveAll(c.dir)
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// supervisor is the cluster: it starts and stops the control plane and the nodes.
type supervisor struct {
	template node // what all nodes have in common
	api      *kubernetes.Clientset
	plane    *controlPlane
	end      func() // of this process, and so of everything

	mu    sync.Mutex // guards nodes
	nodes map[string]*host
}

func superviseCommand(dir *directory) *cobra.Command {
	common := &node{}
	command := &cobra.Command{
		Use:    "supervise",
		Short:  "What up leaves running",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			common.Directory = *dir
			return inSandbox(func() error { return supervise(command.Context(), *common) })
		},
	}
	command.Flags().StringVar(&common.Programs, "programs", "", "where the Kubernetes programs are")
	command.Flags().StringVar(&common.CNIPlugins, "cni-plugins", "", "where the CNI plugins are")
	command.Flags().StringVar(&common.PauseImage, "pause-image", "", "the name of the image that keeps a pod's namespaces")
	return command
}

func supervise(ctx context.Context, common node) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	config, err := clientcmd.BuildConfigFromFlags("", common.Directory.kubeconfig())
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	s := &supervisor{
		template: common,
		api:      api,
		plane:    newControlPlane(common.Directory, common.Programs),
		end:      end,
		nodes:    map[string]*host{},
	}
	if err := laySwitch(); err != nil {
		return err
	}
	return serve(ctx, common.Directory.socket(), s.actions())
}

// actions are what the control socket can be asked for.
func (s *supervisor) actions() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/boot", action(func(r *http.Request) error {
		nodes, err := strconv.Atoi(r.URL.Query().Get("nodes"))
		if err != nil {
			return fmt.Errorf("number of nodes: %w", err)
		}
		return s.boot(r.Context(), nodes)
	}))
	mux.Handle("/down", action(func(*http.Request) error { s.end(); return nil }))
	mux.Handle("/load", action(func(r *http.Request) error { return s.load(r.Context(), r.URL.Query()["image"]) }))
	mux.Handle("/apiserver/stop", action(func(*http.Request) error { s.plane.apiserver.stop(); return nil }))
	mux.Handle("/apiserver/start", action(func(r *http.Request) error { return s.plane.startAPIServer(r.Context(), s.api) }))
	for verb, do := range map[string]func(context.Context, string) error{
		"add": s.add, "remove": s.remove,
		"stop": s.stop, "start": s.start,
		"kubelet-stop": s.stopKubelet, "kubelet-start": s.startKubelet,
	} {
		mux.Handle("/nodes/{name}/"+verb, action(func(r *http.Request) error {
			name := r.PathValue("name")
			if err := do(r.Context(), name); err != nil {
				return fmt.Errorf("node %s: %w", name, err)
			}
			return nil
		}))
	}
	return mux
}

// boot starts everything and returns when the nodes, node-1 to node-COUNT, are Ready. Machines
// boot in parallel with the control plane; their kubelets start once the API server runs.
func (s *supervisor) boot(ctx context.Context, count int) error {
	start := time.Now()
	var booting sync.WaitGroup
	failures := make([]error, count+1)
	hosts := make([]*host, count)
	for i := range count {
		booting.Go(func() { hosts[i], failures[i] = s.power(ctx, fmt.Sprintf("node-%d", i+1), i+1) })
	}
	booting.Go(func() { failures[count] = s.plane.start(ctx, s.api) })
	booting.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	log.Printf("control plane and %d containerds after %s", count, time.Since(start).Round(time.Millisecond))
	if err := each(hosts, func(h *host) error { return s.join(ctx, h) }); err != nil {
		return err
	}
	return s.waitForServiceAccount(ctx)
}

// waitForServiceAccount waits for what the controller manager makes last of all that a first
// pod needs.
func (s *supervisor) waitForServiceAccount(ctx context.Context) error {
	err := poll(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		_, err := s.api.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for the controller manager: %w", err)
	}
	return nil
}

// each calls do for all hosts at the same time.
func each(hosts []*host, do func(*host) error) error {
	var running sync.WaitGroup
	failures := make([]error, len(hosts))
	for i, h := range hosts {
		running.Go(func() {
			if err := do(h); err != nil {
				failures[i] = fmt.Errorf("node %s: %w", h.Name, err)
			}
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// load imports images into every running node.
func (s *supervisor) load(ctx context.Context, images []string) error {
	s.mu.Lock()
	var running []*host
	for _, h := range s.nodes {
		if h.running() {
			running = append(running, h)
		}
	}
	s.mu.Unlock()
	return each(running, func(h *host) error { return h.load(ctx, images) })
}

// kept returns the images that every node is to have.
func (s *supervisor) kept() ([]string, error) {
	return filepath.Glob(filepath.Join(s.template.Directory.images(), "*"))
}

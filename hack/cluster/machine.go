// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// machine is a node from the inside: the process that starts and stops its programs.
type machine struct {
	node                node
	containerd, kubelet *service
}

func machineCommand(dir *directory) *cobra.Command {
	return &cobra.Command{
		Use:    "machine NAME",
		Short:  "What a node runs",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return inSandbox(func() error { return runMachine(command.Context(), dir.node(args[0])) })
		},
	}
}

// inSandbox runs work in namespaces of its own, and returns elsewhere when they have ended.
func inSandbox(work func() error) error {
	inside, exit, err := sandbox.Enter(sandbox.Options{})
	switch {
	case inside:
		return work()
	case err != nil:
		return err
	case exit != 0:
		os.Exit(exit)
	}
	return nil
}

func runMachine(ctx context.Context, dir nodeDirectory) error {
	n, err := readNode(dir)
	if err != nil {
		return err
	}
	m := newMachine(n)
	mux := http.NewServeMux()
	mux.Handle("/boot", action(func(r *http.Request) error { return m.boot(r.Context()) }))
	mux.Handle("/kubelet/start", action(func(r *http.Request) error { return m.startKubelet(r.Context()) }))
	mux.Handle("/kubelet/stop", action(func(*http.Request) error { m.kubelet.stop(); return nil }))
	return serve(ctx, dir.socket(), mux)
}

func newMachine(n node) *machine {
	return &machine{
		node: n,
		containerd: &service{
			command: []string{"containerd", "--config", settingsDirectory + "/containerd.toml"},
			logFile: "/var/log/containerd.log",
		},
		kubelet: &service{
			command: []string{programsDirectory + "/kubelet",
				"--config=" + settingsDirectory + "/kubelet.yaml",
				"--kubeconfig=" + settingsDirectory + "/kubeconfig",
				"--hostname-override=" + n.Name,
				"--node-ip=" + n.Address().String(),
			},
			logFile: "/var/log/kubelet.log",
		},
	}
}

// boot does everything up to containerd, and returns when that answers. The supervisor has
// plugged in the machine.
func (m *machine) boot(ctx context.Context) error {
	if err := configureUplink(m.node.Number); err != nil {
		return err
	}
	if err := machineCgroups.create(m.node.Cgroup()); err != nil {
		return err
	}
	if err := mountMachine(m.node); err != nil {
		return err
	}
	if err := m.containerd.start(); err != nil {
		return err
	}
	err := poll(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "unix", "/run/containerd/containerd.sock")
		if err != nil {
			return err
		}
		return connection.Close()
	})
	if err != nil {
		return fmt.Errorf("wait for containerd: %w", err)
	}
	return nil
}

// startKubelet returns when the kubelet calls itself healthy.
func (m *machine) startKubelet(ctx context.Context) error {
	if err := m.kubelet.start(); err != nil {
		return err
	}
	if err := poll(ctx, 50*time.Millisecond, kubeletHealthy); err != nil {
		return fmt.Errorf("wait for the kubelet: %w", err)
	}
	return nil
}

func kubeletHealthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10248/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz: %s", response.Status)
	}
	return nil
}

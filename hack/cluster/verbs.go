// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"

	"github.com/spf13/cobra"
)

func runCommand(dir *directory) *cobra.Command {
	return &cobra.Command{
		Use:   "run -- COMMAND...",
		Short: "Run a command in the control plane's network, with KUBECONFIG set and kubectl in PATH",
		Long: `Run a command in the control plane's network, where the API server and all pods can be reached, and nothing else.
Files and processes are those of the machine. KUBECONFIG is set, kubectl is in PATH, and NETLAB_CLUSTER is this
program, for tests that stop nodes.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			pid, err := dir.supervisor()
			if err != nil {
				return fmt.Errorf("run: %w", err)
			}
			env, err := dir.environment()
			if err != nil {
				return fmt.Errorf("run: %w", err)
			}
			return become(append([]string{"nsenter", "--target", strconv.Itoa(pid), "--net", "--"}, args...), env)
		},
	}
}

// environment is what run gives to commands.
func (d directory) environment() ([]string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return append(os.Environ(),
		"KUBECONFIG="+d.kubeconfig(),
		"KUBECACHEDIR="+d.path("kubectl"), // what kubectl remembers of this API server goes with it
		"PATH="+d.programs()+":"+os.Getenv("PATH"),
		"NETLAB_CLUSTER="+program,
		directoryVariable+"="+string(d),
	), nil
}

func loadCommand(dir *directory) *cobra.Command {
	return &cobra.Command{
		Use:   "load FILE.tar...",
		Short: "Give images to all nodes, including those that are added later",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			images := url.Values{}
			for _, file := range args {
				kept, err := dir.keepImage(file)
				if err != nil {
					return fmt.Errorf("load: %w", err)
				}
				images.Add("image", kept)
			}
			if err := dir.ask(command.Context(), "/load?"+images.Encode()); err != nil {
				return fmt.Errorf("load: %w", err)
			}
			return printImages(command.ErrOrStderr(), images["image"])
		},
	}
}

// printImages names the loaded images as a manifest has to name them.
func printImages(w io.Writer, files []string) error {
	for _, file := range files {
		name, err := imageName(file)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		fmt.Fprintf(w, "cluster: every node has %s\n", name)
	}
	fmt.Fprintln(w, "cluster: next: deploy a manifest with these names and imagePullPolicy: Never or IfNotPresent; nothing is pulled here.")
	fmt.Fprintln(w, "         make cluster-deploy builds, loads and installs NetLab in one step; make deploy is for images in a registry")
	return nil
}

func nodeCommand(dir *directory) *cobra.Command {
	nodes := &cobra.Command{Use: "node", Short: "Add, remove, stop and start nodes, run commands in them"}
	for verb, short := range map[string]string{
		"add":           "Add a node and wait until it is Ready",
		"remove":        "Remove a node and its Node object",
		"stop":          "Stop a node as a power failure does: /var stays, everything else is gone",
		"start":         "Boot a stopped node and wait until it is Ready",
		"kubelet-stop":  "Stop a node's kubelet; its pods go on",
		"kubelet-start": "Start a node's kubelet",
	} {
		nodes.AddCommand(&cobra.Command{
			Use:   verb + " NAME",
			Short: short,
			Args:  cobra.ExactArgs(1),
			RunE: func(command *cobra.Command, args []string) error {
				return dir.ask(command.Context(), "/nodes/"+url.PathEscape(args[0])+"/"+verb)
			},
		})
	}
	nodes.AddCommand(nodeExecCommand(dir))
	return nodes
}

func nodeExecCommand(dir *directory) *cobra.Command {
	return &cobra.Command{
		Use:   "exec NAME -- COMMAND...",
		Short: "Run one of the machine's programs in a node",
		Long: `Run one of the machine's programs in a node: its network, its /run and /var, its processes. The working
directory is /, which is read-only; /tmp is the machine's. The command is killed when this one is.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			pid, err := listenerOf(dir.node(args[0]).socket())
			if err != nil {
				return fmt.Errorf("node %s: exec: %w", args[0], err)
			}
			// nsenter has to fork to enter a pid namespace, and passes no signals on.
			return become(append([]string{"nsenter", "--target", strconv.Itoa(pid), "--mount", "--net", "--pid", "--",
				"setpriv", "--pdeathsig", "KILL", "--"}, args[1:]...), os.Environ())
		},
	}
}

func apiserverCommand(dir *directory) *cobra.Command {
	apiserver := &cobra.Command{Use: "apiserver", Short: "Stop and start the API server"}
	for verb, short := range map[string]string{
		"stop":  "Stop the API server; everything else goes on",
		"start": "Start the API server and wait until it is ready",
	} {
		apiserver.AddCommand(&cobra.Command{
			Use:   verb,
			Short: short,
			Args:  cobra.NoArgs,
			RunE: func(command *cobra.Command, _ []string) error {
				if err := dir.ask(command.Context(), "/apiserver/"+verb); err != nil {
					return fmt.Errorf("apiserver %s: %w", verb, err)
				}
				return nil
			},
		})
	}
	return apiserver
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/local"
	"github.com/netlab-dev/netlab/cmd/kubectl-netlab/internal/manifest"
)

// The exit codes. exec and up -- CMD exit with the code of their command.
const (
	exitOK = 0
	// exitFailure: failure, or the answer is no.
	exitFailure = 1
	// exitUsage: the command line is wrong.
	exitUsage = 2
	// exitDifferences: plan --exit-code found something to do.
	exitDifferences = 3
	// exitInterrupted: a shell's code for a program that SIGINT ended. It is what exec in a cluster
	// exits with when it is interrupted before its command has ended.
	exitInterrupted = 130
)

// exitError ends the program with a code and without a message: the output explains it.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// errNotReady ends up and status of a lab that is not Ready; the output says why.
const errNotReady = exitError(exitFailure)

// app is the state that the verbs share.
type app struct {
	terminal *terminal
	in       *os.File
	out      *output
	local    bool
	connection
	// started is true once a verb runs: errors before that are usage errors.
	started bool
	// openMachine and execve are replaced in tests.
	openMachine func(*app) (*local.Machine, error)
	execve      func(path string, args, env []string) error
	// cleanUp removes what opening the machine created.
	cleanUp func() error
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, in, out, err *os.File) int {
	a := newApp(in, out, err)
	return a.run(ctx, args)
}

func newApp(in, out, err *os.File) *app {
	return &app{
		terminal: newTerminal(out, err), in: in, out: &output{file: out},
		openMachine: openMachine, execve: syscall.Exec, cleanUp: func() error { return nil },
	}
}

// machine opens the machine of --local.
func (a *app) machine() (*local.Machine, error) { return a.openMachine(a) }

func (a *app) run(ctx context.Context, args []string) int {
	// The errors of the client libraries repeat what they log.
	klog.SetLogger(logr.Discard())
	log.SetLogger(logr.Discard())
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.terminal.err)
	command, failure := root.ExecuteContextC(ctx)
	failure = cmp.Or(failure, a.cleanUp())
	a.terminal.clear()
	if err := a.out.failure(); err != nil {
		a.started, failure = true, err
	}
	var exit exitError
	switch {
	case failure == nil:
		return exitOK
	case errors.As(failure, &exit):
		return int(exit)
	case !a.started:
		fmt.Fprintf(a.terminal.err, "error: %v\nSee '%s --help'.\n", failure, command.CommandPath())
		return exitUsage
	}
	fmt.Fprintln(a.terminal.err, a.terminal.failureLines(explained(failure)))
	return exitFailure
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-netlab",
		Short: "Network labs made of Linux network namespaces",
		Long: `Network labs made of Linux network namespaces, veth pairs and routers.

A lab runs in a cluster, where the agent on each node builds it, or with --local on this machine.
--local needs Linux and root. Without root, "up -f FILE -- COMMAND" runs COMMAND in private
namespaces that end with it.

In a cluster, status, wait, plan and explain NAME [PROBE] need only rights on the lab itself, as up
and down do. exec, ping, pingall, capture and explain NAME FROM TO run on a node: they need the right
to create pods/exec in the agent's namespace, and exec needs the right to create privileged Pods. All
flags with which kubectl finds and reaches a cluster work here, too: kubectl options lists them.

Exit codes: 0 success; 1 failure, or the answer is no (a lab is not Ready, a node does not reply);
2 usage error; 3 plan --exit-code found changes. exec and up -- COMMAND exit with the exit code of
their command.`,
		Example: `  kubectl netlab --local up -f lab.yaml
  kubectl netlab --local status routed-pair
  kubectl netlab --local explain routed-pair ns1 ns2
  kubectl netlab --local exec routed-pair ns1 -- ping -c 3 198.51.100.1
  kubectl netlab --local down routed-pair
  kubectl netlab up -f lab.yaml`,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl netlab"},
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.local {
				return errNoLocal
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	flags := root.PersistentFlags()
	flags.BoolVar(&a.local, "local", false, "use this machine instead of a cluster")
	a.addFlags(flags)
	root.AddCommand(
		a.upCommand(), a.downCommand(), a.planCommand(), a.statusCommand(), a.explainCommand(), a.reasonCommand(),
		a.waitCommand(),
		a.graphCommand(), a.tourCommand(), a.pingCommand(), a.pingAllCommand(), a.captureCommand(), a.execCommand(), a.lintCommand(), a.versionCommand(),
	)
	complete(root, "namespace", a.completeNamespace)
	complete(root, "context", a.completeKubeconfig(func(c *api.Config) []string { return slices.Collect(maps.Keys(c.Contexts)) }))
	complete(root, "cluster", a.completeKubeconfig(func(c *api.Config) []string { return slices.Collect(maps.Keys(c.Clusters)) }))
	complete(root, "user", a.completeKubeconfig(func(c *api.Config) []string { return slices.Collect(maps.Keys(c.AuthInfos)) }))
	complete(root, "kubeconfig", completeFiles)
	return root
}

// verb marks the end of the command line's checks.
func (a *app) verb(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return do(cmd, args)
	}
}

// symlinks lets ip netns find local labs by name.
const symlinks = true

// labNamespace is the namespace of a lab that is named on the command line.
func (a *app) labNamespace() string { return cmp.Or(a.namespace(), manifest.DefaultNamespace) }

// fileFlag adds -f to a verb that needs it.
func fileFlag(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringSliceVarP(files, "filename", "f", nil, "file or directory of NetLabs; - is standard input")
	complete(cmd, "filename", completeFiles)
}

func (a *app) read(files []string) ([]manifest.Document, error) {
	return manifest.Read(files, manifest.Options{Namespace: a.namespace(), Stdin: a.in})
}

// choice is a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

func newChoice(allowed ...string) *choice { return &choice{allowed[0], allowed} }

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

func (c *choice) Set(value string) error {
	for _, word := range c.allowed {
		if value == word {
			c.value = value
			return nil
		}
	}
	return fmt.Errorf("must be one of %s", strings.Join(c.allowed, ", "))
}

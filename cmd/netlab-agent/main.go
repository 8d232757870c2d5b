// SPDX-License-Identifier: Apache-2.0

// Netlab-agent makes the kernel of its node hold the NetLabs that select the node, keeps it
// that way, and reports. When it stops, labs stay as they are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/agent"
	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/kernel"
)

// version is set when linking: -ldflags "-X main.version=v0.1.0".
var version = "dev"

type settings struct {
	agent                   agent.Options
	metricsAddr, healthAddr string
	metricsSecure           bool
	debug, showVersion      bool
	logFormat               string
}

func main() {
	subcommand(os.Args[1:])
	s := parse(flag.CommandLine, os.Args[1:])
	if s.showVersion {
		fmt.Println("netlab-agent", version)
		return
	}
	if err := run(ctrl.SetupSignalHandler(), s); err != nil {
		fmt.Fprintln(os.Stderr, "netlab-agent:", err)
		os.Exit(1)
	}
}

func parse(flags *flag.FlagSet, args []string) settings {
	var s settings
	a := &s.agent
	flags.StringVar(&a.NodeName, "node-name", os.Getenv("NODE_NAME"), "name of this machine's Node (default $NODE_NAME)")
	flags.BoolVar(&a.Symlinks, "netns-links", true, "create symlinks in /run/netns, so that ip netns finds the labs' network namespaces")
	flags.DurationVar(&a.ComparePeriod, "compare-period", agent.DefaultComparePeriod, "interval at which each lab is compared with the kernel without an event; longer for labs of more than 5,000 rows")
	flags.IntVar(&a.Limits.Labs, "max-labs", agent.DefaultMaxLabs, "maximum number of labs on this node; 0 means no limit")
	flags.IntVar(&a.Limits.Namespaces, "max-namespaces", agent.DefaultMaxNamespaces, "maximum number of network namespaces of labs on this node; 0 means no limit")
	flags.IntVar(&a.Limits.Rows, "max-rows", agent.DefaultMaxRows, "maximum number of rows of labs on this node (links, addresses, routes and the like); 0 means no limit")
	flags.IntVar(&a.TenantLimits.Labs, "max-labs-per-tenant", 0, "maximum number of labs of each namespace of the cluster on this node; 0 means no limit")
	flags.IntVar(&a.TenantLimits.Namespaces, "max-namespaces-per-tenant", 0, "maximum number of network namespaces of the labs of each namespace of the cluster on this node; 0 means no limit")
	flags.IntVar(&a.TenantLimits.Rows, "max-rows-per-tenant", 0, "maximum number of rows of the labs of each namespace of the cluster on this node; 0 means no limit")
	flags.IntVar(&a.NeighborShare, "neighbor-share", agent.DefaultNeighborShare, "percentage of the node's neighbour table (gc_thresh3) that labs may use; 0 means no limit")
	flags.StringVar(&s.metricsAddr, "metrics-bind-address", ":8080", "address of /metrics; 0 turns it off")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true, "serve metrics over HTTPS, to clients with the right to get /metrics; false serves them over HTTP to all clients")
	flags.StringVar(&s.healthAddr, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 turns them off")
	flags.StringVar(&s.logFormat, "log-format", "text", "format of the log: "+cluster.LogFormats)
	flags.BoolVar(&s.debug, "debug", false, "log every operation on the kernel")
	flags.BoolVar(&s.showVersion, "version", false, "print the version and exit")
	_ = flags.Parse(args) // flag.CommandLine exits by itself
	a.Identity = v1alpha1.AgentIdentity{PodUID: types.UID(os.Getenv("POD_UID")), Version: version}
	return s
}

// run holds the machine's agent lock for as long as the agent lives: a second agent waits.
func run(ctx context.Context, s settings) error {
	if s.agent.NodeName == "" {
		return errors.New("set --node-name or NODE_NAME to the name of this machine's Node")
	}
	log, err := newLog(s)
	if err != nil {
		return err
	}
	k, err := kernel.New(kernel.Options{Symlinks: s.agent.Symlinks, Log: log})
	if err != nil {
		return err
	}
	log.Info("Waiting until no other agent runs on this machine")
	unlock, err := k.AgentLock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s.agent.Machine = machine(k)
	limitMemory()
	return manage(ctx, s)
}

const (
	// memoryLimit is a soft one: with more, the agent collects garbage more often. Building the largest lab takes most.
	memoryLimit = 240 << 20
	// gcPercent is how much garbage may come before it is collected, as a part of what is in use. An agent works little
	// and runs for long, so memory is worth more than the time of a collection.
	gcPercent = 50
)

// limitMemory does what the environment does not say.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

func newLog(s settings) (*slog.Logger, error) {
	level := slog.LevelInfo
	if s.debug {
		level = slog.LevelDebug
	}
	return cluster.Log(os.Stderr, s.logFormat, level)
}

func manage(ctx context.Context, s settings) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	scheme, err := cluster.Scheme()
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Cache:                  agent.Cache(s.agent.NodeName),
		Metrics:                cluster.MetricsServer(s.metricsAddr, s.metricsSecure),
		HealthProbeBindAddress: s.healthAddr,
	})
	if err != nil {
		return err
	}
	cluster.ExportBuildInfo(version)
	if err := agent.Setup(ctx, mgr, s.agent); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

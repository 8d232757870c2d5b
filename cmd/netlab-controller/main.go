// SPDX-License-Identifier: Apache-2.0

// Netlab-controller folds what the agents report into the status of each NetLab, and keeps a
// NetLabNodeState for each Node. It never touches a lab.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/netlab-dev/netlab/controllers/cluster"
	"github.com/netlab-dev/netlab/controllers/summary"
)

// version is set when linking: -ldflags "-X main.version=v0.1.0".
var version = "dev"

// defaultNamespace is where config/default puts everything.
const defaultNamespace = "netlab-system"

type settings struct {
	namespace               string
	metricsAddr, healthAddr string
	metricsSecure           bool
	leaderElect             bool
	showVersion             bool
	logFormat               string
}

func main() {
	s := parse(flag.CommandLine, os.Args[1:])
	if s.showVersion {
		fmt.Println("netlab-controller", version)
		return
	}
	if err := run(ctrl.SetupSignalHandler(), s); err != nil {
		fmt.Fprintln(os.Stderr, "netlab-controller:", err)
		os.Exit(1)
	}
}

func parse(flags *flag.FlagSet, args []string) settings {
	var s settings
	flags.StringVar(&s.namespace, "namespace", cmp.Or(os.Getenv("POD_NAMESPACE"), defaultNamespace), "namespace of the agents' pods and of the leader election Lease (default $POD_NAMESPACE)")
	flags.BoolVar(&s.leaderElect, "leader-elect", true, "elect one leader among several controllers, with a Lease")
	flags.StringVar(&s.metricsAddr, "metrics-bind-address", ":8082", "address of /metrics; 0 turns it off")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true, "serve metrics over HTTPS, to clients with the right to get /metrics; false serves them over HTTP to all clients")
	flags.StringVar(&s.healthAddr, "health-probe-bind-address", ":8083", "address of /healthz and /readyz; 0 turns them off")
	flags.StringVar(&s.logFormat, "log-format", "text", "format of the log: "+cluster.LogFormats)
	flags.BoolVar(&s.showVersion, "version", false, "print the version and exit")
	_ = flags.Parse(args) // flag.CommandLine exits by itself
	return s
}

func run(ctx context.Context, s settings) error {
	if _, err := cluster.Log(os.Stderr, s.logFormat, slog.LevelInfo); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	scheme, err := cluster.Scheme()
	if err != nil {
		return err
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         summary.Cache(s.namespace),
		Metrics:                       cluster.MetricsServer(s.metricsAddr, s.metricsSecure),
		HealthProbeBindAddress:        s.healthAddr,
		LeaderElection:                s.leaderElect,
		LeaderElectionID:              summary.LeaseName,
		LeaderElectionNamespace:       s.namespace,
		LeaderElectionReleaseOnCancel: true, // main returns right after
	})
	if err != nil {
		return err
	}
	cluster.ExportBuildInfo(version)
	if err := summary.Setup(mgr); err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func addChecks(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("ping", healthz.Ping)
}

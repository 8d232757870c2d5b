// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/netlab-dev/netlab/controllers/agent"
	"github.com/netlab-dev/netlab/controllers/kernel/sandbox"
)

// options are the options of a run.
type options struct {
	nodes, labs int
	// root is the repository.
	root string
	// steady is how long nothing may be written.
	steady time.Duration
	// pause is the agents' time between two reports in the long run.
	pause time.Duration
	// timeout is how long one phase may take.
	timeout time.Duration
	// profiles is where heap profiles go, empty for nowhere.
	profiles string
}

// The agents' own process takes memory for time, a thousand of them in one on two processors, but
// not beyond a limit. API server, etcd and controller get what they would get anywhere.
const (
	spacious    = 400
	agentsLimit = 4 << 30
)

func main() {
	inside, exit, err := sandbox.Enter(sandbox.Options{})
	if inside {
		err = run(parse(os.Args[1:]), os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		exit = 1
	}
	os.Exit(exit)
}

func parse(args []string) options {
	var o options
	flags := flag.NewFlagSet("fleet", flag.ExitOnError)
	flags.IntVar(&o.nodes, "nodes", 100, "how many nodes there are")
	flags.IntVar(&o.labs, "labs", 20, "how many labs there are, each on every node")
	flags.StringVar(&o.root, "root", ".", "the repository")
	flags.DurationVar(&o.steady, "steady", time.Minute, "for how long nothing may be written when nothing happens")
	flags.DurationVar(&o.pause, "pause", agent.DefaultWritePause, "the agents' pause between two reports in the long run")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Minute, "how long one phase may take")
	flags.StringVar(&o.profiles, "profiles", "", "a directory for heap profiles of API server and agents after each phase")
	_ = flags.Parse(args) // it exits by itself
	return o
}

// run lives through all phases and prints what was seen. Its error names every promise that was
// broken.
func run(o options, out io.Writer) error {
	// A thousand agents say a thousand times that the API server is busy: it is counted instead.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)

	debug.SetGCPercent(spacious)
	debug.SetMemoryLimit(agentsLimit)
	c, err := startCluster(ctx, o)
	if err != nil {
		return err
	}
	defer c.stop()
	go guardMemory(ctx, end, available, func() takers {
		taken, _ := c.takers() // what cannot be read is 0
		return taken
	})
	f, err := newFleet(ctx, c, o)
	if err != nil {
		return err
	}
	defer f.stop()
	phases, err := f.live(ctx)
	if err != nil {
		result{options: o, phases: phases}.printPhases(out)
		return cmp.Or(ended(ctx), err)
	}
	result, err := f.result(ctx, phases)
	if err != nil {
		return err
	}
	result.print(out)
	return errors.Join(result.broken()...)
}

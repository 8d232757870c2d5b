// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/local"
	"github.com/netlab-dev/netlab/controllers/probe"
)

func (a *app) pingCommand() *cobra.Command {
	count, interval := 4, time.Second
	cmd := &cobra.Command{
		Use:   "ping NAME FROM TO",
		Short: "Ping from one node to another, or to an address of the lab",
		Args:  cobra.ExactArgs(3),
		RunE: a.localVerb(func(cmd *cobra.Command, args []string) error {
			return a.ping(cmd, a.path(args), local.PingOptions{Count: count, Interval: interval})
		}),
	}
	cmd.Flags().IntVarP(&count, "count", "c", count, "how often; 0 is until interrupted")
	cmd.Flags().DurationVarP(&interval, "interval", "i", interval, "time between two")
	return cmd
}

// path is what NAME FROM TO on the command line mean.
func (a *app) path(args []string) local.Path {
	return local.Path{Namespace: a.labNamespace(), Name: args[0], From: args[1], To: args[2]}
}

// ping exits 0 if there was a reply, like ping(8).
func (a *app) ping(cmd *cobra.Command, path local.Path, o local.PingOptions) error {
	m, err := a.machine()
	if err != nil {
		return err
	}
	sent, replied := 0, 0
	o.Each = func(to netip.Addr, attempt probe.Attempt) {
		sent++
		if attempt.Outcome == probe.Reply {
			replied++
		}
		fmt.Fprintln(a.out, attemptLine(path.From, to, attempt))
	}
	if err := m.Ping(cmd.Context(), path, o); err != nil && cmd.Context().Err() == nil {
		return err
	}
	fmt.Fprintf(a.out, "%d sent, %d received\n", sent, replied)
	if replied == 0 {
		return exitError(exitFailure)
	}
	return nil
}

func attemptLine(from string, to netip.Addr, a probe.Attempt) string {
	if a.Outcome == probe.Reply {
		return fmt.Sprintf("%s answers %s: seq=%d time=%s", to, from, a.Seq, milliseconds(a.RTT))
	}
	return fmt.Sprintf("%s does not answer %s: seq=%d: %s", to, from, a.Seq, a.Err)
}

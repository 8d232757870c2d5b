// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/ask"
)

func (a *app) pingCommand() *cobra.Command {
	o := ask.PingOptions{Count: 4, Interval: time.Second}
	var w where
	cmd := &cobra.Command{
		Use:   "ping NAME FROM TO",
		Short: "Ping a node or an address of the lab from a node",
		Long: `Ping a node or an address of the lab from a node, in the first address family that both have.
Exits 0 if a reply arrives, else 1, like ping(8).`,
		Args: cobra.ExactArgs(3),
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			return a.ping(cmd, args[0], ask.Path{From: args[1], To: args[2]}, o, w)
		}),
		ValidArgsFunction: a.completeLab(sources, targets),
	}
	a.whereFlags(cmd, &w)
	cmd.Flags().IntVarP(&o.Count, "count", "c", o.Count, "number of requests; 0 means until interrupted")
	cmd.Flags().DurationVarP(&o.Interval, "interval", "i", o.Interval, "time between two requests")
	return cmd
}

func (a *app) ping(cmd *cobra.Command, name string, path ask.Path, o ask.PingOptions, w where) error {
	lab, err := a.asked(cmd.Context(), name, w)
	if err != nil {
		return err
	}
	sent, replied := 0, 0
	err = lab.Ping(cmd.Context(), path, o, func(attempt ask.Attempt) {
		a.terminal.clear()
		sent++
		if attempt.Replied() {
			replied++
		}
		fmt.Fprintln(a.out, attemptLine(path.From, attempt))
	})
	if err != nil && cmd.Context().Err() == nil {
		return err
	}
	a.terminal.clear()
	fmt.Fprintf(a.out, "%d sent, %d received\n", sent, replied)
	if replied == 0 {
		return exitError(exitFailure)
	}
	return nil
}

func attemptLine(from string, a ask.Attempt) string {
	if a.Replied() {
		return fmt.Sprintf("%s answers %s: seq=%d time=%s", a.To, from, a.Seq, milliseconds(a.RTT()))
	}
	return fmt.Sprintf("%s does not answer %s: seq=%d: %s", a.To, from, a.Seq, a.Error)
}

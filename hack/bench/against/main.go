// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// settings are the flags.
type settings struct {
	old, new            string
	rounds, agentRounds int
}

func main() {
	var s settings
	flag.StringVar(&s.old, "old", "", "the git revision to compare with")
	flag.StringVar(&s.new, "new", "HEAD", "the git revision that is compared")
	flag.IntVar(&s.rounds, "rounds", 7, "how often planning and labs are measured on each side")
	flag.IntVar(&s.agentRounds, "agent-rounds", 1, "how often the agent's memory is measured on each side; 0 leaves it out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-against:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	dir, err := os.MkdirTemp("", "netlab-against-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is a temporary directory
	var sides []*side
	defer func() {
		for _, side := range sides {
			err = errors.Join(err, side.remove())
		}
	}()
	for _, revision := range []string{s.old, s.new} {
		side, err := checkOut(ctx, filepath.Join(dir, fmt.Sprint("tree-", len(sides))), revision)
		if err != nil {
			return err
		}
		sides = append(sides, side)
		if err := side.build(ctx); err != nil {
			return err
		}
	}
	if err := measure(ctx, s, sides); err != nil {
		return err
	}
	printTable(os.Stdout, sides[0], sides[1])
	return nil
}

// measure lets the sides take turns.
func measure(ctx context.Context, s settings, sides []*side) error {
	for round := range s.rounds {
		for _, measurement := range []func(*side, context.Context) error{(*side).plan, (*side).labs} {
			for _, side := range sides {
				fmt.Fprintf(os.Stderr, "%s, round %d of %d\n", side.revision, round+1, s.rounds)
				if err := measurement(side, ctx); err != nil {
					return err
				}
			}
		}
	}
	for round := range s.agentRounds {
		for _, side := range sides {
			fmt.Fprintf(os.Stderr, "%s, agent, round %d of %d\n", side.revision, round+1, s.agentRounds)
			if err := side.agent(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

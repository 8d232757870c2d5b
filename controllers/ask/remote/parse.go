// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/netlab-dev/netlab/controllers/ask"
)

// question runs a verb on a lab. It writes everything but Replies to out.
type question func(ctx context.Context, lab *ask.Lab, out io.Writer, reply func(Reply)) error

// parser declares the flags of a verb and returns the function that parses its arguments.
type parser func(*flag.FlagSet) func(args []string) (question, error)

var parsers = map[string]parser{
	verbExplain: parseExplain, verbPing: parsePing, verbPingAll: parsePingAll, verbCapture: parseCapture,
}

// parse parses the arguments of the program, beginning with the verb.
func parse(args []string) (question, error) {
	if len(args) == 0 {
		return nil, errors.New("no verb: want explain, ping, pingall or capture")
	}
	verb, ok := parsers[args[0]]
	if !ok {
		return nil, fmt.Errorf("this version has no verb %q", args[0])
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	ask := verb(flags)
	if err := flags.Parse(args[1:]); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	asked, err := ask(flags.Args())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return asked, nil
}

func parseExplain(*flag.FlagSet) func([]string) (question, error) {
	return func(args []string) (question, error) {
		if len(args) > 2 {
			return nil, errors.New("want no argument, PROBE, or FROM TO")
		}
		return func(ctx context.Context, lab *ask.Lab, _ io.Writer, reply func(Reply)) error {
			explained, err := explain(ctx, lab, args)
			if err == nil {
				reply(Reply{Explanations: explained})
			}
			return err
		}, nil
	}
}

func explain(ctx context.Context, lab *ask.Lab, args []string) ([]ask.Explanation, error) {
	switch len(args) {
	case 2:
		return lab.ExplainPath(ctx, ask.Path{From: args[0], To: args[1]})
	case 1:
		return lab.Explain(ctx, args[0])
	}
	return lab.Explain(ctx, "")
}

func parsePing(flags *flag.FlagSet) func([]string) (question, error) {
	var o ask.PingOptions
	flags.IntVar(&o.Count, "count", 0, "")
	flags.DurationVar(&o.Interval, "interval", 0, "")
	return func(args []string) (question, error) {
		if len(args) != 2 {
			return nil, errors.New("want FROM TO")
		}
		return func(ctx context.Context, lab *ask.Lab, _ io.Writer, reply func(Reply)) error {
			return lab.Ping(ctx, ask.Path{From: args[0], To: args[1]}, o, func(a ask.Attempt) { reply(Reply{Attempt: &a}) })
		}, nil
	}
}

func parsePingAll(flags *flag.FlagSet) func([]string) (question, error) {
	var o ask.PingAllOptions
	flags.DurationVar(&o.Timeout, "timeout", 0, "")
	flags.IntVar(&o.Diagnoses, "diagnoses", 0, "")
	return func(args []string) (question, error) {
		if len(args) != 0 {
			return nil, errors.New("want no argument")
		}
		return func(ctx context.Context, lab *ask.Lab, _ io.Writer, reply func(Reply)) error {
			all, err := lab.PingAll(ctx, o)
			if err == nil {
				reply(Reply{PingAll: all})
			}
			return err
		}, nil
	}
}

// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"flag"
	"io"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/capture"
)

// Capture implements the method of ask.Lab.
func (l *Lab) Capture(ctx context.Context, o ask.CaptureOptions, w io.Writer) (summary capture.Summary, err error) {
	c := l.exchange(func(r Reply) {
		switch {
		case r.Capture != nil:
			summary = *r.Capture
		case r.Journey != nil && o.Follow != nil:
			o.Follow(*r.Journey)
		}
	})
	err = c.run(ctx, captureArgs(o), w, c)
	return summary, err
}

// captureArgs are the arguments of the program. What it did not know in its first version is only there if it is
// needed, so that its other versions serve other captures.
func captureArgs(o ask.CaptureOptions) []string {
	args := []string{verbCapture, "--packets=" + strconv.Itoa(o.Packets), "--duration=" + o.Duration.String()}
	if len(o.At) == 1 {
		return append(append(args, "--interface="+o.At[0].Interface), append(newArgs(o), o.At[0].Node)...)
	}
	args = append(args, newArgs(o)...)
	for _, p := range o.At {
		args = append(args, p.String())
	}
	return args
}

func newArgs(o ask.CaptureOptions) (args []string) {
	for _, name := range o.Links {
		args = append(args, "--link="+name)
	}
	if o.All {
		args = append(args, "--all")
	}
	if o.Path != nil {
		args = append(args, "--path-from="+o.Path.From, "--path-to="+o.Path.To)
	}
	if o.Probe != "" {
		args = append(args, "--while-probe="+o.Probe)
	}
	if o.Filter != "" {
		args = append(args, "--filter="+o.Filter)
	}
	if o.Follow != nil {
		args = append(args, "--follow")
	}
	return args
}

func parseCapture(flags *flag.FlagSet) func([]string) (question, error) {
	var o ask.CaptureOptions
	var path ask.Path
	link := ""
	flags.IntVar(&o.Packets, "packets", 0, "")
	flags.DurationVar(&o.Duration, "duration", 0, "")
	flags.StringVar(&link, "interface", "", "")
	flags.BoolVar(&o.All, "all", false, "")
	flags.StringVar(&path.From, "path-from", "", "")
	flags.StringVar(&path.To, "path-to", "", "")
	follow := flags.Bool("follow", false, "")
	flags.StringVar(&o.Probe, "while-probe", "", "")
	flags.StringVar(&o.Filter, "filter", "", "")
	flags.Func("link", "", func(name string) error {
		o.Links = append(o.Links, name)
		return nil
	})
	return func(args []string) (question, error) {
		if path.From != "" {
			o.Path = &path
		}
		o.At = parsePlaces(args, link)
		if len(o.At) == 0 && len(o.Links) == 0 && !o.All && o.Path == nil && o.Probe == "" {
			return nil, errors.New("want NODE, a link, a path, a probe or all nodes")
		}
		return func(ctx context.Context, lab *ask.Lab, out io.Writer, reply func(Reply)) error {
			if *follow {
				o.Follow = func(j capture.Journey) { reply(Reply{Journey: &j}) }
			}
			summary, err := lab.Capture(ctx, o, out)
			if err == nil {
				reply(Reply{Capture: &summary})
			}
			return err
		}, nil
	}
}

// parsePlaces parses NODE:INTERFACE. With one place, the interface may also be link.
func parsePlaces(args []string, link string) (places []ask.Place) {
	for _, arg := range args {
		node, name, found := strings.Cut(arg, ":")
		if !found {
			name = link
		}
		places = append(places, ask.Place{Node: node, Interface: name})
	}
	return places
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/capture/filter"
)

// captureFlags are those of the verb.
type captureFlags struct {
	ask.CaptureOptions
	where where
	write string
	// path reports that the arguments are FROM and TO, follow that packets are printed hop by hop.
	path, follow bool
	// rotate is the text of size, at which another file begins. files is how many are kept.
	rotate string
	size   int64
	files  int
}

func (a *app) captureCommand() *cobra.Command {
	var f captureFlags
	cmd := &cobra.Command{
		Use:   "capture NAME (NODE [INTERFACE] | NODE[:INTERFACE],… | --link LINK | --all | --path FROM TO | --while-probe PROBE) -w FILE",
		Short: "Capture packets at one or several nodes as one pcapng",
		Long: `Capture the packets of one interface of a node, or of all its interfaces, as pcapng for Wireshark
and tshark. capture ends when it is interrupted, after -c packets, after --duration, when the
interface goes down or when the lab is deleted. The file is complete in each case.

With several nodes or links, one file has the packets of all of them in the order of their times,
and each interface is named NODE:INTERFACE. The capture goes on when one of the interfaces goes down.
--path captures at every hop of the way that explain NAME FROM TO shows, there and back.
--while-probe captures the packets of one run of a probe at every hop, with the ARP and neighbour
discovery there, and ends with the run.

--follow prints each IP packet hop by hop: the interfaces it passed, the time between them, TTL and
addresses as they are there, and where it arrived or stopped. -w is not needed then.
--rotate writes FILE-00001, FILE-00002 and so on, each of which can be read by itself.

--filter knows ether, ip, ip6, arp, tcp, udp, icmp, icmp6 and other protocols, src, dst, host, net, port,
portrange, proto, vlan, less, greater, broadcast, multicast, and, or, not and parentheses. It knows no
names of hosts and services, and no bytes such as tcp[13].`,
		Example: `  kubectl netlab capture routed-pair router -w router.pcapng
  kubectl netlab --local capture routed-pair router l1 -w - | tshark -r -
  kubectl netlab --local capture routed-pair ns1,router:l2 --link l1 -w three.pcapng
  kubectl netlab --local capture routed-pair --path ns1 ns2 --filter 'icmp or arp' -w - | wireshark -k -i -
  kubectl netlab --local capture routed-pair --while-probe ns1-ns2 --follow`,
		Args: cobra.MatchAll(cobra.RangeArgs(1, 3), func(_ *cobra.Command, args []string) error {
			return cmp.Or(f.output(), f.places(args[1:]))
		}),
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			return a.capture(cmd, args[0], f)
		}),
		ValidArgsFunction: a.completeLab(nodeNames, func(described *v1alpha1.NetLab, args []string) []string {
			if f.path {
				return targets(described, args)
			}
			return interfaceNames(described, args)
		}),
	}
	a.whereFlags(cmd, &f.where)
	a.captureFlags(cmd, &f)
	return cmd
}

func (a *app) captureFlags(cmd *cobra.Command, f *captureFlags) {
	cmd.Flags().StringVarP(&f.write, "write", "w", "", "output file; - is standard output")
	cmd.Flags().StringVar(&f.rotate, "rotate", "", "begin another file, FILE-00002 and so on, at this size, such as 10M")
	cmd.Flags().IntVar(&f.files, "files", 0, "with --rotate, keep this number of files; 0 means all")
	cmd.Flags().IntVarP(&f.Packets, "count", "c", 0, "stop after this number of packets; 0 means no limit")
	cmd.Flags().DurationVar(&f.Duration, "duration", 0, "stop after this time; 0 means no limit")
	cmd.Flags().StringSliceVar(&f.Links, "link", nil, "capture at both ends of this link; may be repeated")
	cmd.Flags().BoolVar(&f.All, "all", false, "capture at every node of the lab")
	cmd.Flags().BoolVar(&f.path, "path", false, "capture at every hop from a node to a node or an address, and back")
	cmd.Flags().StringVar(&f.Filter, "filter", "", "capture only packets that this expression of pcap-filter(7) accepts")
	cmd.Flags().StringVar(&f.Probe, "while-probe", "", "capture the packets of one run of this probe")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "print each packet hop by hop")
	complete(cmd, "write", completeFiles)
	complete(cmd, "link", a.completeFlag(linkNames))
	complete(cmd, "while-probe", a.completeFlag(func(described *v1alpha1.NetLab, _ []string) []string { return probeNames(described) }))
}

// output checks the flags of files.
func (f *captureFlags) output() error {
	switch {
	case f.write == "" && !f.follow:
		return errors.New(`required flag(s) "write" not set`)
	case f.rotate == "" && f.files > 0:
		return errors.New("--files needs --rotate")
	case f.rotate == "":
		return nil
	case f.write == "" || f.write == "-":
		return errors.New("--rotate needs -w FILE")
	}
	size, err := resource.ParseQuantity(f.rotate)
	if f.size = size.Value(); err != nil || f.size <= 0 {
		return fmt.Errorf("--rotate %s: want a size such as 10M or 10Mi", f.rotate)
	}
	return nil
}

// places reads the arguments behind the name of the lab.
func (f *captureFlags) places(args []string) error {
	_, err := filter.Compile(f.Filter)
	switch {
	case err != nil:
		return err
	case f.path && len(args) != 2:
		return errors.New("--path needs FROM and TO")
	case f.path:
		f.Path = &ask.Path{From: args[0], To: args[1]}
	case len(args) == 0 && len(f.Links) == 0 && !f.All && f.Probe == "":
		return errors.New("name a node, or use --link, --all, --path or --while-probe")
	case len(args) == 2:
		f.At = []ask.Place{{Node: args[0], Interface: args[1]}}
	case len(args) == 1:
		for arg := range strings.SplitSeq(args[0], ",") {
			node, link, _ := strings.Cut(arg, ":")
			f.At = append(f.At, ask.Place{Node: node, Interface: link})
		}
	}
	return nil
}

func (a *app) capture(cmd *cobra.Command, name string, f captureFlags) error {
	if f.write == "-" && isTerminal(a.out.file) {
		return errors.New("standard output is a terminal: use -w FILE, or pipe -w - into a program")
	}
	lab, err := a.asked(cmd.Context(), name, f.where)
	if err != nil {
		return err
	}
	if f.follow {
		f.Follow = a.journeyPrinter(f.write)
	}
	a.terminal.progress(fmt.Sprintf("capturing in lab %s; press Ctrl-C to stop", name))
	summary, err := a.captureTo(cmd.Context(), f, func(ctx context.Context, w io.Writer) (capture.Summary, error) {
		return lab.Capture(ctx, f.CaptureOptions, w)
	})
	if err != nil {
		return err
	}
	a.terminal.clear()
	fmt.Fprintf(a.terminal.err, "%d packets captured, %d dropped%s%s\n", summary.Packets, summary.Dropped, droppedAt(summary), endings[summary.Ending])
	if summary.Probe != "" {
		fmt.Fprintln(a.terminal.err, summary.Probe)
	}
	return nil
}

// journeyPrinter prints to standard output, if the file is not there.
func (a *app) journeyPrinter(write string) func(capture.Journey) {
	out := a.out.file
	if write == "-" {
		out = a.terminal.err
	}
	return func(j capture.Journey) {
		a.terminal.clear()
		fmt.Fprintln(out, j)
	}
}

func droppedAt(s capture.Summary) string {
	if s.DroppedAt == "" {
		return ""
	}
	return " (" + s.DroppedAt + ")"
}

// endings are the texts for those that the user did not request.
var endings = map[capture.Ending]string{
	capture.LinkDown:   "; the interface went down",
	capture.LabDeleted: "; the lab was deleted",
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/netlab-dev/netlab/controllers/ask"
	"github.com/netlab-dev/netlab/controllers/capture"
)

func (a *app) captureCommand() *cobra.Command {
	var o ask.CaptureOptions
	var w where
	path := ""
	cmd := &cobra.Command{
		Use:   "capture NAME NODE [INTERFACE] -w FILE",
		Short: "Capture the packets of a node as pcapng",
		Long: `Capture the packets of one interface of a node, or of all its interfaces, as pcapng for Wireshark
and tshark. capture ends when it is interrupted, after -c packets, after --duration, when the
interface goes down or when the lab is deleted. The file is complete in each case.`,
		Example: `  kubectl netlab capture routed-pair router -w router.pcapng
  kubectl netlab --local capture routed-pair router l1 -w - | tshark -r -`,
		Args: cobra.RangeArgs(2, 3),
		RunE: a.verb(func(cmd *cobra.Command, args []string) error {
			o.Node = args[1]
			if len(args) == 3 {
				o.Interface = args[2]
			}
			return a.capture(cmd, args[0], o, w, path)
		}),
		ValidArgsFunction: a.completeLab(nodeNames, interfaceNames),
	}
	a.whereFlags(cmd, &w)
	cmd.Flags().StringVarP(&path, "write", "w", "", "output file; - is standard output")
	cmd.Flags().IntVarP(&o.Packets, "count", "c", 0, "stop after this number of packets; 0 means no limit")
	cmd.Flags().DurationVar(&o.Duration, "duration", 0, "stop after this time; 0 means no limit")
	_ = cmd.MarkFlagRequired("write")
	complete(cmd, "write", completeFiles)
	return cmd
}

func (a *app) capture(cmd *cobra.Command, name string, o ask.CaptureOptions, w where, path string) error {
	if path == "-" && isTerminal(a.out.file) {
		return errors.New("standard output is a terminal: use -w FILE, or pipe -w - into a program")
	}
	lab, err := a.asked(cmd.Context(), name, w)
	if err != nil {
		return err
	}
	a.terminal.progress(fmt.Sprintf("capturing at node %s of lab %s; press Ctrl-C to stop", o.Node, name))
	summary, err := a.captureTo(cmd.Context(), path, func(ctx context.Context, w io.Writer) (capture.Summary, error) {
		return lab.Capture(ctx, o, w)
	})
	if err != nil {
		return err
	}
	a.terminal.clear()
	fmt.Fprintf(a.terminal.err, "%d packets captured, %d dropped%s\n", summary.Packets, summary.Dropped, endings[summary.Ending])
	return nil
}

// endings are the texts for those that the user did not request.
var endings = map[capture.Ending]string{
	capture.LinkDown:   "; the interface went down",
	capture.LabDeleted: "; the lab was deleted",
}

// captureTo leaves no file where there was nothing to write.
func (a *app) captureTo(ctx context.Context, path string, record func(context.Context, io.Writer) (capture.Summary, error)) (capture.Summary, error) {
	if path == "-" {
		return record(ctx, a.out)
	}
	file, err := os.Create(path)
	if err != nil {
		return capture.Summary{}, err
	}
	summary, err := record(ctx, file)
	info, statErr := file.Stat()
	if err = errors.Join(err, statErr, file.Close()); err != nil && info != nil && info.Size() == 0 {
		err = errors.Join(err, os.Remove(path))
	}
	return summary, err
}

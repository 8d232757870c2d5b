// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"fmt"
	"io"

	"github.com/netlab-dev/netlab/controllers/capture"
)

// CaptureOptions select the packets of a capture and limit it.
type CaptureOptions struct {
	// Node is a node of the lab. Interface is one of its interfaces; empty means all of them.
	Node, Interface string
	capture.Options
}

// Capture writes the packets that pass a node as pcapng until the options or the context end it, or the
// interface or the lab is gone.
func (l *Lab) Capture(ctx context.Context, o CaptureOptions, w io.Writer) (capture.Summary, error) {
	namespace, err := l.Node(o.Node)
	if err != nil {
		return capture.Summary{}, err
	}
	tap, err := l.machine.Listen(namespace, o.Interface)
	if err != nil {
		return capture.Summary{}, fmt.Errorf("capture on %s of %s: %w", o.Node, l.id, err)
	}
	return capture.Record(ctx, tap, o.Options, w)
}

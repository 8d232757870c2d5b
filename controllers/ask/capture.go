// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/capture/filter"
	"github.com/netlab-dev/netlab/controllers/packet"
)

// CaptureOptions select the packets of a capture and limit it. A packet is captured at each of the places that
// At, Links, All and Path name.
type CaptureOptions struct {
	At []Place
	// Links are links of the lab, captured at both ends.
	Links []string
	// All captures at every node.
	All bool
	// Path captures at every hop of the way there and back that Explain follows, at both ends of every link.
	Path *Path
	// Probe captures what the packets of one run of this probe do, at every hop of its way there and back, with
	// ARP and neighbour discovery there. The capture ends with the run.
	Probe string
	// Filter is an expression of package filter.
	Filter string
	capture.Options
}

// Place is where packets are captured.
type Place struct {
	// Node is a node of the lab. Interface is one of its interfaces; empty means all of them.
	Node, Interface string
}

func (p Place) String() string {
	if p.Interface == "" {
		return p.Node
	}
	return p.Node + ":" + p.Interface
}

// Capture writes the packets that pass some places as pcapng until the options or the context end it, or the
// only interface or the lab is gone.
func (l *Lab) Capture(ctx context.Context, o CaptureOptions, w io.Writer) (capture.Summary, error) {
	program, err := filter.Compile(o.filter())
	if err != nil {
		return capture.Summary{}, err
	}
	places, err := l.places(ctx, o)
	if err != nil {
		return capture.Summary{}, err
	}
	sources, err := l.listen(places, program)
	if err != nil {
		return capture.Summary{}, err
	}
	if o.Follow != nil {
		o.Owns = l.owns
	}
	if o.Probe != "" {
		return l.captureProbe(ctx, o, sources, w)
	}
	return capture.Record(ctx, sources, o.Options, w)
}

// owns reports whether a node has an address.
func (l *Lab) owns(node string, a netip.Addr) bool {
	for key := range l.Want[l.id.NetworkNamespace(node)].Addresses {
		if key.Prefix.Addr() == a {
			return true
		}
	}
	return false
}

// listen opens a socket at each place. On an error none is open.
func (l *Lab) listen(places []Place, program []packet.Instruction) (sources []capture.Source, err error) {
	defer func() {
		if err != nil {
			for _, s := range sources {
				err = errors.Join(err, s.Close())
			}
		}
	}()
	for _, p := range places {
		o := packet.Options{Interface: p.Interface, Filter: program, Buffer: buffer(len(places))}
		tap, err := l.machine.Listen(l.id.NetworkNamespace(p.Node), o)
		if err != nil {
			return sources, fmt.Errorf("capture on %s of %s: %w", p.Node, l.id, err)
		}
		sources = append(sources, l.source(p.Node, tap))
	}
	return sources, nil
}

// Sizes of buffers: all of a capture, and one.
const (
	allBuffers = 128 << 20
	minBuffer  = 1 << 20
)

func buffer(sockets int) int {
	return min(packet.DefaultBuffer, max(minBuffer, allBuffers/max(1, sockets)))
}

// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/netlab-dev/netlab/controllers/capture"
	"github.com/netlab-dev/netlab/controllers/packet"
	"github.com/netlab-dev/netlab/controllers/probe"
)

// probeFilter is the filter of a capture of a probe: ICMP errors have the request in them.
const probeFilter = "icmp or icmp6 or arp or vlan"

func (o *CaptureOptions) filter() string {
	if o.Filter == "" && o.Probe != "" {
		return probeFilter
	}
	return o.Filter
}

// captureProbe captures while a probe runs once in each of its families.
func (l *Lab) captureProbe(ctx context.Context, o CaptureOptions, sources []capture.Source, w io.Writer) (capture.Summary, error) {
	var sent requests
	machine := *l.machine
	machine.Dial = sent.dialer(l.machine.Dial)
	o.Accept = sent.has

	recording, end := context.WithCancel(ctx)
	defer end()
	var results []string
	var running sync.WaitGroup
	running.Go(func() {
		defer end()
		for _, p := range l.Probes {
			if p.Name == o.Probe {
				r := machine.Once(recording, l.Lab, p)
				results = append(results, fmt.Sprintf("%s (%s): %s", p.Name, p.Family, r.Outcome))
			}
		}
	})
	summary, err := capture.Record(recording, sources, o.Options, w)
	end()
	running.Wait()
	if summary.Ending == capture.Interrupted && ctx.Err() == nil {
		summary.Ending = capture.LimitReached
	}
	summary.Probe = strings.Join(results, ", ")
	return summary, err
}

// requests are the payloads of the requests that were sent. They have a nonce, and neither replies, errors nor NAT
// change them.
type requests struct {
	mu       sync.Mutex
	payloads [][]byte
}

// echoHeader is in front of the payload of an echo request.
const echoHeader = 8

// maxQuoted is as much of a payload as a short error has.
const maxQuoted = probe.MinSizeBytes

func (r *requests) add(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.payloads = append(r.payloads, bytes.Clone(message[echoHeader:min(len(message), echoHeader+maxQuoted)]))
}

// has reports whether a packet is a request, a reply or an error about one, or looks for a neighbour.
func (r *requests) has(p packet.Packet) bool {
	if capture.IsNeighbourDiscovery(p.Data) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.payloads, func(payload []byte) bool { return bytes.Contains(p.Data, payload) })
}

// dialer remembers what is sent before it is.
func (r *requests) dialer(dial probe.Dialer) probe.Dialer {
	return func(ctx context.Context, from string, o probe.Options) (probe.Conn, error) {
		conn, err := dial(ctx, from, o)
		if err != nil {
			return nil, err
		}
		return &rememberingConn{Conn: conn, requests: r}, nil
	}
}

type rememberingConn struct {
	probe.Conn
	requests *requests
}

func (c *rememberingConn) WriteTo(message []byte, to netip.Addr) error {
	c.requests.add(message)
	return c.Conn.WriteTo(message, to)
}

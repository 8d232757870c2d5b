// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// Journey is one IP packet at the interfaces that it passed.
type Journey struct {
	// Packet describes it.
	Packet string `json:"packet"`
	Steps  []Step `json:"steps"`
	// Ending is where it arrived or stopped.
	Ending string `json:"ending"`
}

// Step is a packet at an interface. Addresses have ports where the packet has them.
type Step struct {
	Node        string    `json:"node"`
	Interface   string    `json:"interface"`
	Outgoing    bool      `json:"outgoing,omitempty"`
	Time        time.Time `json:"time"`
	TTL         uint8     `json:"ttl"`
	Source      string    `json:"source"`
	Destination string    `json:"destination"`

	destination netip.Addr
}

// place is what makes two steps the same.
func (s *Step) place() [3]any { return [3]any{s.Node, s.Interface, s.Outgoing} }

// journeyTime is how long a packet may be on its way between two interfaces.
const journeyTime = 2 * time.Second

// arrivalTime is how long after its last step a packet has stopped, if a capture without a limit ends then.
const arrivalTime = 500 * time.Millisecond

// maxJourneys limits the packets that are followed at the same time.
const maxJourneys = 20000

// identity is what no node changes of a packet: neither TTL nor addresses, ports and identifiers, which NAT
// translates. Packets of one identity are told apart by the interfaces that they have passed.
type identity struct {
	six      bool
	protocol uint8
	id       uint32
	length   int
	payload  uint64
}

// follower finds the journeys of packets that it is shown in the order of their times.
type follower struct {
	each func(Journey)
	owns func(node string, a netip.Addr) bool
	// sources are where packets are captured.
	sources []Source

	seed    maphash.Seed
	scratch []byte
	open    map[identity][]*Journey
	// begun are the journeys in the order of their first steps.
	begun []*begun
	// cut is set when the capture ends: a packet seen later than that may still have been on its way.
	cut time.Time
}

type begun struct {
	*Journey
	identity
}

func newFollower(sources []Source, o Options) *follower {
	if o.Follow == nil {
		return nil
	}
	return &follower{each: o.Follow, owns: o.Owns, sources: sources, seed: maphash.MakeSeed(), open: map[identity][]*Journey{}}
}

// see shows a packet at an interface.
func (f *follower) see(p arrived, on *link) {
	if f == nil {
		return
	}
	h, ok := parseIP(p.Data, on.frames)
	if !ok {
		return
	}
	step := Step{
		Node: f.sources[p.source].Node, Interface: on.name, Outgoing: p.Outgoing, Time: p.Time, TTL: h.ttl,
		Source: h.source.String(), Destination: h.destination.String(), destination: h.destination,
	}
	if source, destination, ok := h.ports(); ok {
		step.Source = netip.AddrPortFrom(h.source, source).String()
		step.Destination = netip.AddrPortFrom(h.destination, destination).String()
	}
	id := f.identify(&h)
	for _, j := range f.open[id] {
		if j.continues(&step) {
			j.Steps = append(j.Steps, step)
			return
		}
	}
	j := &Journey{Packet: describe(&h), Steps: []Step{step}}
	f.open[id] = append(f.open[id], j)
	f.begun = append(f.begun, &begun{j, id})
}

// continues reports whether a step can be the next one. A packet that runs in circles passes an interface again
// with a lower TTL; a second one of the same identity does not.
func (j *Journey) continues(s *Step) bool {
	for i := range j.Steps {
		if j.Steps[i].place() == s.place() && j.Steps[i].TTL <= s.TTL {
			return false
		}
	}
	return true
}

// identify hashes the payload without what NAT changes.
func (f *follower) identify(h *headers) identity {
	f.scratch = append(f.scratch[:0], h.payload...)
	clear(f.translated(h))
	sum := 0
	switch _, _, ports := h.ports(); {
	case ports && h.protocol == protocolTCP:
		sum = 16
	case ports && h.protocol == protocolUDP:
		sum = 6
	case h.protocol == protocolICMP, h.protocol == protocolICMPv6:
		sum = 2
	}
	if sum > 0 && len(f.scratch) >= sum+2 && !h.later {
		clear(f.scratch[sum : sum+2])
	}
	return identity{h.source.Is6(), h.protocol, h.id, h.length, maphash.Bytes(f.seed, f.scratch)}
}

// translated is the part of the payload with ports, or with the identifier of an echo message.
func (f *follower) translated(h *headers) []byte {
	if _, _, ok := h.ports(); ok {
		return f.scratch[:4]
	}
	if h.echo() {
		return f.scratch[4:6]
	}
	return nil
}

// describe names a packet.
func describe(h *headers) string {
	text := map[uint8]string{
		protocolICMP: "ICMP", protocolICMPv6: "ICMPv6", protocolTCP: "TCP", protocolUDP: "UDP", protocolSCTP: "SCTP",
	}[h.protocol]
	text = cmp.Or(text, "protocol "+strconv.Itoa(int(h.protocol)))
	switch {
	case h.later:
		text += " fragment"
	case h.echo():
		request := h.payload[0] == 8 || h.payload[0] == 128
		text += map[bool]string{true: " echo request", false: " echo reply"}[request] + " seq " + strconv.Itoa(int(binary.BigEndian.Uint16(h.payload[6:])))
	case (h.protocol == protocolICMP || h.protocol == protocolICMPv6) && len(h.payload) >= 2:
		text += " type " + strconv.Itoa(int(h.payload[0])) + " code " + strconv.Itoa(int(h.payload[1]))
	case h.protocol == protocolTCP && len(h.payload) >= 14:
		text += tcpFlags(h.payload[13]) + " seq " + strconv.FormatUint(uint64(binary.BigEndian.Uint32(h.payload[4:])), 10)
	}
	return text + ", " + strconv.Itoa(h.length) + " bytes"
}

func tcpFlags(flags byte) (text string) {
	for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG"} {
		if flags&(1<<i) != 0 {
			text += " " + name
		}
	}
	return text
}

// endWith says that the capture ends now, with packets left out if it was full.
func (f *follower) endWith(full bool) {
	switch {
	case f == nil:
	case full:
		f.cut = time.Now().Add(-journeyTime)
	default:
		f.cut = time.Now().Add(-arrivalTime)
	}
}

// finish ends the journeys that have not gone on for a while before now, and the oldest if there are too many.
// The zero time ends all.
func (f *follower) finish(now time.Time) {
	if f == nil {
		return
	}
	for n, b := range f.begun {
		last := b.Steps[len(b.Steps)-1]
		if !now.IsZero() && now.Sub(last.Time) < journeyTime && len(f.begun)-n <= maxJourneys {
			f.begun = f.begun[n:]
			return
		}
		f.forget(b)
		b.Journey.Ending = f.ending(b.Journey)
		f.each(*b.Journey)
	}
	f.begun = nil
}

func (f *follower) forget(b *begun) {
	left := slices.DeleteFunc(f.open[b.identity], func(j *Journey) bool { return j == b.Journey })
	f.open[b.identity] = left
	if len(left) == 0 {
		delete(f.open, b.identity)
	}
}

// ending is where a journey ends, as far as it is captured.
func (f *follower) ending(j *Journey) string {
	last := &j.Steps[len(j.Steps)-1]
	after := ""
	if len(j.Steps) > 1 {
		after = " after " + last.Time.Sub(j.Steps[0].Time).Round(time.Microsecond).String()
	}
	switch {
	case !last.Outgoing && f.owns(last.Node, last.destination):
		return "arrived at " + last.Node + after
	case !f.cut.IsZero() && last.Time.After(f.cut):
		return "seen last at " + last.Node + ": the capture ended"
	case last.Outgoing:
		return f.left(last)
	case last.destination.IsMulticast() || last.destination == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "seen last at " + last.Node + after
	case !f.capturesMore(last):
		return "came in at " + last.Node + " by " + last.Interface + "; no other interface of " + last.Node + " is captured"
	case last.TTL <= 1:
		return "stopped at " + last.Node + ": its TTL ended there"
	}
	return "stopped at " + last.Node + ": it came in by " + last.Interface + " and did not leave"
}

// left is the ending of a packet whose last step is a way out.
func (f *follower) left(last *Step) string {
	text := last.Node + " sent it by " + last.Interface
	for _, s := range f.sources {
		if s.Node != last.Node {
			continue
		}
		if far, ok := s.Far[last.Interface]; ok {
			if f.captures(far) {
				return "stopped on the link: " + text + ", and it did not come in at " + far.Node
			}
			return text + "; the other end, at " + far.Node + ", is not captured"
		}
	}
	return text
}

func (f *follower) captures(e End) bool {
	return slices.ContainsFunc(f.sources, func(s Source) bool {
		is := s.Interfaces()
		return s.Node == e.Node && (len(is) != 1 || is[0].Name == e.Interface)
	})
}

// capturesMore reports whether another interface of the node is captured.
func (f *follower) capturesMore(last *Step) bool {
	return slices.ContainsFunc(f.sources, func(s Source) bool {
		is := s.Interfaces()
		return s.Node == last.Node && (len(is) != 1 || is[0].Name != last.Interface)
	})
}

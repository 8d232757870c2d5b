// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// ForwardingQuery asks a namespace's kernel what it would do with an ICMP echo request or reply.
type ForwardingQuery struct {
	Namespace   string
	Destination netip.Addr
	// Source is the packet's source; zero lets the kernel choose for packets of its own.
	Source netip.Addr
	// Incoming is the link the packet arrives on; empty for a packet the node sends itself.
	Incoming string
	// Outgoing limits the routes to those over a link, and for IPv6 prefers them; empty for all.
	Outgoing string
	// IsReply says that the packet is an echo reply.
	IsReply bool
	// Unlearned asks for the route in the table, without what the kernel has learnt of the destination.
	Unlearned bool
}

// ForwardingDecision is the kernel's answer.
type ForwardingDecision struct {
	Verdict ForwardingVerdict `json:"verdict"`
	// Link and Via say where a Forward goes; Via is zero for a destination on the link.
	Link string     `json:"link,omitempty"`
	Via  netip.Addr `json:"via,omitzero"`
	// Source is the source address the kernel would choose.
	Source netip.Addr `json:"source,omitzero"`
	// MTU of the path as this node knows it, 0 if it does not say.
	MTU int `json:"mtu,omitempty"`
	// RouteMTU is the MTU that the route in the table has, 0 for none. MTU can come from a message instead.
	RouteMTU int `json:"routeMTU,omitempty"`
	// HopLimit is the TTL that the route gives the node's own packets, 0 if the settings do.
	HopLimit int `json:"hopLimit,omitempty"`
	// Broadcast says that the route is one for broadcasts or multicasts: a ping does not send to such an address.
	Broadcast bool `json:"broadcast,omitempty"`
	// Redirected says that the node has learnt the gateway from an ICMP redirect.
	Redirected bool `json:"redirected,omitempty"`
	// Route is the destination of the matching route and Legs its next hops, sorted, if it has several.
	Route netip.Prefix `json:"-"`
	Legs  []Leg        `json:"-"`
}

// Leg is one next hop of a route that has several.
type Leg struct {
	Link   string
	Via    netip.Addr
	Weight int
	// Dead says that the kernel sends nothing over it, because its link is down.
	Dead bool
}

// SortLegs sorts by link, then gateway. IPv6 lists the leg first that it has found.
func SortLegs(legs []Leg) {
	slices.SortFunc(legs, func(a, b Leg) int { return cmp.Or(cmp.Compare(a.Link, b.Link), a.Via.Compare(b.Via)) })
}

// ForwardingVerdict is what happens to the packet.
type ForwardingVerdict uint8

// The verdicts, with the error by which the kernel reports them (rtnetlink RTM_GETROUTE).
const (
	// Forward: the packet leaves over a link.
	Forward ForwardingVerdict = iota
	// DeliverLocally: the packet is for this node.
	DeliverLocally
	// NoRoute: no route matches (ENETUNREACH).
	NoRoute
	// NotForwarded: the node does not forward, or an unreachable route matches (EHOSTUNREACH).
	NotForwarded
	// Discarded: a blackhole route matches (EINVAL).
	Discarded
	// Prohibited: a prohibit route matches (EACCES).
	Prohibited
	// Filtered: reverse-path filtering refuses the source (EXDEV; newer kernels say EINVAL, and
	// a look-up without the incoming link tells it from a blackhole).
	Filtered
)

// verdictNames are how verdicts are written in JSON, in their order.
var verdictNames = []string{"Forward", "DeliverLocally", "NoRoute", "NotForwarded", "Discarded", "Prohibited", "Filtered"}

// String is the verdict's name.
func (v ForwardingVerdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("ForwardingVerdict(%d)", uint8(v))
}

// MarshalText writes the verdict's name.
func (v ForwardingVerdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *ForwardingVerdict) UnmarshalText(text []byte) error {
	i := slices.Index(verdictNames, string(text))
	if i < 0 {
		return fmt.Errorf("%q is no forwarding verdict", text)
	}
	*v = ForwardingVerdict(i)
	return nil
}

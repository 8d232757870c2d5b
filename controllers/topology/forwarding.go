// SPDX-License-Identifier: Apache-2.0

package topology

import "net/netip"

// ForwardingQuery asks a namespace's kernel what it would do with a packet.
type ForwardingQuery struct {
	Namespace   string
	Destination netip.Addr
	// Source is the packet's source; zero lets the kernel choose for packets of its own.
	Source netip.Addr
	// Incoming is the link the packet arrives on; empty for a packet the node sends itself.
	Incoming string
}

// ForwardingDecision is the kernel's answer.
type ForwardingDecision struct {
	Verdict ForwardingVerdict
	// Link and Via say where a Forward goes; Via is zero for a destination on the link.
	Link string
	Via  netip.Addr
	// Source is the source address the kernel would choose.
	Source netip.Addr
	// MTU of the path as this node knows it, 0 if it does not say.
	MTU int
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

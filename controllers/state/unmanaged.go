// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"net/netip"
)

// Unmanaged is an object in a lab's network namespace that NetLab did not create and that decides about
// packets: a policy rule, a permanent neighbour entry, a packet filter. NetLab leaves it alone.
type Unmanaged struct {
	// What it is: "policy rule 100: from 10.1.0.0/24 prohibit".
	What string
	// Look is a command that shows it.
	Look string
	// Undo is the command that removes it; empty where no command is sure to be right.
	Undo string
	// OnlyFor is 4 or 6 if it is for packets of that family alone.
	OnlyFor int
	// Frames says that it sees every frame that an interface receives, and may send one back.
	Frames bool
	// At most one of these is set, and says it in detail.
	Rule      PolicyRule
	Route     UnmanagedRoute
	Neighbour NeighbourEntry
	Setting   UnmanagedSetting
	NAT       NAT
	MACEntry  MACEntry
}

// Concerns reports whether an object can decide about packets of an address's family.
func (u Unmanaged) Concerns(a netip.Addr) bool {
	if u.Rule.Action != "" && u.Rule.IPv6 != a.Is6() {
		return false
	}
	return u.OnlyFor == 0 || (u.OnlyFor == 6) == a.Is6()
}

// NAT is where packets have their addresses translated.
type NAT struct {
	IPv4, IPv6 bool
	// Before says that destinations are translated before the route of packets from others is looked up
	// (prerouting), and Sent that those of the node's own are (output).
	Before, Sent bool
	// Delivered says that sources of packets for the node are translated (input), and After that those of
	// packets that leave are (postrouting).
	Delivered, After bool
}

// AddressPair is a packet's source and destination.
type AddressPair struct{ Source, Destination netip.Addr }

// Reversed is the pair of a reply.
func (p AddressPair) Reversed() AddressPair { return AddressPair{p.Destination, p.Source} }

// Translation is what a node has made of the addresses of a request.
type Translation struct{ Original, Translated AddressPair }

// Of translates a packet, and reports whether it is the request or its reply.
func (t Translation) Of(p AddressPair, isReply bool) (AddressPair, bool) {
	if isReply {
		return t.Original.Reversed(), t.Translated.Reversed() == p
	}
	return t.Translated, t.Original.Destination == p.Destination && (!p.Source.IsValid() || t.Original.Source == p.Source)
}

// Translates reports whether there is NAT for packets with an address of that family.
func (n NAT) Translates(like netip.Addr) bool { return n.IPv4 && like.Is4() || n.IPv6 && like.Is6() }

// PolicyRule is a policy rule. Unmanaged lists those that are not the kernel's own, and the kernel's own that
// are missing.
type PolicyRule struct {
	Priority uint32
	// IPv6 says whose rule it is: each family has its own.
	IPv6 bool
	// Action is as ip rule writes it: "prohibit", "lookup 100". It is empty for what is no rule.
	Action string
	// Table is where a lookup goes on, Target the priority of the rule that a goto goes on with; 0 for neither.
	Table, Target uint32
	// SuppressedBits is 1 more than the length up to which prefixes found in Table do not count; 0 without a limit.
	SuppressedBits int
	// From, To, Incoming and Outgoing are the packets it is for; their zero values say all. Inverted says all others.
	// Only packets that were sent over a link have an outgoing one before the lookup.
	From, To           netip.Prefix
	Incoming, Outgoing string
	Inverted           bool
	// OtherPackets says that it is only for packets that no ping is: another protocol, a TOS, a mark.
	OtherPackets bool
	// Marked says that it is for packets with a mark, which a packet filter may set.
	Marked bool
	// Missing says that the kernel's own is gone.
	Missing bool
}

// MainRule is the priority of the kernel's rule for the main table.
const MainRule = 32766

// Matches reports whether a rule is for a packet (fib_rule_match). A source that is still to be chosen matches
// no prefix. What a node sends itself comes in on its loopback.
func (r PolicyRule) Matches(q ForwardingQuery) bool {
	if r.Action == "" || r.Missing {
		return false
	}
	incoming := cmp.Or(q.Incoming, Loopback)
	is := !r.OtherPackets && (r.Outgoing == "" || r.Outgoing == q.Outgoing) && (r.Incoming == "" || r.Incoming == incoming) && includes(r.From, q.Source) && includes(r.To, q.Destination)
	return is != r.Inverted
}

func includes(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || a.IsValid() && p.Contains(a) }

// verdict is what a rule's action makes of packets without a route.
func (r PolicyRule) verdict() (v ForwardingVerdict, rejects bool) {
	v, rejects = map[string]ForwardingVerdict{"blackhole": Discarded, "unreachable": NoRoute, "prohibit": Prohibited}[r.Action]
	return v, rejects
}

// UnmanagedRoute is a route in the main table, or a local one in any table, that NetLab did not create.
type UnmanagedRoute struct {
	// Type is as ip route writes it: "unicast", "blackhole", "throw", "local".
	Type   string
	Prefix netip.Prefix
	Metric uint32
	// Encapsulates says that packets leave with another header in front, so that no lookup tells where they go.
	Encapsulates bool
}

// NeighbourEntry says which Ethernet address a neighbour has, or that the node answers for an address.
type NeighbourEntry struct {
	Link    string
	Address netip.Addr
	MAC     MAC
	// Permanent says that the kernel does not replace it by itself.
	Permanent bool
	// Proxy says that the node answers for the address, which is elsewhere. Such an entry has no MAC.
	Proxy bool
}

// UnmanagedSetting is a setting that no lab can have.
type UnmanagedSetting struct {
	Name, Value string
	// Link is whose setting it is; empty for one of the namespace.
	Link string
}

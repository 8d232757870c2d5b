// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
)

// LinkGroup is the link group of every interface NetLab makes. It goes into the message
// that creates the interface, so there is no moment at which one of ours is unmarked.
const LinkGroup = 0x4e4c

// RouteProtocol is the routing protocol number of every route NetLab installs.
const RouteProtocol = 78

// Loopback is the interface every network namespace is born with.
const Loopback = "lo"

// LoopbackMTU is the MTU lo is born with.
const LoopbackMTU = 65536

// DefaultIPv6Metric is what the kernel makes of an IPv6 route without a metric.
const DefaultIPv6Metric = 1024

// PrefixMetric6 is what the kernel gives an IPv6 route that it makes with an address.
const PrefixMetric6 = 256

// MinIPv6MTU is the smallest MTU with which a link can have IPv6 (RFC 8200, section 5).
const MinIPv6MTU = 1280

// State is what the kernel holds, or should hold, for one lab on one machine: its network namespaces
// by the names of their files, such as "default.routed-pair.ns1". The nil State is an empty machine. A
// namespace that is not there reads as the zero Namespace.
type State map[string]Namespace

// Namespace is a network namespace and what is in it. Tables of the zero Namespace can be read;
// NewNamespace makes one whose tables can be written to.
type Namespace struct {
	// Mark is the alias of its lo, which says whose it is.
	Mark string
	// Mounted is false when only the file is left: after an unmount or a crash.
	Mounted bool
	// Symlink says whether ip netns finds it by its name.
	Symlink bool
	// Settings are the namespace's own; a link's are in its row.
	Settings NamespaceSettings

	// Links, Bridges and Qdiscs are by the name of the interface.
	Links     map[string]Link
	Addresses map[AddressKey]Address
	Routes    map[RouteKey]Route
	Bridges   map[string]Bridge
	PortVLANs map[PortVLANKey]PortVLAN
	Qdiscs    map[string]Qdisc
	// AttributeDrift has the attributes that are not as the kernel makes them, with the value they
	// have instead. No lab asks for any.
	AttributeDrift map[AttributeKey]string
}

// LinkID names an interface.
type LinkID struct {
	Namespace string
	Name      string
}

// LinkKind is what an interface is.
type LinkKind uint8

// The kinds of interface that a lab can hold.
const (
	// VethLink is one end of a pair, or lo.
	VethLink LinkKind = iota
	// BridgeLink is a switch's bridge; its attributes are in State.Bridges.
	BridgeLink
	// VLANLink is the interface for one VLAN of its parent.
	VLANLink
	// OtherLink is any kind that a lab never asks for.
	OtherLink
)

// Link is an interface.
type Link struct {
	Kind LinkKind
	// Peer is a veth's other end; zero for an end whose other end left the lab.
	Peer LinkID
	// Parent and VLAN say what a VLANLink is on and for.
	Parent string
	VLAN   uint16
	// MAC is zero for lo.
	MAC MAC
	MTU int
	// Group is LinkGroup, and 0 for lo.
	Group uint32
	// Master is the interface this one is enslaved to.
	Master string
	// Up is the administrative state, not the carrier.
	Up       bool
	Settings LinkSettings
}

// attach is what makes an interface the one it is: to change it is to make it anew.
func (l Link) attach() Link { return Link{Kind: l.Kind, Peer: l.Peer, Parent: l.Parent, VLAN: l.VLAN} }

// attachment is attach for the dump.
func (l Link) attachment() string {
	switch l.Kind {
	case BridgeLink:
		return "bridge "
	case VLANLink:
		return fmt.Sprintf("vlan=%s/%d ", l.Parent, l.VLAN)
	case OtherLink:
		return "other "
	case VethLink:
	}
	return fmt.Sprintf("peer=%s/%s ", l.Peer.Namespace, l.Peer.Name)
}

// MAC is an Ethernet address.
type MAC [6]byte

func (m MAC) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

// AddressKey names an address within a namespace; the prefix keeps its host bits.
type AddressKey struct {
	Link   string
	Prefix netip.Prefix
}

func (k AddressKey) compare(o AddressKey) int {
	return cmp.Or(cmp.Compare(k.Link, o.Link), ComparePrefixes(k.Prefix, o.Prefix))
}

// AddressID names an address on a machine.
type AddressID struct {
	Namespace string
	AddressKey
}

func (id AddressID) link() LinkID { return LinkID{id.Namespace, id.Link} }

// Address is how an interface has an address. A wanted one has nothing but its place.
type Address struct {
	// Order is where an IPv4 address stands in its interface's list: 0 is the primary one. The
	// kernel keeps primaries before secondaries. IPv6 addresses all have 0: their choice as a source
	// follows RFC 6724, not their order.
	Order int
	// Altered says what somebody gave the address beside itself.
	Altered Alteration
	// Unrouted says that the route to the address's network, which the kernel made with it, is gone.
	Unrouted bool
}

// Alteration is how an address differs from one that is only added.
type Alteration uint8

// The alterations, by what undoes them.
const (
	// Unaltered is an address that lasts for ever and has no other attributes.
	Unaltered Alteration = iota
	// AlteredInPlace has a lifetime or a metric, or for IPv6 a flag: adding it again takes them off.
	AlteredInPlace
	// AlteredForGood has a peer, scope or broadcast address, or for IPv4 a flag, that only a new
	// address is without, or lacks the route to itself, which only a new IPv4 address has again.
	AlteredForGood
)

var alterationTexts = [...]string{"", " altered", " altered for good"}

// String is for the dump.
func (a Address) String() string {
	text := fmt.Sprintf("order=%d%s", a.Order, alterationTexts[a.Altered])
	if a.Unrouted {
		text += " unrouted"
	}
	return text
}

// RouteKey names a route of a namespace's main table: the kernel keeps one per destination and metric.
type RouteKey struct {
	Prefix netip.Prefix
	Metric uint32
}

func (k RouteKey) compare(o RouteKey) int {
	return cmp.Or(ComparePrefixes(k.Prefix, o.Prefix), cmp.Compare(k.Metric, o.Metric))
}

// RouteID names a route on a machine.
type RouteID struct {
	Namespace string
	RouteKey
}

// RouteType is what the kernel does with a packet that matches.
type RouteType uint8

// The route types of rtnetlink(7) that a lab can hold.
const (
	Unicast RouteType = iota
	Blackhole
	Unreachable
	Prohibit
	// OtherType is any type that a lab never asks for.
	OtherType
)

var routeTypeNames = [...]string{"", "blackhole", "unreachable", "prohibit", "other"}

// String is how ip route writes the type; empty for unicast.
func (t RouteType) String() string { return routeTypeNames[t] }

// MaxNextHops is how many legs a route of a lab can have.
const MaxNextHops = 4

// Route is where packets for a destination go.
type Route struct {
	Type RouteType
	// Source is the preferred source address; the zero Addr where the kernel chooses.
	Source netip.Addr
	// Hops are in canonical order (see SortHops); unused places are zero.
	Hops [MaxNextHops]NextHop
	// MoreHops counts legs beyond MaxNextHops, which only somebody else can have added.
	MoreHops int
	// Protocol is RouteProtocol for ours.
	Protocol uint8
}

// NextHop is one leg of a route.
type NextHop struct {
	Link string
	// Via is the gateway; the zero Addr for a destination on the link itself. An IPv6 one
	// under an IPv4 destination is legal (RFC 8950).
	Via netip.Addr
	// Weight is 1 unless the leg gets more than its share.
	Weight int
	// OnLink says that the gateway is on the link though no prefix of the interface says so.
	OnLink bool
}

// NextHops returns the legs in use.
func (r Route) NextHops() []NextHop {
	for i, h := range r.Hops {
		if h == (NextHop{}) {
			return r.Hops[:i]
		}
	}
	return r.Hops[:]
}

// SortHops returns at most MaxNextHops legs in canonical order: by link, then gateway, then weight.
func SortHops(hops []NextHop) (sorted [MaxNextHops]NextHop, more int) {
	ordered := slices.SortedFunc(slices.Values(hops), func(a, b NextHop) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), a.Via.Compare(b.Via), cmp.Compare(a.Weight, b.Weight))
	})
	n := copy(sorted[:], ordered)
	return sorted, len(ordered) - n
}

func (r Route) onLink(link string) bool {
	return slices.ContainsFunc(r.NextHops(), func(h NextHop) bool { return h.Link == link })
}

// Bridge is what a switch's bridge does beside being an interface.
type Bridge struct {
	// STP is the kernel's spanning tree protocol (IEEE 802.1D).
	STP bool
	// ForwardDelay is how long a port listens and learns before it forwards, in 1/100 s.
	ForwardDelay uint32
	// VLANFiltering makes ports members of VLANs.
	VLANFiltering bool
	// DefaultVLAN is the VLAN that new ports are in by themselves; 0 for none.
	DefaultVLAN uint16
}

// PortVLANKey names the membership of a bridge's port, or of the bridge itself, in a VLAN.
type PortVLANKey struct {
	Link string
	VLAN uint16
}

func (k PortVLANKey) compare(o PortVLANKey) int {
	return cmp.Or(cmp.Compare(k.Link, o.Link), cmp.Compare(k.VLAN, o.VLAN))
}

// PortVLANID names a membership on a machine.
type PortVLANID struct {
	Namespace string
	PortVLANKey
}

// PortVLAN is how a port is in a VLAN.
type PortVLAN struct {
	// PVID says that untagged frames that come in belong to the VLAN.
	PVID bool
	// Untagged says that frames of the VLAN go out without a tag.
	Untagged bool
}

// IsLinkLocal reports whether an address is an IPv6 link-local one, which means something on its
// link only. IPv4's (169.254.0.0/16) are addresses like any other to the kernel and to a lab.
func IsLinkLocal(a netip.Addr) bool { return a.Is6() && a.IsLinkLocalUnicast() }

func ComparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// Link is the row of a link in whichever namespace it is.
func (s State) Link(id LinkID) (link Link, there bool) {
	link, there = s[id.Namespace].Links[id.Name]
	return link, there
}

// Links yields the links of all namespaces, in no order.
func (s State) Links() iter.Seq2[LinkID, Link] {
	return func(yield func(LinkID, Link) bool) {
		for namespace, n := range s {
			for name, link := range n.Links {
				if !yield(LinkID{namespace, name}, link) {
					return
				}
			}
		}
	}
}

// Addresses yields the addresses of all namespaces, in no order.
func (s State) Addresses() iter.Seq2[AddressID, Address] {
	return func(yield func(AddressID, Address) bool) {
		for namespace, n := range s {
			for key, address := range n.Addresses {
				if !yield(AddressID{namespace, key}, address) {
					return
				}
			}
		}
	}
}

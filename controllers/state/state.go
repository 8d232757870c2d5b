// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
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

// State is what the kernel holds, or should hold, for one lab on one machine.
// The zero State is an empty machine; use NewState to fill one.
type State struct {
	Namespaces map[string]Namespace
	Links      map[LinkID]Link
	Addresses  map[AddressID]Address
	Routes     map[RouteID]Route
	Sysctls    map[SysctlID]string
	Bridges    map[LinkID]Bridge
	PortVLANs  map[PortVLANID]PortVLAN
	Qdiscs     map[LinkID]Qdisc
	// Overrides are attributes that are not as an interface is born with them, with the value they have
	// instead. No lab asks for any.
	Overrides map[OverrideID]string
}

// NewState returns an empty State whose tables can be written to.
func NewState() State {
	return State{
		Namespaces: map[string]Namespace{},
		Links:      map[LinkID]Link{},
		Addresses:  map[AddressID]Address{},
		Routes:     map[RouteID]Route{},
		Sysctls:    map[SysctlID]string{},
		Bridges:    map[LinkID]Bridge{},
		PortVLANs:  map[PortVLANID]PortVLAN{},
		Qdiscs:     map[LinkID]Qdisc{},
		Overrides:  map[OverrideID]string{},
	}
}

// Namespace is a network namespace, keyed by the name of its file: "default.routed-pair.ns1".
type Namespace struct {
	// Mark is the alias of its lo, which says whose it is.
	Mark string
	// Mounted is false when only the file is left: after an unmount or a crash.
	Mounted bool
	// Symlink says whether ip netns finds it by its name.
	Symlink bool
}

// LinkID names an interface.
type LinkID struct {
	Namespace string
	Name      string
}

func (id LinkID) compare(o LinkID) int {
	return cmp.Or(cmp.Compare(id.Namespace, o.Namespace), cmp.Compare(id.Name, o.Name))
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
	Up bool
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

// AddressID names an address on an interface; the prefix keeps its host bits.
type AddressID struct {
	Namespace string
	Link      string
	Prefix    netip.Prefix
}

func (id AddressID) compare(o AddressID) int {
	return cmp.Or(cmp.Compare(id.Namespace, o.Namespace), cmp.Compare(id.Link, o.Link), ComparePrefixes(id.Prefix, o.Prefix))
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

// RouteID names a route of the main table: the kernel keeps one per destination and metric.
type RouteID struct {
	Namespace string
	Prefix    netip.Prefix
	Metric    uint32
}

func (id RouteID) compare(o RouteID) int {
	return cmp.Or(cmp.Compare(id.Namespace, o.Namespace), ComparePrefixes(id.Prefix, o.Prefix), cmp.Compare(id.Metric, o.Metric))
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

// SysctlID names a kernel setting in a namespace, as sysctl(8) writes it.
type SysctlID struct {
	Namespace string
	Name      string
}

func (id SysctlID) compare(o SysctlID) int {
	return cmp.Or(cmp.Compare(id.Namespace, o.Namespace), cmp.Compare(id.Name, o.Name))
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

// PortVLANID names the membership of a bridge's port, or of the bridge itself, in a VLAN.
type PortVLANID struct {
	Namespace string
	Link      string
	VLAN      uint16
}

func (id PortVLANID) compare(o PortVLANID) int {
	return cmp.Or(cmp.Compare(id.Namespace, o.Namespace), cmp.Compare(id.Link, o.Link), cmp.Compare(id.VLAN, o.VLAN))
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

// Clone returns a copy that shares nothing with s.
func (s State) Clone() State {
	c := NewState()
	maps.Copy(c.Namespaces, s.Namespaces)
	maps.Copy(c.Links, s.Links)
	maps.Copy(c.Addresses, s.Addresses)
	maps.Copy(c.Routes, s.Routes)
	maps.Copy(c.Sysctls, s.Sysctls)
	maps.Copy(c.Bridges, s.Bridges)
	maps.Copy(c.PortVLANs, s.PortVLANs)
	maps.Copy(c.Qdiscs, s.Qdiscs)
	maps.Copy(c.Overrides, s.Overrides)
	return c
}

// Equal reports whether both hold the same rows.
func (s State) Equal(o State) bool {
	return maps.Equal(s.Namespaces, o.Namespaces) && maps.Equal(s.Links, o.Links) &&
		maps.Equal(s.Addresses, o.Addresses) && maps.Equal(s.Routes, o.Routes) && maps.Equal(s.Sysctls, o.Sysctls) &&
		maps.Equal(s.Bridges, o.Bridges) && maps.Equal(s.PortVLANs, o.PortVLANs) && maps.Equal(s.Qdiscs, o.Qdiscs) &&
		maps.Equal(s.Overrides, o.Overrides)
}

// With returns what the kernel would hold after op.
func (s State) With(op Op) State {
	m := split(s)
	op.apply(m)
	return m.join()
}

// String is the canonical dump: one sorted line per row. Two States are equal exactly
// when their dumps are.
func (s State) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Namespaces)) {
		fmt.Fprintf(&b, "namespace %s %+v\n", name, s.Namespaces[name])
	}
	for _, id := range sortedKeys(s.Links, LinkID.compare) {
		l := s.Links[id]
		fmt.Fprintf(&b, "link %s %s %smac=%s mtu=%d group=%d master=%q up=%t\n",
			id.Namespace, id.Name, l.attachment(), l.MAC, l.MTU, l.Group, l.Master, l.Up)
	}
	for _, id := range sortedKeys(s.Bridges, LinkID.compare) {
		fmt.Fprintf(&b, "bridge %s %s %s\n", id.Namespace, id.Name, s.Bridges[id])
	}
	for _, id := range sortedKeys(s.PortVLANs, PortVLANID.compare) {
		fmt.Fprintf(&b, "vlan %s %s %d%s\n", id.Namespace, id.Link, id.VLAN, s.PortVLANs[id])
	}
	for _, id := range sortedKeys(s.Qdiscs, LinkID.compare) {
		fmt.Fprintf(&b, "qdisc %s %s %s%s\n", id.Namespace, id.Name, s.Qdiscs[id], s.Qdiscs[id].below())
	}
	for _, id := range sortedKeys(s.Overrides, OverrideID.compare) {
		fmt.Fprintf(&b, "override %s %s %s=%s\n", id.Namespace, id.Link, id.Attribute, s.Overrides[id])
	}
	for _, id := range sortedKeys(s.Addresses, AddressID.compare) {
		fmt.Fprintf(&b, "address %s %s %s %s\n", id.Namespace, id.Link, id.Prefix, s.Addresses[id])
	}
	for _, id := range sortedKeys(s.Routes, RouteID.compare) {
		fmt.Fprintf(&b, "route %s %s more=%d\n", id.Namespace, routeText(id, s.Routes[id]), s.Routes[id].MoreHops)
	}
	for _, id := range sortedKeys(s.Sysctls, SysctlID.compare) {
		fmt.Fprintf(&b, "sysctl %s %s=%s\n", id.Namespace, id.Name, s.Sysctls[id])
	}
	return b.String()
}

func sortedKeys[K comparable, V any](table map[K]V, compare func(a, b K) int) []K {
	keys := slices.AppendSeq(make([]K, 0, len(table)), maps.Keys(table))
	slices.SortFunc(keys, compare)
	return keys
}

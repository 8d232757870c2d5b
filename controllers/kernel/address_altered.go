// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// infiniteLifetime is INFINITY_LIFE_TIME.
const infiniteLifetime = 0xffffffff

// flagsByHand are those of an address that only somebody can have set. What a name says of them, or
// whose protocol an address is, changes nothing for packets, and is not looked at.
const flagsByHand = unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR

// altered says what somebody gave the address beside itself. When an address is added again, the kernel sets
// its lifetimes to what the message says, IPv4's metric, and IPv6's flags (inet_rtm_newaddr, inet6_addr_modify).
func (a rawAddress) altered() state.AddressDrift {
	if a.network != a.prefix.Addr() {
		return state.DriftForGood
	}
	flags, passing := a.flags&flagsByHand != 0, a.expires || a.flags&unix.IFA_F_DEPRECATED != 0
	forGood, inPlace := flags || a.scope != addressScope(a.prefix.Addr()) || !a.usualBroadcast(), passing || a.metric != 0
	if a.prefix.Addr().Is6() {
		forGood, inPlace = a.metric != 0 && a.metric != state.PrefixMetric6, passing || flags
	}
	switch {
	case forGood:
		return state.DriftForGood
	case inPlace:
		return state.DriftInPlace
	}
	return state.NoDrift
}

// altered is what was altered of the address or with it. An IPv4 address without the route to itself, which the
// kernel makes in the same breath (fib_add_ifaddr), is one that packets are not taken for; only a new one has that
// route again. IPv6's is made a while after its address, so that a missing one says nothing.
func (snap *snapshot) altered(l rawLink, a rawAddress) state.AddressDrift {
	if a.prefix.Addr().Is4() && l.up && !snap.local[a.prefix.Addr()] {
		return state.DriftForGood
	}
	return a.altered()
}

// usualBroadcast reports whether the address has the broadcast address of its network, or none, which
// is the same: the kernel knows that one by itself.
func (a rawAddress) usualBroadcast() bool {
	return !a.broadcast.IsValid() || a.broadcast == lastAddress(a.prefix)
}

// lastAddress is the last of an IPv4 network.
func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Addr().As4()
	last := binary.BigEndian.Uint32(bytes[:]) | uint32(uint64(1)<<(32-p.Bits())-1)
	binary.BigEndian.PutUint32(bytes[:], last)
	return netip.AddrFrom4(bytes)
}

// prefixRoute is a route that the kernel makes with an address.
type prefixRoute struct {
	prefix netip.Prefix
	index  int
}

// prefixRoutes are those of a namespace that are as the kernel makes them. IPv4's go out from the address.
func (snap *snapshot) prefixRoutes() map[prefixRoute]netip.Addr {
	routes := make(map[prefixRoute]netip.Addr, len(snap.addresses))
	for _, r := range snap.routes {
		if r.protocol != unix.RTPROT_KERNEL || r.extra || r.kind != state.Unicast || len(r.nextHops) != 1 || r.nextHops[0].via.IsValid() {
			continue
		}
		if _, covered := routes[prefixRoute{r.prefix, r.nextHops[0].index}]; !covered {
			routes[prefixRoute{r.prefix, r.nextHops[0].index}] = r.source
		}
	}
	return routes
}

// unrouted reports whether an address lacks the route that the kernel made with it. Where a lab wants another
// route in that place, it has that one.
func (o *observer) unrouted(snap *snapshot, l rawLink, a rawAddress, routes map[prefixRoute]netip.Addr) bool {
	network := a.prefix.Masked()
	source, there := routes[prefixRoute{network, l.index}]
	if there && (a.prefix.Addr().Is6() || source == a.prefix.Addr()) || !a.routed(l) {
		return false
	}
	key := state.RouteKey{Prefix: network, Metric: a.metric}
	if a.prefix.Addr().Is6() {
		key.Metric = state.PrefixMetric6
	}
	_, instead := o.want[snap.handle.name].Routes[key]
	return !instead
}

// routed reports whether the kernel makes a route with an address (fib_add_ifaddr, inet6_addr_add). After a link
// was down, IPv6 makes it again only when the carrier is back.
func (a rawAddress) routed(l rawLink) bool {
	if l.loopback || !l.up || a.flags&unix.IFA_F_NOPREFIXROUTE != 0 || a.network != a.prefix.Addr() {
		return false
	}
	if a.prefix.Addr().Is6() {
		return l.carrier && !l.linkwatchPending()
	}
	return a.prefix.Bits() < 32 && a.flags&unix.IFA_F_SECONDARY == 0
}

// addPrefixRoute puts the route in front of others.
func (s *session) addPrefixRoute(op state.AddPrefixRoute) error {
	h, index, err := s.find(state.LinkID{Namespace: op.Namespace, Name: op.Link})
	if err != nil {
		return err
	}
	id := state.RouteID{Namespace: op.Namespace, RouteKey: state.RouteKey{Prefix: op.Prefix.Masked()}}
	if op.Prefix.Addr().Is6() {
		id.Metric = state.PrefixMetric6
	}
	header := routeHeader(id)
	header.Protocol = unix.RTPROT_KERNEL
	request := append([]nl.NetlinkRequestData{header, rtnl.Uint32Attribute(unix.RTA_OIF, uint32(index))}, destinationAttributes(id)...)
	if op.Prefix.Addr().Is4() {
		header.Scope = unix.RT_SCOPE_LINK
		request = append(request, nl.NewRtAttr(unix.RTA_PREFSRC, op.Prefix.Addr().AsSlice()))
	}
	err = h.conn.Send(unix.RTM_NEWROUTE, unix.NLM_F_CREATE, request...)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// protocolRA is the protocol of routes the kernel learns from router advertisements.
const protocolRA = unix.RTPROT_RA

// nextHopID is RTA_NH_ID of linux/rtnetlink.h, a next hop that is an object of its own.
const nextHopID = 30

// cacheExpires is where struct rta_cacheinfo says when an IPv6 route goes by itself.
const cacheExpires = 8

// sizeofNextHop is struct rtnexthop without its attributes.
const sizeofNextHop = unix.SizeofRtNexthop

// rawRoute is a route of the main table as a namespace's kernel describes it.
type rawRoute struct {
	prefix   netip.Prefix
	metric   uint32
	tos      uint8
	protocol uint8
	kind     state.RouteType
	// throws says that the look-up goes on with the next table, as if there were no route here.
	throws   bool
	source   netip.Addr
	nextHops []rawNextHop
	// from says that it is only for packets from some addresses.
	from bool
	// object says that its next hop is an object of its own.
	object bool
	// extra says that it carries something no lab asks for: metrics, an encapsulation, a realm, an end.
	extra bool
	// encapsulates says that packets leave with another header in front.
	encapsulates bool
	// mtu is one of its metrics; 0 for none.
	mtu int
}

type rawNextHop struct {
	index  int
	via    netip.Addr
	weight int
	onLink bool
	// dead says that its link is down, so that no packet takes it.
	dead bool
}

var routeTypes = map[uint8]state.RouteType{
	unix.RTN_UNICAST:     state.Unicast,
	unix.RTN_BLACKHOLE:   state.Blackhole,
	unix.RTN_UNREACHABLE: state.Unreachable,
	unix.RTN_PROHIBIT:    state.Prohibit,
}

// routes lists the routes of a namespace's main table, and the IPv4 addresses that its local table takes for
// its own. IPv4's tables are asked for all at once, which costs no request more.
func (c *conn) routes() (all []rawRoute, local map[netip.Addr]bool, err error) {
	local = map[netip.Addr]bool{}
	err = c.Get(unix.RTM_GETROUTE, unix.NLM_F_DUMP, func(msg []byte) error {
		header, err := routeHeaderOf(msg)
		if err != nil {
			return err
		}
		switch {
		case header.Table == unix.RT_TABLE_MAIN:
			r, err := parseRoute(msg)
			all = append(all, r)
			return err
		case header.Table == unix.RT_TABLE_LOCAL && header.Type == unix.RTN_LOCAL && header.Dst_len == 32:
			return rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
				if kind == unix.RTA_DST {
					local[rtnl.Addr(value)] = true
				}
				return nil
			})
		}
		return nil
	}, &nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, nil, err
	}
	routes6, err := c.routesOf(unix.AF_INET6)
	return append(all, routes6...), local, err
}

func routeHeaderOf(msg []byte) (*unix.RtMsg, error) {
	if len(msg) < unix.SizeofRtMsg {
		return nil, errors.New("truncated route message")
	}
	return &nl.DeserializeRtMsg(msg).RtMsg, nil
}

func (c *conn) routesOf(family uint8) ([]rawRoute, error) {
	var routes []rawRoute
	request := &nl.RtMsg{RtMsg: unix.RtMsg{Family: family, Table: unix.RT_TABLE_MAIN}}
	err := c.Get(unix.RTM_GETROUTE, unix.NLM_F_DUMP, func(msg []byte) error {
		r, err := parseRoute(msg)
		if r.prefix.Addr().Is4() == (family == unix.AF_INET) {
			routes = append(routes, r)
		}
		return err
	}, request, rtnl.Uint32Attribute(unix.RTA_TABLE, unix.RT_TABLE_MAIN))
	// The kernel makes the table with its first route. Without IPv6 nobody answers for it, or,
	// where it is disabled, those of all families do.
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	return routes, err
}

func parseRoute(msg []byte) (rawRoute, error) {
	header, err := routeHeaderOf(msg)
	if err != nil {
		return rawRoute{}, err
	}
	kind, ok := routeTypes[header.Type]
	if !ok {
		kind = state.OtherType
	}
	r := rawRoute{tos: header.Tos, protocol: header.Protocol, kind: kind, throws: header.Type == unix.RTN_THROW}
	destination := netip.IPv4Unspecified()
	if header.Family == unix.AF_INET6 {
		destination = netip.IPv6Unspecified()
	}
	single := rawNextHop{weight: 1, onLink: header.Flags&unix.RTNH_F_ONLINK != 0}
	err = rtnl.Attributes(msg[unix.SizeofRtMsg:], func(kind uint16, value []byte) error {
		if kind == unix.RTA_DST {
			destination = rtnl.Addr(value)
			return nil
		}
		return r.set(kind, value, &single)
	})
	r.prefix, r.from = netip.PrefixFrom(destination, int(header.Dst_len)), header.Src_len != 0
	if single.index != 0 && len(r.nextHops) == 0 {
		r.nextHops = []rawNextHop{single}
	}
	if kind != state.Unicast && kind != state.OtherType {
		r.nextHops = nil // IPv6 shows lo, IPv4 nothing
	}
	r.extra = r.extra || header.Scope != r.usualScope()
	return r, err
}

// usualScope is what ip route gives such a route.
func (r *rawRoute) usualScope() uint8 {
	if r.prefix.Addr().Is4() && r.kind == state.Unicast && len(r.nextHops) == 1 && !r.nextHops[0].via.IsValid() {
		return unix.RT_SCOPE_LINK
	}
	return unix.RT_SCOPE_UNIVERSE
}

func (r *rawRoute) set(kind uint16, value []byte, single *rawNextHop) error {
	switch kind {
	case unix.RTA_PRIORITY:
		r.metric = rtnl.Uint32(value)
	case unix.RTA_PREFSRC:
		r.source = rtnl.Addr(value)
	case unix.RTA_MULTIPATH:
		return r.setNextHops(value)
	case nextHopID:
		r.extra, r.object = true, true
	case unix.RTA_METRICS:
		r.extra = true
		return rtnl.Attributes(value, func(kind uint16, value []byte) error {
			if kind == unix.RTAX_MTU {
				r.mtu = int(rtnl.Uint32(value))
			}
			return nil
		})
	case unix.RTA_ENCAP, unix.RTA_FLOW, unix.RTA_NEWDST:
		r.extra, r.encapsulates = true, r.encapsulates || kind == unix.RTA_ENCAP
	case unix.RTA_PREF: // of routers, low and high beside medium
		r.extra = r.extra || !bytes.Equal(value, []byte{0})
	case unix.RTA_CACHEINFO:
		r.extra = r.extra || rtnl.Uint32(value[min(cacheExpires, len(value)):]) != 0
	default:
		single.set(kind, value)
	}
	return nil
}

func (h *rawNextHop) set(kind uint16, value []byte) {
	switch kind {
	case unix.RTA_OIF:
		h.index = int(rtnl.Uint32(value))
	case unix.RTA_GATEWAY:
		h.via = rtnl.Addr(value)
	case unix.RTA_VIA:
		h.via = addressVia(value)
	}
}

// setNextHops reads struct rtnexthop after struct rtnexthop, each with attributes of its own.
func (r *rawRoute) setNextHops(b []byte) error {
	for len(b) >= sizeofNextHop {
		length := int(binary.NativeEndian.Uint16(b))
		if length < sizeofNextHop || length > len(b) {
			return errors.New("truncated next hop")
		}
		hop := rawNextHop{index: int(binary.NativeEndian.Uint32(b[4:])), weight: int(b[3]) + 1, onLink: b[2]&unix.RTNH_F_ONLINK != 0, dead: b[2]&unix.RTNH_F_DEAD != 0}
		err := rtnl.Attributes(b[sizeofNextHop:length], func(kind uint16, value []byte) error {
			r.extra, r.encapsulates = r.extra || kind == unix.RTA_ENCAP, r.encapsulates || kind == unix.RTA_ENCAP
			hop.set(kind, value)
			return nil
		})
		if err != nil {
			return err
		}
		r.nextHops = append(r.nextHops, hop)
		b = b[min(len(b), (length+unix.RTNH_ALIGNTO-1)&^(unix.RTNH_ALIGNTO-1)):]
	}
	return nil
}

// row is the route as a State has it; names are those of links by index.
func (r rawRoute) row(names map[int]string) state.Route {
	route := state.Route{Type: r.kind, Source: r.source, Protocol: r.protocol}
	if r.extra {
		route.Type = state.OtherType
	}
	hops := make([]state.NextHop, 0, len(r.nextHops))
	for _, h := range r.nextHops {
		hops = append(hops, state.NextHop{Link: names[h.index], Via: h.via, Weight: h.weight, OnLink: h.onLink})
	}
	if len(hops) == 1 {
		hops[0].Weight = 1
	}
	route.Hops, route.MoreHops = state.GroupOf(hops...)
	return route
}

func (s *session) replaceRoute(op state.ReplaceRoute) error {
	h, err := s.handle(op.Namespace)
	if err != nil {
		return err
	}
	header := routeHeader(op.RouteID)
	header.Type = routeTypeNumber(op.Type)
	header.Protocol = op.Protocol
	if !needsGateway(op) {
		header.Scope = unix.RT_SCOPE_LINK
	}
	request, err := h.routeAttributes(header, op)
	if err != nil {
		return err
	}
	request = append([]nl.NetlinkRequestData{header}, request...)
	err = h.conn.Send(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, request...)
	if errors.Is(err, unix.EEXIST) {
		return h.uncover(op, request)
	}
	return err
}

// uncover deletes routes that somebody put in front of the wanted one. IPv4 keeps several for
// a destination and metric and uses the first; replacing the first by one that is behind it is EEXIST.
func (h *handle) uncover(op state.ReplaceRoute, request []nl.NetlinkRequestData) error {
	const most = 8
	err := error(unix.EEXIST)
	for range most {
		first := deleteRequest(state.DeleteRoute{RouteID: op.RouteID})
		if err := h.conn.Send(unix.RTM_DELROUTE, 0, first...); err != nil {
			return err
		}
		err = h.conn.Send(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, request...)
		if !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return err
}

// needsGateway says whether ip route would give the route the scope of one with a gateway.
func needsGateway(op state.ReplaceRoute) bool {
	hops := op.NextHops()
	return op.Type != state.Unicast || op.Prefix.Addr().Is6() || len(hops) != 1 || hops[0].Via.IsValid()
}

func routeHeader(id state.RouteID) *nl.RtMsg {
	header := nl.NewRtMsg()
	header.Family = uint8(family(id.Prefix.Addr()))
	header.Dst_len = uint8(id.Prefix.Bits())
	return header
}

func routeTypeNumber(t state.RouteType) uint8 {
	for number, named := range routeTypes {
		if named == t {
			return number
		}
	}
	return unix.RTN_UNSPEC
}

// routeAttributes also sets the header's flags: those of a single next hop are the route's.
func (h *handle) routeAttributes(header *nl.RtMsg, op state.ReplaceRoute) ([]nl.NetlinkRequestData, error) {
	list := destinationAttributes(op.RouteID)
	if op.Source.IsValid() {
		list = append(list, nl.NewRtAttr(unix.RTA_PREFSRC, op.Source.AsSlice()))
	}
	switch hops := op.NextHops(); len(hops) {
	case 0:
		return list, nil
	case 1:
		header.Flags |= onLinkFlag(hops[0])
		index, err := h.index(hops[0].Link)
		list = append(list, rtnl.Uint32Attribute(unix.RTA_OIF, uint32(index)))
		return append(list, gateway(op.Prefix.Addr(), hops[0].Via)...), err
	default:
		all := nl.NewRtAttr(unix.RTA_MULTIPATH, nil)
		for _, hop := range hops {
			nexthop, err := h.nextHop(op.Prefix.Addr(), hop)
			if err != nil {
				return nil, err
			}
			all.AddChild(nexthop)
		}
		return append(list, all), nil
	}
}

func (h *handle) nextHop(destination netip.Addr, hop state.NextHop) (*nl.RtNexthop, error) {
	const mostWeight = 256
	if hop.Weight < 1 || hop.Weight > mostWeight {
		return nil, fmt.Errorf("the weight %d is not between 1 and %d", hop.Weight, mostWeight)
	}
	index, err := h.index(hop.Link)
	return &nl.RtNexthop{
		RtNexthop: unix.RtNexthop{Ifindex: int32(index), Flags: uint8(onLinkFlag(hop)), Hops: uint8(hop.Weight - 1)},
		Children:  gateway(destination, hop.Via),
	}, err
}

func onLinkFlag(hop state.NextHop) uint32 {
	if hop.OnLink {
		return unix.RTNH_F_ONLINK
	}
	return 0
}

func destinationAttributes(id state.RouteID) []nl.NetlinkRequestData {
	list := []nl.NetlinkRequestData{rtnl.Uint32Attribute(unix.RTA_TABLE, unix.RT_TABLE_MAIN)}
	if id.Prefix.Bits() > 0 {
		list = append(list, nl.NewRtAttr(unix.RTA_DST, id.Prefix.Addr().AsSlice()))
	}
	if id.Metric > 0 {
		list = append(list, rtnl.Uint32Attribute(unix.RTA_PRIORITY, id.Metric))
	}
	return list
}

// gateway is none for a destination on the link, and RTA_VIA for one of the other family.
func gateway(destination, via netip.Addr) []nl.NetlinkRequestData {
	switch {
	case !via.IsValid():
		return nil
	case destination.Is4() == via.Is4():
		return []nl.NetlinkRequestData{nl.NewRtAttr(unix.RTA_GATEWAY, via.AsSlice())}
	}
	value := binary.NativeEndian.AppendUint16(nil, uint16(family(via)))
	return []nl.NetlinkRequestData{nl.NewRtAttr(unix.RTA_VIA, append(value, via.AsSlice()...))}
}

func (s *session) deleteRoute(op state.DeleteRoute) error {
	h, err := s.handle(op.Namespace)
	if err != nil {
		return ignoreGone(err)
	}
	// To the kernel an IPv4 metric of 0 means any, so another route could be deleted for one
	// that is gone already.
	if op.Metric == 0 && op.Prefix.Addr().Is4() {
		if there, err := h.conn.hasRoute(op); err != nil || !there {
			return err
		}
	}
	return ignoreGone(h.conn.Send(unix.RTM_DELROUTE, 0, deleteRequest(op)...))
}

// deleteNextHop names no protocol: that of a next hop is not known. With a gateway the kernel deletes one next hop.
func (s *session) deleteNextHop(op state.DeleteNextHop) error {
	h, err := s.handle(op.Namespace)
	if err != nil {
		return ignoreGone(err)
	}
	index, err := h.index(op.Link)
	if err != nil {
		return ignoreGone(err)
	}
	request := deleteRequest(state.DeleteRoute{RouteID: op.RouteID})
	request = append(request, rtnl.Uint32Attribute(unix.RTA_OIF, uint32(index)))
	request = append(request, gateway(op.Prefix.Addr(), op.Via)...)
	return ignoreGone(h.conn.Send(unix.RTM_DELROUTE, 0, request...))
}

func (c *conn) hasRoute(op state.DeleteRoute) (bool, error) {
	routes, err := c.routesOf(unix.AF_INET)
	return slices.ContainsFunc(routes, func(r rawRoute) bool {
		return r.prefix == op.Prefix && r.metric == op.Metric && r.protocol == op.Protocol
	}), err
}

// deleteRequest asks for the route of a destination and metric, whatever its type, scope and next hops.
func deleteRequest(op state.DeleteRoute) []nl.NetlinkRequestData {
	header := routeHeader(op.RouteID)
	header.Type = unix.RTN_UNSPEC
	header.Scope = unix.RT_SCOPE_NOWHERE
	header.Protocol = op.Protocol
	return append([]nl.NetlinkRequestData{header}, destinationAttributes(op.RouteID)...)
}

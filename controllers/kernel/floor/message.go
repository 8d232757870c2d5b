// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

// loopbackIndex is the index of lo in every network namespace.
const loopbackIndex = 1

// vethPeer is VETH_INFO_PEER.
const vethPeer = 1

// message is a request without its header.
type message struct {
	kind, flags int
	parts       []nl.NetlinkRequestData
}

// The ways to write something: what is there, where nothing may be, and whatever is there.
const (
	change  = unix.NLM_F_ACK
	create  = unix.NLM_F_ACK | unix.NLM_F_CREATE | unix.NLM_F_EXCL
	replace = unix.NLM_F_ACK | unix.NLM_F_CREATE | unix.NLM_F_REPLACE
)

// send performs an operation that is one message.
func (f *floor) send(op state.Op) error {
	switch op := op.(type) {
	case state.AddLink:
		return f.addLink(op)
	case state.AddBridge:
		return f.sendIn(op.Namespace, message{unix.RTM_NEWLINK, create, append(parts(nl.NewIfInfomsg(unix.AF_UNSPEC), bridge(op.Bridge)), end(op.LinkEnd)...)})
	case state.SetMaster:
		return f.changeLink(op.LinkID, func(s *space, header *nl.IfInfomsg) []nl.NetlinkRequestData {
			return parts(number(unix.IFLA_MASTER, index(s, op.Master)))
		})
	case state.SetAdmin:
		return f.changeLink(op.LinkID, func(_ *space, header *nl.IfInfomsg) []nl.NetlinkRequestData {
			header.Change, header.Flags = unix.IFF_UP, unix.IFF_UP
			return nil
		})
	case state.AddAddress:
		return f.address(op.AddressID, unix.RTM_NEWADDR, replace)
	case state.DeleteAddress:
		return f.address(op.AddressID, unix.RTM_DELADDR, change)
	case state.ReplaceRoute:
		return f.replaceRoute(op)
	case state.DeleteRoute:
		header := route(op.RouteID)
		header.Scope, header.Protocol = unix.RT_SCOPE_NOWHERE, op.Protocol
		return f.sendIn(op.Namespace, message{unix.RTM_DELROUTE, change, append(parts(header), destination(op.RouteID)...)})
	default:
		return fmt.Errorf("a %T is nothing a floor does", op)
	}
}

func parts(list ...nl.NetlinkRequestData) []nl.NetlinkRequestData { return list }

func number(kind int, value int) *nl.RtAttr {
	return nl.NewRtAttr(kind, nl.Uint32Attr(uint32(value)))
}

// mark is the message that gives lo the lab's mark.
func mark(text string) message {
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = loopbackIndex
	return message{unix.RTM_NEWLINK, change, parts(header, nl.NewRtAttr(unix.IFLA_IFALIAS, []byte(text)))}
}

func (f *floor) addLink(op state.AddLink) error {
	there, err := f.space(op.Ends[1].Namespace)
	if err != nil {
		return err
	}
	peer := nl.NewRtAttr(vethPeer, nl.NewIfInfomsg(unix.AF_UNSPEC).Serialize())
	for _, a := range append(f.vethEnd(op.Ends[1]), number(unix.IFLA_NET_NS_FD, there.file)) {
		peer.AddChild(a)
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("veth"))
	info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddChild(peer)
	list := append(parts(nl.NewIfInfomsg(unix.AF_UNSPEC), info), f.vethEnd(op.Ends[0])...)
	return f.sendIn(op.Ends[0].Namespace, message{unix.RTM_NEWLINK, create, list})
}

// vethEnd asks for one queue in each direction, unless the kernel is to make and unmake as many as it likes.
func (f *floor) vethEnd(e state.LinkEnd) []nl.NetlinkRequestData {
	if f.AnyQueues {
		return end(e)
	}
	return append(end(e), number(unix.IFLA_NUM_TX_QUEUES, 1), number(unix.IFLA_NUM_RX_QUEUES, 1))
}

func end(e state.LinkEnd) []nl.NetlinkRequestData {
	return parts(
		nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(e.Name)),
		nl.NewRtAttr(unix.IFLA_ADDRESS, e.MAC[:]),
		number(unix.IFLA_MTU, e.MTU),
		number(unix.IFLA_GROUP, state.LinkGroup),
	)
}

func bridge(b state.Bridge) *nl.RtAttr {
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("bridge"))
	data := info.AddRtAttr(unix.IFLA_INFO_DATA, nil)
	data.AddRtAttr(nl.IFLA_BR_FORWARD_DELAY, nl.Uint32Attr(b.ForwardDelay))
	data.AddRtAttr(nl.IFLA_BR_MAX_AGE, nl.Uint32Attr(b.MaxAge))
	return info
}

// changeLink sends a message about a link.
func (f *floor) changeLink(id state.LinkID, describe func(*space, *nl.IfInfomsg) []nl.NetlinkRequestData) error {
	s, err := f.space(id.Namespace)
	if err != nil {
		return err
	}
	header := nl.NewIfInfomsg(unix.AF_UNSPEC)
	header.Index = int32(index(s, id.Name))
	return f.exchange(s, message{unix.RTM_NEWLINK, change, append(parts(header), describe(s, header)...)})
}

// index is a link's, or 0, which the kernel refuses.
func index(s *space, name string) int {
	request, err := unix.NewIfreq(name)
	if err != nil || unix.IoctlIfreq(s.socket, unix.SIOCGIFINDEX, request) != nil {
		return 0
	}
	return int(request.Uint32())
}

func (f *floor) address(id state.AddressID, kind, flags int) error {
	s, err := f.space(id.Namespace)
	if err != nil {
		return err
	}
	header := nl.NewIfAddrmsg(family(id.Prefix.Addr()))
	header.Index, header.Prefixlen = uint32(index(s, id.Link)), uint8(id.Prefix.Bits())
	list := parts(header, nl.NewRtAttr(unix.IFA_LOCAL, id.Prefix.Addr().AsSlice()), nl.NewRtAttr(unix.IFA_ADDRESS, id.Prefix.Addr().AsSlice()))
	if id.Prefix.Addr().Is6() {
		list = append(list, number(unix.IFA_FLAGS, unix.IFA_F_NODAD))
	}
	return f.exchange(s, message{kind, flags, list})
}

func (f *floor) replaceRoute(op state.ReplaceRoute) error {
	s, err := f.space(op.Namespace)
	if err != nil {
		return err
	}
	header := route(op.RouteID)
	header.Type, header.Protocol = unix.RTN_UNICAST, op.Protocol
	list := append(parts(header), destination(op.RouteID)...)
	if op.Source.IsValid() {
		list = append(list, nl.NewRtAttr(unix.RTA_PREFSRC, op.Source.AsSlice()))
	}
	hops := op.NextHops()
	if len(hops) == 1 {
		list = append(list, number(unix.RTA_OIF, index(s, hops[0].Link)))
		list = append(list, gateway(op.Prefix.Addr(), hops[0].Via)...)
	} else {
		list = append(list, multipath(s, op.Prefix.Addr(), hops))
	}
	return f.exchange(s, message{unix.RTM_NEWROUTE, replace, list})
}

func multipath(s *space, to netip.Addr, hops []state.NextHop) *nl.RtAttr {
	legs := nl.NewRtAttr(unix.RTA_MULTIPATH, nil)
	for _, hop := range hops {
		legs.AddChild(&nl.RtNexthop{
			RtNexthop: unix.RtNexthop{Ifindex: int32(index(s, hop.Link)), Hops: uint8(hop.Weight - 1)},
			Children:  gateway(to, hop.Via),
		})
	}
	return legs
}

func route(id state.RouteID) *nl.RtMsg {
	header := nl.NewRtMsg()
	header.Family, header.Dst_len, header.Type = uint8(family(id.Prefix.Addr())), uint8(id.Prefix.Bits()), unix.RTN_UNSPEC
	return header
}

func destination(id state.RouteID) []nl.NetlinkRequestData {
	list := parts(number(unix.RTA_TABLE, unix.RT_TABLE_MAIN))
	if id.Prefix.Bits() > 0 {
		list = append(list, nl.NewRtAttr(unix.RTA_DST, id.Prefix.Addr().AsSlice()))
	}
	return list
}

func gateway(to, via netip.Addr) []nl.NetlinkRequestData {
	switch {
	case !via.IsValid():
		return nil
	case to.Is4() == via.Is4():
		return parts(nl.NewRtAttr(unix.RTA_GATEWAY, via.AsSlice()))
	}
	value := binary.NativeEndian.AppendUint16(nil, uint16(family(via)))
	return parts(nl.NewRtAttr(unix.RTA_VIA, append(value, via.AsSlice()...)))
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func (f *floor) sendIn(namespace string, m message) error {
	s, err := f.space(namespace)
	if err != nil {
		return err
	}
	return f.exchange(s, m)
}

// exchange sends a request and reads the first message of the answer.
func (f *floor) exchange(s *space, m message) error {
	request := nl.NetlinkRequest{Data: m.parts, NlMsghdr: unix.NlMsghdr{
		Type: uint16(m.kind), Flags: uint16(unix.NLM_F_REQUEST | m.flags),
	}}
	if err := unix.Sendto(s.socket, request.Serialize(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	if _, _, err := unix.Recvfrom(s.socket, f.buffer, 0); err != nil {
		return err
	}
	if errno := -int32(binary.NativeEndian.Uint32(f.buffer[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

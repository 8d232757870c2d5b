// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/netns"
	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// BenchmarkTransport does the same work with package rtnl and with vishvananda/netlink, in alternation, in
// namespaces of its own. `make bench-transport` runs it. It reports the medians of
//
//	rtnl-µs     rtnl.Conn, our messages, our parsers
//	socket-µs   the library's sockets (nl.NetlinkRequest), our messages, our parsers
//	handle-µs   the library's Handle: its sockets, messages and parsers
//
// and of the ratios of paired runs: socket/rtnl, handle/rtnl. Strict checking is on, so that dumps obey their
// filters, but for the handle's lists of rules and neighbours.
func BenchmarkTransport(b *testing.B) {
	bench := newTransportBench(b)
	for _, w := range bench.work() {
		b.Run(w.name, func(b *testing.B) { bench.run(b, w) })
	}
}

// work is one kind of work in three ways. undo, if any, is not timed.
type work struct {
	name                 string
	rtnl, socket, handle func() error
	undo                 func() error
}

// transportBench has both libraries' connections in one namespace.
type transportBench struct {
	conn    *conn
	sockets map[int]*nl.SocketHandle
	// handle checks strictly. lax does not: the library's lists of rules and neighbours are refused where the
	// kernel checks, because it sends the header of links for rules (EINVAL always), and does not clear the
	// padding of struct ndmsg (EINVAL now and then).
	handle, lax *netlink.Handle
	// index is that of a link, peer is a namespace for the other end of a new one.
	index int
	peer  netns.Handle
}

// transportLinks is how many links the namespace has besides lo: a router in the middle of a lab.
const transportLinks = 8

func newTransportBench(b *testing.B) *transportBench {
	b.Helper()
	k := newKernel(b, Options{})
	ops := []state.Op{create(router), symlink(router), loUp(router), create(ns1), loUp(ns1), set(router, "net.ipv6.conf.all.disable_ipv6", "0")}
	for i := range transportLinks {
		name := fmt.Sprintf("l%d", i)
		ops = append(ops, pair(end(router, name, byte(2*i)), end(ns1, name, byte(2*i+1))), up(router, name), up(ns1, name),
			addr(router, name, fmt.Sprintf("10.0.%d.1/24", i)), addr(router, name, fmt.Sprintf("fd00:%d::1/64", i)),
			route(router, fmt.Sprintf("10.1.%d.0/24", i), 0, hop(name, fmt.Sprintf("10.0.%d.2", i))))
	}
	perform(b, k, ops...)
	for i := range transportLinks {
		sh(b, fmt.Sprintf("ip -n %s neighbour add 10.0.%d.2 lladdr 02:00:00:00:00:01 dev l%d nud reachable", router, i, i))
	}
	bench := &transportBench{}
	if err := k.Enter(router, bench.open); err != nil {
		b.Fatal(err)
	}
	var err error
	if bench.peer, err = openNamespace(ns1); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		bench.conn.Close()
		bench.handle.Close()
		bench.lax.Close()
		bench.sockets[unix.NETLINK_ROUTE].Close()
		_ = bench.peer.Close()
	})
	return bench
}

// open opens a connection of each kind in the thread's namespace.
func (t *transportBench) open() (err error) {
	if t.conn, err = dial(); err != nil {
		return err
	}
	if t.index, err = t.conn.LinkIndex("l0"); err != nil {
		return err
	}
	if t.lax, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return err
	}
	if t.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return err
	}
	if err := t.handle.SetStrictCheck(true); err != nil {
		return err
	}
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	t.sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: socket}}
	return unix.SetsockoptInt(socket.GetFd(), unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
}

// run alternates the ways, each pair in another order.
func (t *transportBench) run(b *testing.B, w work) {
	ways := []func() error{w.rtnl, w.socket, w.handle}
	took := make([][]float64, len(ways))
	for i := 0; b.Loop(); i++ {
		for j := range ways {
			way := (i + j) % len(ways)
			begun := time.Now()
			if err := ways[way](); err != nil {
				b.Fatalf("way %d: %v", way, err)
			}
			took[way] = append(took[way], float64(time.Since(begun).Nanoseconds())/1e3)
			if w.undo != nil {
				if err := w.undo(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	for i, unit := range []string{"rtnl-µs", "socket-µs", "handle-µs"} {
		b.ReportMetric(median(took[i]), unit)
	}
	b.ReportMetric(medianRatio(took[1], took[0]), "socket/rtnl")
	b.ReportMetric(medianRatio(took[2], took[0]), "handle/rtnl")
	b.ReportMetric(0, "ns/op") // of all ways together: not shown
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func medianRatio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

// request sends a request over the library's socket and calls each with every message of the answer.
func (t *transportBench) request(kind, flags int, each func([]byte) error, data ...nl.NetlinkRequestData) error {
	request := nl.NewNetlinkRequest(kind, flags)
	request.Sockets = t.sockets
	for _, d := range data {
		request.AddData(d)
	}
	messages, err := request.Execute(unix.NETLINK_ROUTE, 0)
	for _, m := range messages {
		if err == nil {
			err = each(m)
		}
	}
	return err
}

func (t *transportBench) work() []work {
	return append(t.reads(), t.writes()...)
}

func (t *transportBench) reads() []work {
	return []work{
		t.dump("list links", unix.RTM_GETLINK, ignoreResult(parseLink), func() (int, error) { l, err := t.handle.LinkList(); return len(l), err },
			nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStatistics))),
		t.dump("list addresses", unix.RTM_GETADDR, func(m []byte) error { _, _, err := parseAddress(m); return err },
			func() (int, error) { l, err := t.handle.AddrList(nil, netlink.FAMILY_ALL); return len(l), err }, nl.NewIfAddrmsg(unix.AF_UNSPEC)),
		t.dump("list IPv4 routes", unix.RTM_GETROUTE, ignoreResult(parseRoute),
			func() (int, error) { l, err := t.handle.RouteList(nil, netlink.FAMILY_V4); return len(l), err },
			&nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}}),
		t.dump("list qdiscs", unix.RTM_GETQDISC, ignoreResult(parseQdisc),
			func() (int, error) { l, err := t.handle.QdiscList(nil); return len(l), err }, &nl.TcMsg{Family: unix.AF_UNSPEC}),
		t.dump("list policy rules", unix.RTM_GETRULE, ignoreResult(parseRule),
			func() (int, error) { l, err := t.lax.RuleList(netlink.FAMILY_V4); return len(l), err },
			&nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET}}),
		t.dump("list neighbours", unix.RTM_GETNEIGH, func(m []byte) error { parseNeighbour(m); return nil },
			func() (int, error) { l, err := t.lax.NeighList(0, netlink.FAMILY_ALL); return len(l), err }, &ndMsg{}),
	}
}

func ignoreResult[T any](parse func([]byte) (T, error)) func([]byte) error {
	return func(m []byte) error { _, err := parse(m); return err }
}

// dump is the work of one list.
func (t *transportBench) dump(name string, kind int, parse func([]byte) error, handle func() (int, error), data ...nl.NetlinkRequestData) work {
	return work{
		name:   name,
		rtnl:   func() error { return t.conn.Get(kind, unix.NLM_F_DUMP, parse, data...) },
		socket: func() error { return t.request(kind, unix.NLM_F_DUMP, parse, data...) },
		handle: func() error {
			n, err := handle()
			if err == nil && n == 0 {
				err = fmt.Errorf("%s: there are none", name)
			}
			return err
		},
	}
}

func (t *transportBench) writes() []work {
	const replace = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	return []work{
		t.connections(),
		t.namespace(),
		t.vethPair(),
		t.change("an address", unix.RTM_NEWADDR, replace, addressRequest(t.index, benchPrefix, benchPrefix.Addr()),
			unix.RTM_DELADDR, addressRequest(t.index, benchPrefix, benchPrefix.Addr()), t.handleAddress),
		t.change("a route", unix.RTM_NEWROUTE, replace, t.routeRequest(),
			unix.RTM_DELROUTE, deleteRequest(state.DeleteRoute{RouteID: benchRoute, Protocol: state.RouteProtocol}), t.handleRoute),
	}
}

// change is the work of adding one object and deleting it.
func (t *transportBench) change(name string, add, flags int, added []nl.NetlinkRequestData, remove int, removed []nl.NetlinkRequestData, handle func() error) work {
	none := func([]byte) error { return nil }
	return work{
		name: "add and delete " + name,
		rtnl: func() error {
			if err := t.conn.Send(add, flags, added...); err != nil {
				return err
			}
			return t.conn.Send(remove, 0, removed...)
		},
		socket: func() error {
			if err := t.request(add, flags|unix.NLM_F_ACK, none, added...); err != nil {
				return err
			}
			return t.request(remove, unix.NLM_F_ACK, none, removed...)
		},
		handle: handle,
	}
}

var (
	benchPrefix = netip.MustParsePrefix("10.9.9.9/24")
	benchRoute  = routeID(router, "10.66.0.0/16", 0)
	benchEnds   = [2]state.LinkEnd{end(router, "v0", 101), end(ns1, "v0", 102)}
)

func (t *transportBench) vethRequest() []nl.NetlinkRequestData {
	peer := nl.NewRtAttr(vethInfoPeer, nl.NewIfInfomsg(unix.AF_UNSPEC).Serialize())
	for _, a := range append(vethAttributes(benchEnds[1]), nl.NewRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(t.peer)))) {
		peer.AddChild(a)
	}
	info := nl.NewRtAttr(unix.IFLA_LINKINFO, nil)
	info.AddRtAttr(unix.IFLA_INFO_KIND, []byte("veth"))
	info.AddRtAttr(unix.IFLA_INFO_DATA, nil).AddChild(peer)
	request := []nl.NetlinkRequestData{nl.NewIfInfomsg(unix.AF_UNSPEC), info}
	for _, a := range vethAttributes(benchEnds[0]) {
		request = append(request, a)
	}
	return request
}

// vethPair adds a pair. Its deletion waits some 20 ms for every CPU, whoever asks for it.
func (t *transportBench) vethPair() work {
	const flags = unix.NLM_F_CREATE | unix.NLM_F_EXCL
	added := t.vethRequest()
	return work{
		name:   "add a veth pair",
		rtnl:   func() error { return t.conn.Send(unix.RTM_NEWLINK, flags, added...) },
		socket: func() error { return t.request(unix.RTM_NEWLINK, flags|unix.NLM_F_ACK, nil, added...) },
		handle: t.handleVeth,
		undo: func() error {
			return t.conn.Send(unix.RTM_DELLINK, 0, nl.NewIfInfomsg(unix.AF_UNSPEC), nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated("v0")))
		},
	}
}

// handleVeth lacks the peer's group, which netlink.Veth has no field for.
func (t *transportBench) handleVeth() error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name, attributes.MTU, attributes.Group = "v0", 1500, state.LinkGroup
	attributes.NumTxQueues, attributes.NumRxQueues, attributes.TxQLen = 1, 1, -1
	attributes.HardwareAddr = benchEnds[0].MAC[:]
	veth := netlink.NewVeth(attributes)
	veth.PeerName, veth.PeerHardwareAddr, veth.PeerNamespace = "v0", benchEnds[1].MAC[:], netlink.NsFd(t.peer)
	return t.handle.LinkAdd(veth)
}

// connections opens a connection and closes it, which every look at a namespace does once.
func (t *transportBench) connections() work {
	return work{
		name: "open and close",
		rtnl: func() error {
			c, err := rtnl.Dial()
			if err == nil {
				c.Close()
			}
			return err
		},
		socket: func() error {
			s, err := nl.Subscribe(unix.NETLINK_ROUTE)
			if err == nil {
				s.Close()
			}
			return err
		},
		handle: func() error {
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err == nil {
				h.Close()
			}
			return err
		},
	}
}

// namespace is what applying a host of a lab needs of one namespace besides its links: a connection, an address,
// a route. It works in the process's own namespace, whose lo the sandbox has set up.
func (t *transportBench) namespace() work {
	const flags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	addresses := addressRequest(loopbackIndex, benchPrefix, benchPrefix.Addr())
	header := routeHeader(benchRoute)
	header.Type, header.Protocol, header.Scope = unix.RTN_UNICAST, state.RouteProtocol, unix.RT_SCOPE_LINK
	route := append([]nl.NetlinkRequestData{header, rtnl.Uint32Attribute(unix.RTA_OIF, loopbackIndex)}, destinationAttributes(benchRoute)...)
	return work{
		name: "open, add an address and a route, close",
		rtnl: func() error {
			c, err := rtnl.Dial()
			if err != nil {
				return err
			}
			defer c.Close()
			return errors.Join(c.Send(unix.RTM_NEWADDR, flags, addresses...), c.Send(unix.RTM_NEWROUTE, flags, route...))
		},
		socket: func() error {
			s, err := nl.Subscribe(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer s.Close()
			own := transportBench{sockets: map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: s}}}
			return errors.Join(own.request(unix.RTM_NEWADDR, flags|unix.NLM_F_ACK, nil, addresses...),
				own.request(unix.RTM_NEWROUTE, flags|unix.NLM_F_ACK, nil, route...))
		},
		handle: func() error {
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			return errors.Join(h.AddrReplace(nil, netlinkAddress(loopbackIndex)), h.RouteReplace(&netlink.Route{
				LinkIndex: loopbackIndex, Protocol: state.RouteProtocol, Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST,
				Scope: netlink.SCOPE_LINK, Dst: netlinkDestination,
			}))
		},
		undo: func() error {
			c, err := rtnl.Dial()
			if err != nil {
				return err
			}
			defer c.Close()
			return errors.Join(c.Send(unix.RTM_DELROUTE, 0, deleteRequest(state.DeleteRoute{RouteID: benchRoute, Protocol: state.RouteProtocol})...), c.Send(unix.RTM_DELADDR, 0, addresses...))
		},
	}
}

var netlinkDestination = &net.IPNet{IP: net.IPv4(10, 66, 0, 0), Mask: net.CIDRMask(16, 32)}

func netlinkAddress(index int) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: benchPrefix.Addr().AsSlice(), Mask: net.CIDRMask(24, 32)}, Broadcast: net.IPv4zero, LinkIndex: index}
}

func (t *transportBench) handleAddress() error {
	address := netlinkAddress(t.index)
	if err := t.handle.AddrReplace(nil, address); err != nil {
		return err
	}
	return t.handle.AddrDel(nil, address)
}

func (t *transportBench) routeRequest() []nl.NetlinkRequestData {
	header := routeHeader(benchRoute)
	header.Type, header.Protocol = unix.RTN_UNICAST, state.RouteProtocol
	return append([]nl.NetlinkRequestData{header, nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(t.index))),
		nl.NewRtAttr(unix.RTA_GATEWAY, []byte{10, 0, 0, 2})}, destinationAttributes(benchRoute)...)
}

func (t *transportBench) handleRoute() error {
	route := &netlink.Route{
		LinkIndex: t.index, Gw: net.IPv4(10, 0, 0, 2), Protocol: state.RouteProtocol, Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST,
		Dst: netlinkDestination,
	}
	if err := t.handle.RouteReplace(route); err != nil {
		return err
	}
	return t.handle.RouteDel(route)
}

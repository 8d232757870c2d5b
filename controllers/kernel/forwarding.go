// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
	"github.com/netlab-dev/netlab/controllers/state"
)

// LookupRoute asks the kernel what it would do with a packet, by its routes, its sysctls and
// its reverse-path filter as they are now. Of a route with several next hops the kernel chooses one,
// as it would for an echo message with this source and destination.
func (k *Kernel) LookupRoute(ctx context.Context, q state.ForwardingQuery) (state.ForwardingDecision, error) {
	var decision state.ForwardingDecision
	if err := ctx.Err(); err != nil {
		return decision, err
	}
	err := k.withSession(func(s *session) error {
		h, err := s.enter(q.Namespace)
		if err != nil {
			return err
		}
		decision, err = h.decide(q)
		return err
	})
	if err != nil {
		return decision, fmt.Errorf("look up %s: %w", describeQuery(q), err)
	}
	return decision, nil
}

// describeQuery is the query as ip route get asks it.
func describeQuery(q state.ForwardingQuery) string {
	text := q.Destination.String()
	if q.Source.IsValid() {
		text += " from " + q.Source.String()
	}
	if q.Incoming != "" {
		text += " iif " + q.Incoming
	}
	return text + " in " + q.Namespace
}

// decide completes the kernel's answer with what a look-up does not tell.
func (h *handle) decide(q state.ForwardingQuery) (state.ForwardingDecision, error) {
	decision, err := h.lookup(q)
	switch {
	case err != nil:
		return decision, err
	case decision.Verdict == state.Forward:
		if err := h.findLegs(q, &decision); err != nil {
			return decision, err
		}
	}
	switch {
	case q.Incoming == "":
		return decision, h.checkSource(q, decision.Verdict)
	case decision.Verdict == state.Discarded:
		return h.checkFilter(q)
	case q.Destination.Is6() && decision.Verdict != state.DeliverLocally:
		return h.checkForwarding6(q, decision)
	}
	return decision, nil
}

// checkSource refuses a source that the node does not have: an IPv4 look-up for a packet of the
// node's own fails for it as if there were no route.
func (h *handle) checkSource(q state.ForwardingQuery, verdict state.ForwardingVerdict) error {
	if !q.Source.IsValid() || (verdict != state.NoRoute && verdict != state.Discarded) {
		return nil
	}
	_, own, err := h.conn.routes()
	if err == nil && q.Source.Is4() && !own[q.Source] {
		err = fmt.Errorf("%s is not an address of %s", q.Source, q.Namespace)
	}
	return err
}

// checkFilter tells a refused source from a blackhole. Since Linux 6.14 a look-up for a packet
// that comes in fails with EINVAL for both, and no longer with EXDEV for the source. A look-up for
// the node's own packets knows the blackhole, and no reverse path.
func (h *handle) checkFilter(q state.ForwardingQuery) (state.ForwardingDecision, error) {
	own, err := h.lookup(state.ForwardingQuery{Namespace: q.Namespace, Destination: q.Destination})
	if err == nil && own.Verdict == state.Discarded {
		return own, nil
	}
	return state.ForwardingDecision{Verdict: state.Filtered}, err
}

// checkForwarding6 looks at the sysctls, which IPv4 look-ups consult and IPv6 ones do not.
func (h *handle) checkForwarding6(q state.ForwardingQuery, decision state.ForwardingDecision) (state.ForwardingDecision, error) {
	forwards, err := h.forwards6(q.Incoming)
	if err == nil && !forwards {
		decision = state.ForwardingDecision{Verdict: state.NotForwarded}
	}
	return decision, err
}

// forwards6 reports whether IPv6 packets that come in over a link are forwarded (ip6_forward):
// conf.all decides. A link's own "forwarding" is about being a host or a router there; only
// "force_forwarding" (Linux 6.17) has a say beside conf.all.
func (h *handle) forwards6(link string) (bool, error) {
	all, err := h.readSetting(state.SettingKey{Setting: state.IPv6Forwarding}.Path())
	if err != nil || all != 0 {
		return err == nil, err
	}
	forced, err := h.readSetting("ipv6/conf/" + link + "/force_forwarding")
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil && forced != 0, err
}

// lookup asks the kernel once. Where its answer is an error that means a verdict, it is no error.
func (h *handle) lookup(q state.ForwardingQuery) (state.ForwardingDecision, error) {
	request, err := h.lookupRequest(q, map[bool]uint32{true: unix.RTM_F_FIB_MATCH}[q.Unlearned])
	if err != nil {
		return state.ForwardingDecision{}, err
	}
	var answer lookupAnswer
	err = h.conn.Get(unix.RTM_GETROUTE, 0, answer.parse, request...)
	if verdict, ok := verdictOf(err); ok {
		return state.ForwardingDecision{Verdict: verdict}, nil
	}
	if err != nil {
		return state.ForwardingDecision{}, err
	}
	return h.decision(q, answer)
}

// findLegs looks the same packet's route up as it is in the table, which shows all its next hops, and whether an
// IPv6 gateway is none of them.
func (h *handle) findLegs(q state.ForwardingQuery, decision *state.ForwardingDecision) error {
	request, err := h.lookupRequest(q, unix.RTM_F_FIB_MATCH)
	if err != nil {
		return err
	}
	var route rawRoute
	err = h.conn.Get(unix.RTM_GETROUTE, 0, func(msg []byte) (err error) {
		route, err = parseRoute(msg)
		return err
	}, request...)
	if _, changed := verdictOf(err); changed || err != nil {
		if changed {
			err = nil
		}
		return err
	}
	decision.RouteMTU = route.mtu
	if q.Destination.Is6() && len(route.nextHops) > 0 { // other things it has learned leave the gateway alone
		decision.Redirected = !slices.ContainsFunc(route.nextHops, func(hop rawNextHop) bool { return hop.via == decision.Via })
	}
	if len(route.nextHops) < 2 || decision.Redirected {
		return nil
	}
	decision.Route = route.prefix
	for _, hop := range route.nextHops {
		leg := state.Leg{Via: hop.via, Weight: hop.weight, Dead: hop.dead}
		if leg.Link, err = h.conn.LinkName(hop.index); err != nil {
			return err
		}
		decision.Legs = append(decision.Legs, leg)
	}
	state.SortLegs(decision.Legs)
	return nil
}

// lookupRequest names the protocol, and for IPv6 the ICMP type where the kernel's flow has it (rawv6_sendmsg,
// icmpv6_echo_reply): both are hashed to choose among next hops.
func (h *handle) lookupRequest(q state.ForwardingQuery, flags uint32) ([]nl.NetlinkRequestData, error) {
	header := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family:  uint8(family(q.Destination)),
		Dst_len: uint8(q.Destination.BitLen()),
		Flags:   flags,
	}}
	request := []nl.NetlinkRequestData{header, nl.NewRtAttr(unix.RTA_DST, q.Destination.AsSlice())}
	request = append(request, protocolAttributes(q)...)
	if q.Source.IsValid() {
		header.Src_len = uint8(q.Source.BitLen())
		request = append(request, nl.NewRtAttr(unix.RTA_SRC, q.Source.AsSlice()))
	}
	if q.Incoming != "" {
		index, err := h.index(q.Incoming)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", q.Incoming, err)
		}
		request = append(request, rtnl.Uint32Attribute(unix.RTA_IIF, uint32(index)))
	}
	if q.Outgoing != "" {
		index, err := h.index(q.Outgoing)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", q.Outgoing, err)
		}
		request = append(request, rtnl.Uint32Attribute(unix.RTA_OIF, uint32(index)))
	}
	return request, nil
}

// The ICMP types of an echo.
const (
	echoRequest6 = 128
	echoReply6   = 129
)

func protocolAttributes(q state.ForwardingQuery) []nl.NetlinkRequestData {
	if q.Destination.Is4() {
		return []nl.NetlinkRequestData{nl.NewRtAttr(unix.RTA_IP_PROTO, []byte{unix.IPPROTO_ICMP})}
	}
	protocol := []nl.NetlinkRequestData{nl.NewRtAttr(unix.RTA_IP_PROTO, []byte{unix.IPPROTO_ICMPV6})}
	switch { // in a flow the type is the first byte of the destination port
	case q.Incoming != "":
		return protocol
	case q.IsReply:
		return append(protocol, nl.NewRtAttr(unix.RTA_DPORT, []byte{echoReply6, 0}))
	}
	return append(protocol, nl.NewRtAttr(unix.RTA_DPORT, []byte{echoRequest6, 0}))
}

// verdictOf reads the errors that a look-up fails with by what they mean for the packet.
func verdictOf(err error) (state.ForwardingVerdict, bool) {
	for errno, verdict := range map[unix.Errno]state.ForwardingVerdict{
		unix.ENETUNREACH:  state.NoRoute,
		unix.EHOSTUNREACH: state.NotForwarded,
		unix.EINVAL:       state.Discarded,
		unix.EACCES:       state.Prohibited,
		unix.EXDEV:        state.Filtered,
	} {
		if errors.Is(err, errno) {
			return verdict, true
		}
	}
	return 0, false
}

// lookupAnswer is the kernel's message about the route it would take.
type lookupAnswer struct {
	kind     uint8
	outgoing int
	via      netip.Addr
	source   netip.Addr
	mtu      int
	hopLimit int
	// redirected says that the gateway comes from an ICMP redirect. Only IPv4 says so.
	redirected bool
}

// rtcfRedirected is RTCF_REDIRECTED of linux/in_route.h.
const rtcfRedirected = 0x00040000

func (a *lookupAnswer) parse(msg []byte) error {
	if len(msg) < unix.SizeofRtMsg {
		return errors.New("truncated route message")
	}
	header := nl.DeserializeRtMsg(msg)
	a.kind, a.redirected = header.Type, header.Flags&rtcfRedirected != 0
	return rtnl.Attributes(msg[unix.SizeofRtMsg:], a.set)
}

func (a *lookupAnswer) set(kind uint16, value []byte) error {
	switch kind {
	case unix.RTA_OIF:
		a.outgoing = int(rtnl.Uint32(value))
	case unix.RTA_GATEWAY:
		a.via = rtnl.Addr(value)
	case unix.RTA_VIA:
		a.via = addressVia(value)
	case unix.RTA_PREFSRC:
		a.source = rtnl.Addr(value)
	case unix.RTA_MULTIPATH: // of a route in the table: a packet has one next hop
		var first rawRoute
		if err := first.setNextHops(value); err != nil || len(first.nextHops) == 0 {
			return err
		}
		a.outgoing, a.via = first.nextHops[0].index, first.nextHops[0].via
	case unix.RTA_METRICS:
		return rtnl.Attributes(value, a.setMetric)
	}
	return nil
}

func (a *lookupAnswer) setMetric(kind uint16, value []byte) error {
	switch kind {
	case unix.RTAX_MTU:
		a.mtu = int(rtnl.Uint32(value))
	case unix.RTAX_HOPLIMIT:
		a.hopLimit = int(rtnl.Uint32(value))
	}
	return nil
}

// decision reads an answer by the type of its route. A broadcast is delivered where it comes
// in and leaves where it is sent.
func (h *handle) decision(q state.ForwardingQuery, a lookupAnswer) (state.ForwardingDecision, error) {
	decision := state.ForwardingDecision{Via: a.via, Source: a.source, MTU: a.mtu, HopLimit: a.hopLimit, Redirected: a.redirected}
	if !decision.Source.IsValid() && q.Incoming == "" {
		decision.Source = q.Source
	}
	switch a.kind {
	case unix.RTN_LOCAL, unix.RTN_ANYCAST:
		decision.Verdict = state.DeliverLocally
	case unix.RTN_BROADCAST, unix.RTN_MULTICAST:
		if decision.Broadcast = q.Incoming == ""; !decision.Broadcast {
			decision.Verdict = state.DeliverLocally
		}
	case unix.RTN_UNREACHABLE:
		decision.Verdict = state.NotForwarded
	case unix.RTN_BLACKHOLE:
		decision.Verdict = state.Discarded
	case unix.RTN_PROHIBIT:
		decision.Verdict = state.Prohibited
	}
	var err error
	decision.Link, err = h.conn.LinkName(a.outgoing)
	return decision, err
}

// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// proxying is why a node may answer for addresses of others on an interface; the zero proxying means that it
// does not.
type proxying struct {
	// setting is proxy_arp, proxy_arp_pvlan or proxy_ndp, entry an entry of the neighbour table.
	setting string
	entry   bool
	// sameLink says that it answers for what is on the interface itself (RFC 3069).
	sameLink bool
}

// isProxy reports whether a neighbour answers for an address of others. IPv4's route must lead over another
// interface (arp_fwd_proxy), or over the same one with proxy_arp_pvlan (arp_fwd_pvlan); IPv6 asks for no route
// (ndisc_recv_ns).
func (w walker) isProxy(ctx context.Context, asker netip.Addr, l neighbour, address netip.Addr) bool {
	if w.has(l.in.Namespace, address) && address.Is4() || !w.forwardsFrom(l.in, address) {
		return false
	}
	for _, p := range w.proxies(ctx, l.in, address) {
		if address.Is6() {
			return true
		}
		route, err := w.kernel.LookupRoute(ctx, w.proxyQuery(asker, l, address))
		if err == nil && route.Verdict == state.Forward && (route.Link == l.in.Name) == p.sameLink {
			return true
		}
	}
	return false
}

// forwardsFrom reports whether a node forwards packets that it receives on an interface.
func (w walker) forwardsFrom(in state.LinkID, address netip.Addr) bool {
	return w.forwarding(packet{destination: address}, ingress{in.Namespace, in.Name}).value != state.Off
}

// proxies are the ways in which a node is set up to answer for an address on an interface.
func (w walker) proxies(ctx context.Context, in state.LinkID, address netip.Addr) (ways []proxying) {
	if proxy := w.strictest(in, state.AllProxyARP, state.ProxyARP); address.Is4() && proxy.value.Number() > 0 {
		ways = append(ways, proxying{setting: proxy.key.String()})
	}
	if !w.forwardsFrom(in, address) { // of nodes that do not forward, there may be many
		return ways
	}
	entries, err := w.kernel.Neighbours(ctx, in.Namespace)
	entered := err == nil && slices.ContainsFunc(entries, func(e state.NeighbourEntry) bool {
		return e.Proxy && e.Address == address && (e.Link == in.Name || e.Link == "")
	})
	if address.Is6() {
		if name := w.unmanagedSetting(ctx, in, "net.ipv6.conf.", ".proxy_ndp"); name != "" && entered {
			ways = append(ways, proxying{setting: name, entry: true})
		}
		return ways
	}
	if entered {
		ways = append(ways, proxying{entry: true})
	}
	if name := w.unmanagedSetting(ctx, in, "net.ipv4.conf.", ".proxy_arp_pvlan"); name != "" {
		ways = append(ways, proxying{setting: name, sameLink: true})
	}
	return ways
}

// unmanagedSetting is the name of a setting that no lab has, of an interface or of all, if it is set.
func (w walker) unmanagedSetting(ctx context.Context, id state.LinkID, family, name string) string {
	found, ok := w.firstInterference(ctx, id.Namespace, func(i state.Unmanaged) bool {
		return i.Setting.Name == family+"all"+name || i.Setting.Name == family+id.Name+name
	})
	if !ok {
		return ""
	}
	return found.Setting.Name
}

// proxyQuery is the route lookup for an ARP request (arp_process).
func (w walker) proxyQuery(asker netip.Addr, l neighbour, address netip.Addr) state.ForwardingQuery {
	return state.ForwardingQuery{Namespace: l.in.Namespace, Incoming: l.in.Name, Source: w.askerOf(asker, l.out, address), Destination: address}
}

// askerOf is the sender address of an ARP request: the packet's source if the node has it, else one of the
// interface, else any of the node (arp_solicit).
func (w walker) askerOf(source netip.Addr, out state.LinkID, address netip.Addr) netip.Addr {
	if w.has(out.Namespace, source) {
		return source
	}
	if own := w.sourceOn(out, address); own.IsValid() {
		return own
	}
	for _, id := range w.links[out.Namespace] {
		if own, ok := w.addressOf(id, address); ok {
			return own.Addr()
		}
	}
	return netip.Addr{}
}

// noProxy is the cause if a neighbour is a proxy and does not answer for this address.
func (w walker) noProxy(ctx context.Context, p packet, out state.LinkID, decision state.ForwardingDecision, neighbours []neighbour) Cause {
	wanted := nextHop(p, decision)
	for _, l := range neighbours {
		if w.has(l.in.Namespace, wanted) || w.missingAtNeighbour(out, wanted, neighbours).Found() {
			continue
		}
		for _, way := range w.proxies(ctx, l.in, wanted) {
			if !way.sameLink {
				cause := w.refusingProxy(ctx, p, l, wanted, way)
				if fix, how := w.undoDrift(ctx, p, out.Namespace, decision); how > stays && cause.Found() {
					cause.Fix = fix
				}
				return cause
			}
		}
	}
	return Cause{}
}

// refusingProxy tells why a proxy does not answer.
func (w walker) refusingProxy(ctx context.Context, p packet, l neighbour, wanted netip.Addr, way proxying) Cause {
	node, proxy := state.NodeOf(l.out.Namespace), state.NodeOf(l.in.Namespace)
	at := ingress{l.in.Namespace, l.in.Name}
	toWanted := packet{destination: wanted}
	why, fix := "", ""
	route, err := w.kernel.LookupRoute(ctx, w.proxyQuery(p.source, l, wanted))
	switch off := w.forwarding(toWanted, at); {
	case off.value == state.Off:
		why = fmt.Sprintf("it does not forward: %s is 0", off.key)
		fix = w.forwardingDisabled(toWanted, at).Fix
	case err != nil || wanted.Is6():
		return Cause{}
	case route.Verdict == state.NoRoute:
		why, fix = fmt.Sprintf("it has no route to %s", wanted), w.giveAddress(l, wanted)
	case route.Verdict == state.Forward:
		why, fix = fmt.Sprintf("its route to %s is over the same interface, %s", wanted, l.in.Name), w.giveAddress(l, wanted)
	case route.Verdict == state.Filtered:
		why = "it drops requests from " + w.askerOf(p.source, l.out, wanted).String()
		fix = w.sourceFiltered(ctx, packet{source: w.askerOf(p.source, l.out, wanted), destination: wanted}, at).Fix
	default:
		why = fmt.Sprintf("its route to %s rejects packets", wanted)
		fix = fmt.Sprintf("find the route with: ip -n %s route get %s", l.in.Namespace, wanted)
	}
	by := way.setting
	if by == "" {
		by = "a proxy entry"
	}
	return Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    proxy,
		Message: shorten(fmt.Sprintf("%s does not answer %s for %s from %s, although it has %s: %s", proxy, resolution(wanted), wanted, node, by, why)),
		Fix:     fix,
	}
}

// giveAddress is the fix if a proxy cannot answer for an address: a route to the node that has it, or the
// address itself if it is no node's.
func (w walker) giveAddress(l neighbour, wanted netip.Addr) string {
	if w.owner(wanted) != "" {
		_, fix := w.missing(l.in.Namespace, wanted)
		return fix
	}
	return fit(fmt.Sprintf("in the spec, give %s the address %s", state.NodeOf(l.in.Namespace), host(wanted)),
		fmt.Sprintf("ip -n %s address add %s dev %s", l.in.Namespace, host(wanted), l.in.Name))
}

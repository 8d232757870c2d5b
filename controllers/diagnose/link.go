// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// cross takes a packet over the link its node's kernel chose, to the interface at the other
// end, or says why it does not get there.
func (w walker) cross(p packet, at place, decision topology.ForwardingDecision) (peer topology.LinkID, cause Cause) {
	out := topology.LinkID{Namespace: at.namespace, Name: decision.Link}
	peer = w.State.Links[out].Peer
	switch {
	case !w.isCable(out):
		return peer, leavesLab(p, out)
	case !w.carries(out):
		return peer, w.linkDown(w.downEnd(out), fmt.Sprintf("on the way from %s to %s", topology.NodeOf(at.namespace), p.destination))
	case !w.fits(p, out):
		return peer, w.tooBig(p, out)
	case !w.answersFor(peer, nextHop(p, decision)):
		return peer, w.nobody(p, out, decision)
	}
	return peer, Cause{}
}

func leavesLab(p packet, out topology.LinkID) Cause {
	node := topology.NodeOf(out.Namespace)
	return Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: fmt.Sprintf("%s sends packets to %s over %s, which leads to no node of the lab", node, p.destination, out.Name),
		Cure:    fmt.Sprintf("see what it is: ip -n %s link show %s", out.Namespace, out.Name),
	}
}

// linkDown names the end that is down. A veth has a carrier only while both ends are up.
func (w walker) linkDown(id topology.LinkID, where string) Cause {
	node := topology.NodeOf(id.Namespace)
	cause := Cause{
		Reason:  v1alpha1.ReasonLinkDown,
		Node:    node,
		Message: fmt.Sprintf("interface %s of %s is down, %s", id.Name, node, where),
		Cure:    fit("in the spec, state: Up on its link", fmt.Sprintf("ip -n %s link set %s up", id.Namespace, id.Name)),
	}
	switch {
	case id.Name == topology.Loopback:
		cause.Cure = fmt.Sprintf("ip -n %s link set %s up", id.Namespace, id.Name)
	case w.State.Links[id].Up:
		cause.Message = fmt.Sprintf("interface %s of %s has no carrier, %s", id.Name, node, where)
		cause.Cure = "set the other end of its link up"
	}
	return cause
}

// vlanHeader is what a veth accepts beyond its MTU (is_skb_forwardable).
const vlanHeader = 4

// fits reports whether the packet is small enough to leave by out and to be taken at its
// other end. Where fragments are allowed only the other end can be too small for them.
func (w walker) fits(p packet, out topology.LinkID) bool {
	link := w.State.Links[out]
	if p.oneWhole && p.size > link.MTU {
		return false
	}
	return min(p.size, link.MTU) <= w.State.Links[link.Peer].MTU+vlanHeader
}

// tooBig names the smaller end of a link.
func (w walker) tooBig(p packet, out topology.LinkID) Cause {
	end := out
	if peer := w.State.Links[out].Peer; w.State.Links[peer].MTU < w.State.Links[out].MTU {
		end = peer
	}
	node, limit := topology.NodeOf(end.Namespace), w.State.Links[end].MTU
	return Cause{
		Reason:  v1alpha1.ReasonMessageTooBig,
		Node:    node,
		Message: fmt.Sprintf("packets of %d bytes to %s do not fit %s of %s: at most %d bytes", p.size, p.destination, end.Name, node, limit),
		Cure: fit(fmt.Sprintf("in the spec, mtu: %d on its link, or a smaller sizeBytes", p.size),
			fmt.Sprintf("ip -n %s link set %s mtu %d", end.Namespace, end.Name, p.size)),
	}
}

// staleMTU is the cause where every link is large enough and the sender's kernel still
// remembers one that was not: it forgets by itself only after ten minutes.
func staleMTU(request trip) Cause {
	known := request.hops[0].Decision.MTU
	if known == 0 || request.size <= known {
		return Cause{}
	}
	node := topology.NodeOf(request.start)
	return Cause{
		Reason:  v1alpha1.ReasonMessageTooBig,
		Node:    node,
		Message: fmt.Sprintf("packets of %d bytes to %s are too big by what %s knows of the way: at most %d bytes", request.size, request.destination, node, known),
		Cure:    fmt.Sprintf("ip -n %s route flush cache", request.start),
	}
}

// nextHop is the address that must answer on the link.
func nextHop(p packet, decision topology.ForwardingDecision) netip.Addr {
	if decision.Via.IsValid() {
		return decision.Via
	}
	return p.destination
}

// answersFor reports whether ARP or neighbour discovery finds an address at the interface.
// IPv6 answers for the interface's own addresses; IPv4 for all of the node's unless
// arp_ignore is set, and with proxy_arp for others' too.
func (w walker) answersFor(id topology.LinkID, address netip.Addr) bool {
	if address.Is6() {
		return w.linkHas(id, address)
	}
	switch ignore := w.linkSetting(id, "arp_ignore"); {
	case ignore == "8":
		return false
	case ignore != "0" && ignore != "":
		return w.linkHas(id, address)
	}
	proxy := w.linkSetting(id, "proxy_arp")
	return w.has(id.Namespace, address) || proxy != "0" && proxy != ""
}

// linkSetting is the higher of an interface's IPv4 setting and its namespace's.
func (v view) linkSetting(id topology.LinkID, key string) string {
	return max(v.sysctl(id.Namespace, topology.LinkSysctl4("all", key)), v.sysctl(id.Namespace, topology.LinkSysctl4(id.Name, key)))
}

// nobody is the cause where no one on the link answers for the gateway or the destination.
func (w walker) nobody(p packet, out topology.LinkID, decision topology.ForwardingDecision) Cause {
	peer := w.State.Links[out].Peer
	node, other, wanted := topology.NodeOf(out.Namespace), topology.NodeOf(peer.Namespace), nextHop(p, decision)
	cause := Cause{Reason: v1alpha1.ReasonNoReply, Node: node}
	switch {
	case w.has(peer.Namespace, wanted):
		cause.Message = fmt.Sprintf("%s looks for %s on link %s, where %s does not answer for it: it is on another interface, or arp_ignore is set", node, wanted, out.Name, other)
		cause.Cure = fmt.Sprintf("in the spec, a next hop that %s has on that link, and no arp_ignore", other)
	case decision.Via.IsValid():
		cause.Message = fmt.Sprintf("%s sends packets to %s via %s, which is nobody's address on link %s", node, p.destination, wanted, out.Name)
		cause.Cure = w.gatewayCure(out, wanted)
	default:
		cause.Message = fmt.Sprintf("%s looks for %s on link %s, but it is nobody's address there", node, wanted, out.Name)
		cause.Cure = fmt.Sprintf("in the spec, give %s the address %s on that link, or ask another", other, wanted)
	}
	return cause
}

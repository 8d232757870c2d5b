// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// ownAddress is the cause if the sender's kernel delivers the request locally: the sender would reply to itself.
func (w walker) ownAddress(ctx context.Context, request trace) Cause {
	from, to := request.start, request.destination
	why, fix := w.whyLocal(ctx, from, to)
	return Cause{
		Reason:  v1alpha1.ReasonDuplicateAddress,
		Node:    state.NodeOf(from),
		Message: shorten(fmt.Sprintf("packets from %s to %s do not leave %s: %s", state.NodeOf(from), to, state.NodeOf(from), why)),
		Fix:     fix,
	}
}

// whyLocal tells why a node delivers packets to an address locally, with the fix.
func (w walker) whyLocal(ctx context.Context, from string, to netip.Addr) (why, fix string) {
	node := state.NodeOf(from)
	if own, ok := w.localAddress(from, to); ok {
		why = fmt.Sprintf("%s itself has %s on interface %s", node, own.Prefix, own.Link)
		return why, w.withoutAddress(from, own.Prefix.Addr(), w.otherTarget(from, to))
	}
	if route, ok := w.localRoute(ctx, from, to); ok {
		return fmt.Sprintf("%s has %s", node, route.What), undo(route)
	}
	if own, ok := w.anycastOf(from, to); ok {
		return fmt.Sprintf("it is the anycast address of %s on interface %s of %s", own.Prefix, own.Link, node), w.withoutAnycast(from, own, to)
	}
	return fmt.Sprintf("%s has a local route to it", node), shorten(fmt.Sprintf("find the route: ip -n %s route get %s", from, to))
}

// localAddress is a node's own address that makes another one local: the same, or one of an IPv4 prefix on lo,
// which is local as a whole.
func (v view) localAddress(namespace string, to netip.Addr) (own state.AddressKey, ok bool) {
	for _, key := range inOrder(v.State[namespace].Addresses) {
		if key.Prefix.Addr() == to {
			return key, true
		}
		if to.Is4() && key.Link == state.Loopback && key.Prefix.Contains(to) {
			own, ok = key, true
		}
	}
	return own, ok
}

// otherTarget is the change of the spec if it gives an address to the sender: other nodes may have it too.
func (v view) otherTarget(from string, address netip.Addr) string {
	var others []string
	for _, namespace := range slices.Sorted(maps.Keys(v.owners[address])) {
		if namespace != from {
			others = append(others, state.NodeOf(namespace))
		}
	}
	if len(others) == 0 {
		return fmt.Sprintf("in the spec, probe an address of another node than %s", state.NodeOf(from))
	}
	return shorten(fmt.Sprintf("in the spec, probe an address that only %s has: toAddress, or loopbacks of its own", strings.Join(others, " or ")))
}

// sentBack is the cause if the sender received its own request although its routes lead to another node: an
// object that no look-up covers changed the destination.
func (w walker) sentBack(ctx context.Context, request trace) Cause {
	node := state.NodeOf(request.start)
	cause := Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: fmt.Sprintf("packets from %s to %s come back to %s, although the routes lead to %s: NAT changes their destination", node, request.destination, node, state.NodeOf(request.end)),
		Fix:     shorten(fmt.Sprintf("find the rule: ip netns exec %s nft list ruleset", request.start)),
	}
	for _, namespace := range w.onTheWay(request.hops) {
		if filter, ok := w.firstInterference(ctx, namespace, suspicious); ok {
			cause.Node = state.NodeOf(namespace)
			cause.Message = shorten(fmt.Sprintf("%s; %s has %s", cause.Message, cause.Node, filter.What))
			cause.Fix = undo(filter)
			return cause
		}
	}
	return cause
}

// localSource is the cause if a node drops a packet because its source address is local there: the node's own, or one
// of a local route. Of a prefix on lo the kernel compares the address alone.
func (w walker) localSource(ctx context.Context, p packet, at ingress) Cause {
	node := state.NodeOf(at.namespace)
	cause := Cause{Reason: v1alpha1.ReasonDuplicateAddress, Node: node}
	drops := fmt.Sprintf("%s drops packets from %s received on %s: ", node, p.source, at.incoming)
	if w.has(at.namespace, p.source) {
		cause.Message = drops + "the source address is its own"
		cause.Fix = w.withoutAddress(at.namespace, p.source, fmt.Sprintf("in the spec, give the sender an address that %s does not have", node))
		return cause
	}
	route, ok := w.localRoute(ctx, at.namespace, p.source)
	if !ok {
		return Cause{}
	}
	cause.Message, cause.Fix = fmt.Sprintf("%s%s has %s", drops, node, route.What), undo(route)
	return cause
}

// localRoute is a local route of others that covers an address, or one of a type that is for the node itself, too.
func (w walker) localRoute(ctx context.Context, namespace string, address netip.Addr) (state.Unmanaged, bool) {
	return w.firstInterference(ctx, namespace, func(i state.Unmanaged) bool {
		return slices.Contains([]string{"local", "broadcast", "multicast", "anycast"}, i.Route.Type) && i.Route.Prefix.Contains(address)
	})
}

// strayed is the cause if a node takes the request for its own and has not the address: it does not reply, or with
// another source.
func (w walker) strayed(ctx context.Context, request trace) Cause {
	if w.has(request.end, request.destination) || len(w.owners[request.destination]) == 0 {
		return Cause{}
	}
	if own, ok := w.localAddress(request.end, request.destination); ok && own.Link == state.Loopback {
		return Cause{} // an IPv4 prefix on lo, whose every address replies
	}
	why, fix := w.whyLocal(ctx, request.end, request.destination)
	return Cause{
		Reason:  v1alpha1.ReasonDuplicateAddress,
		Node:    state.NodeOf(request.end),
		Message: shorten(fmt.Sprintf("packets to %s end at %s, and %s has the address: %s", request.destination, state.NodeOf(request.end), state.NodeOf(w.owner(request.destination)), why)),
		Fix:     fix,
	}
}

// anycast is the cause if the destination is no node's address and the node takes it for its own as the first of a prefix:
// it replies with another source (icmpv6_echo_reply).
func (w walker) anycast(request trace) Cause {
	own, ok := w.anycastOf(request.end, request.destination)
	if !ok || len(w.owners[request.destination]) > 0 {
		return Cause{}
	}
	node := state.NodeOf(request.end)
	return w.unowned(request.destination, Cause{
		Reason:  v1alpha1.ReasonHostUnreachable,
		Node:    node,
		Message: fmt.Sprintf("%s is the anycast address of %s on interface %s of %s, which replies from another address", request.destination, own.Prefix, own.Link, node),
	})
}

// anycastOf is the address of a node whose prefix has an address as its first one: routers take that one for
// their own (RFC 4291, section 2.6.1).
func (v view) anycastOf(namespace string, to netip.Addr) (own state.AddressKey, ok bool) {
	for _, key := range inOrder(v.State[namespace].Addresses) {
		if to.Is6() && key.Prefix.Masked().Addr() == to && key.Prefix.Bits() < 127 {
			return key, true
		}
	}
	return own, false
}

// withoutAnycast is the fix if a router's prefix begins with the address of another node: the length that the node has.
func (v view) withoutAnycast(namespace string, own state.AddressKey, to netip.Addr) string {
	id := state.AddressID{Namespace: namespace, AddressKey: own}
	if _, unwanted := v.unwantedAddress(namespace, func(p netip.Prefix) bool { return p == own.Prefix }); unwanted {
		return v.drifted(state.DeleteAddress{AddressID: id})
	}
	right := id
	right.Prefix = netip.PrefixFrom(own.Prefix.Addr(), v.subnetOf(to).Bits())
	if right.Prefix.Bits() <= own.Prefix.Bits() {
		return fmt.Sprintf("in the spec, give %s another address than the first of a prefix", state.NodeOf(v.owner(to)))
	}
	return fit(fmt.Sprintf("in the spec, use %s on %s", right.Prefix, state.NodeOf(namespace)),
		command(state.DeleteAddress{AddressID: id})+"; "+command(state.AddAddress{AddressID: right}))
}

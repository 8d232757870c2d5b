// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"context"
	"fmt"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// wrongPort is the cause if the MAC table of a switch leads frames out of another port than that of the next hop. What it has
// learnt is wrong until the next hop sends a frame that way, or for good on a port that does not learn.
func (w walker) wrongPort(ctx context.Context, c crossing) Cause {
	mac := w.link(c.in).MAC
	for _, p := range c.positions {
		if _, isPort := w.bridgeOf(p.link); !isPort || p.direction != outward || mac == (state.MAC{}) {
			continue
		}
		leads := func(e state.MACEntry) bool {
			return e.MAC == mac && e.Port != "" && e.Port != p.link.Name && (e.VLAN == 0 || p.tag == 0 || e.VLAN == p.tag)
		}
		cause := Cause{Reason: v1alpha1.ReasonHostUnreachable, Node: state.NodeOf(p.link.Namespace)}
		what := ""
		if static, ok := w.firstInterference(ctx, p.link.Namespace, func(i state.Unmanaged) bool { return leads(i.MACEntry) }); ok {
			what, cause.Fix = static.What, undo(static)
		} else if learnt, ok := w.learntEntry(ctx, p.link.Namespace, leads); ok {
			what, cause.Node, cause.Fix = w.learntFrom(ctx, p.link.Namespace, learnt)
		} else {
			continue
		}
		cause.Message = shorten(fmt.Sprintf("%s does not send frames for %s to %s: it has %s, and %s is behind port %s",
			state.NodeOf(p.link.Namespace), c.wanted, state.NodeOf(c.in.Namespace), what, mac, p.link.Name))
		return cause
	}
	return Cause{}
}

// stranger is the cause if the MAC address of a neighbour entry is no interface's of the lab, and a switch on the segment has
// learnt it: a station that is not the lab's answers for the address.
func (w walker) stranger(ctx context.Context, l neighbour, entry state.NeighbourEntry) Cause {
	has := func(e state.MACEntry) bool { return e.MAC == entry.MAC && e.Port != "" }
	var bridges []string
	for _, id := range w.members(crossing{neighbour: l}) {
		if w.link(id).MAC == entry.MAC {
			return Cause{}
		}
	}
	for _, p := range l.positions {
		if p.direction == inside && !slices.Contains(bridges, p.link.Namespace) {
			bridges = append(bridges, p.link.Namespace)
		}
	}
	for _, namespace := range bridges {
		learnt, ok := w.learntEntry(ctx, namespace, has)
		if _, isPort := w.bridgeOf(state.LinkID{Namespace: namespace, Name: learnt.Port}); ok && !isPort {
			return w.strangerAt(l, entry, state.LinkID{Namespace: namespace, Name: learnt.Port})
		}
	}
	return Cause{}
}

func (w walker) strangerAt(l neighbour, entry state.NeighbourEntry, port state.LinkID) Cause {
	node, owner := state.NodeOf(port.Namespace), state.NodeOf(l.in.Namespace)
	return Cause{
		Reason: v1alpha1.ReasonDuplicateAddress,
		Node:   node,
		Message: shorten(fmt.Sprintf("%s answers %s for %s from %s, and %s has the address: it is behind port %s of %s, which NetLab did not create",
			entry.MAC, resolution(entry.Address), entry.Address, state.NodeOf(l.out.Namespace), owner, port.Name, node)),
		Fix: fit("undo it unless it is intended", fmt.Sprintf("ip -n %s link set %s nomaster; ip -n %s neighbour flush to %s",
			port.Namespace, port.Name, l.out.Namespace, entry.Address)),
	}
}

// learntEntry is what a switch has learnt about a MAC address.
func (w walker) learntEntry(ctx context.Context, namespace string, match func(state.MACEntry) bool) (learnt state.MACEntry, ok bool) {
	entries, err := w.kernel.MACTable(ctx, namespace)
	i := slices.IndexFunc(entries, match)
	if err != nil || i < 0 {
		return learnt, false
	}
	return entries[i], true
}

// learntFrom tells why a switch has learnt a MAC address on a wrong port: a node behind it may send frames of others back.
func (w walker) learntFrom(ctx context.Context, namespace string, e state.MACEntry) (what, node, fix string) {
	what = fmt.Sprintf("learnt that %s is at %s", e.MAC, e.Port)
	for _, behind := range w.behind(state.LinkID{Namespace: namespace, Name: e.Port}) {
		if u, ok := w.firstInterference(ctx, behind, func(u state.Unmanaged) bool { return u.Frames }); ok {
			return fmt.Sprintf("%s, behind which %s has %s", what, state.NodeOf(behind), u.What), state.NodeOf(behind), undo(u)
		}
	}
	command := fmt.Sprintf("bridge -n %s fdb delete %s dev %s master", namespace, e.MAC, e.Port)
	if e.VLAN != 0 {
		command += fmt.Sprintf(" vlan %d", e.VLAN)
	}
	return what, state.NodeOf(namespace), fit("let it learn the address again", command)
}

// behind are the namespaces that frames from a port reach, the switches on their way included.
func (w walker) behind(port state.LinkID) (namespaces []string) {
	for _, l := range newFlood(w.view, 0, nothing).from(port) {
		for _, p := range append(l.positions, position{link: l.in}) {
			if n := p.link.Namespace; n != port.Namespace && !slices.Contains(namespaces, n) {
				namespaces = append(namespaces, n)
			}
		}
	}
	return namespaces
}

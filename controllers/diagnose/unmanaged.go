// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// unmanaged is the cause if every kernel on the path forwards and still no reply arrives: drift of an
// attribute of the lab's own interfaces, else an unmanaged object on the path. The object may be harmless, so
// the message only names it.
func (w walker) unmanaged(ctx context.Context, request, reply trace) Cause {
	namespaces := w.onTheWay(slices.Concat(request.hops, reply.hops))
	for _, namespace := range namespaces {
		for _, id := range w.overridesIn(namespace) {
			what := fmt.Sprintf("where attribute %s of interface %s was changed to %s", id.Attribute, id.Link, w.State[id.Namespace].AttributeDrift[id.AttributeKey])
			return suspect(request, namespace, what, w.drifted(state.ResetAttribute{AttributeID: id}))
		}
	}
	for _, namespace := range namespaces {
		if id, fix, ok := w.altered(namespace, func(a netip.Prefix) bool { return a.Addr().Is4() == request.destination.Is4() }); ok {
			return suspect(request, namespace, fmt.Sprintf("where address %s of interface %s was altered", id.Prefix, id.Link), fix)
		}
		for _, op := range w.left {
			if what := driftOf(op); what != "" && slices.Contains(op.Namespaces(), namespace) && !besidePath(op, request, reply) && !w.onlyImpairs(op) {
				return suspect(request, namespace, "where "+what+" has drifted", w.drifted(op))
			}
		}
	}
	for _, namespace := range namespaces {
		found, err := w.kernel.Unmanaged(ctx, namespace)
		suspects := slices.DeleteFunc(slices.Clone(found), func(i state.Unmanaged) bool {
			return !suspicious(i) || !i.Concerns(request.destination) || !request.routedBy(i) || !w.mayTranslate(i, request.destination)
		})
		if err == nil && len(suspects) > 0 {
			return suspect(request, namespace, "which has "+whatOf(suspects), undo(suspects[0]))
		}
	}
	return Cause{}
}

// driftOf names what an operation of the plan changes, if it can decide about packets that every kernel forwards.
func driftOf(op state.Op) string {
	switch o := op.(type) {
	case state.ReplaceQdisc:
		return "the qdisc of interface " + o.Name
	case state.DeleteQdisc:
		return "the qdisc of interface " + o.Name
	case state.DeleteChildQdisc:
		return "the qdisc of interface " + o.Name
	case state.SetMaster:
		return "the bridge of interface " + o.Name
	case state.ReleaseLink:
		return "the bridge of interface " + o.Name
	case state.SetBridge:
		return "bridge " + o.Name
	case state.SetMAC:
		return "the MAC address of interface " + o.Name
	case state.SetPortVLAN:
		return "a VLAN of port " + o.Link
	case state.DeletePortVLAN:
		return "a VLAN of port " + o.Link
	default:
		return ""
	}
}

func suspect(request trace, namespace, what, fix string) Cause {
	node := state.NodeOf(namespace)
	return Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: shorten(fmt.Sprintf("no reply from %s, although every node forwards the request and the reply; they pass %s, %s", request.destination, node, what)),
		Fix:     fix,
	}
}

// suspicious excludes objects that cannot be the cause: the route lookups have covered routes and rules,
// except rules that match on more than addresses and routes that encapsulate, and neighbour entries and settings were examined before.
func suspicious(i state.Unmanaged) bool {
	looked := i.Route != (state.UnmanagedRoute{}) && !i.Route.Encapsulates || i.Neighbour != (state.NeighbourEntry{}) || i.Setting != (state.UnmanagedSetting{})
	return !looked && (i.Rule == (state.PolicyRule{}) || i.Rule.Marked || i.Rule.OtherPackets)
}

// routedBy reports whether a route is one for the packet or its reply; other objects may be.
func (p packet) routedBy(i state.Unmanaged) bool {
	to := i.Route.Prefix
	return !to.IsValid() || to.Contains(p.destination) || to.Contains(p.source)
}

// whatOf names objects.
func whatOf(objects []state.Unmanaged) string {
	var names []string
	for _, o := range objects {
		names = append(names, o.What)
	}
	return strings.Join(names, ", and ")
}

// undo is the fix for an unmanaged object, which may be intended.
func undo(i state.Unmanaged) string {
	if i.Undo == "" {
		return shorten("check whether it is intended: " + i.Look)
	}
	return fit("undo it unless it is intended", i.Undo)
}

// firstInterference is the first matching object of a namespace.
func (w walker) firstInterference(ctx context.Context, namespace string, is func(state.Unmanaged) bool) (first state.Unmanaged, ok bool) {
	found, err := w.kernel.Unmanaged(ctx, namespace)
	if i := slices.IndexFunc(found, is); err == nil && i >= 0 {
		return found[i], true
	}
	return state.Unmanaged{}, false
}

// onTheWay lists the namespaces on the path of packets, switches included, each once.
func (w walker) onTheWay(hops []Hop) []string {
	namespaces := w.namespaces()
	var way []string
	for _, hop := range hops {
		for _, node := range append([]string{hop.Node}, hop.Through...) {
			if namespace, ok := namespaces[node]; ok && !slices.Contains(way, namespace) {
				way = append(way, namespace)
			}
		}
	}
	return way
}

// namespaces are the network namespaces of nodes.
func (v view) namespaces() map[string]string {
	namespaces := map[string]string{}
	for namespace := range v.links {
		namespaces[state.NodeOf(namespace)] = namespace
	}
	return namespaces
}

// overridesIn lists, in order, the attributes of a namespace's interfaces that have drifted.
func (v view) overridesIn(namespace string) []state.AttributeID {
	keys := slices.SortedFunc(maps.Keys(v.State[namespace].AttributeDrift), func(a, b state.AttributeKey) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), cmp.Compare(a.Attribute, b.Attribute))
	})
	ids := make([]state.AttributeID, len(keys))
	for i, key := range keys {
		ids[i] = state.AttributeID{Namespace: namespace, AttributeKey: key}
	}
	return ids
}

// lostPrefix is an address whose connected route, which covers a destination, is missing.
func (v view) lostPrefix(namespace string, destination netip.Addr) (lost state.AddressID, ok bool) {
	rows := v.State[namespace].Addresses
	for _, key := range inOrder(rows) {
		if rows[key].PrefixRouteMissing && key.Prefix.Contains(destination) {
			return state.AddressID{Namespace: namespace, AddressKey: key}, true
		}
	}
	return state.AddressID{}, false
}

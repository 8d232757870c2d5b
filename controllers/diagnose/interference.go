// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/topology"
)

// interference is the cause where every kernel on the way would forward and no reply comes: what somebody
// changed of the lab's own interfaces there, else what is there beside the lab. It may be innocent, so the
// message says only that it is there.
func (w walker) interference(ctx context.Context, request, reply trip) Cause {
	namespaces := w.onTheWay(slices.Concat(request.hops, reply.hops))
	for _, namespace := range namespaces {
		for _, id := range w.overridesIn(namespace) {
			what := fmt.Sprintf("where somebody changed %s of %s to %s", id.Attribute, id.Link, w.State.Overrides[id])
			return suspect(request, namespace, what, topology.ResetAttribute{OverrideID: id}.String())
		}
	}
	for _, namespace := range namespaces {
		if found, err := w.kernel.Interferences(ctx, namespace); err == nil && len(found) > 0 {
			return suspect(request, namespace, "which has "+found[0].What, seeIt(found[0]))
		}
	}
	return Cause{}
}

func suspect(request trip, namespace, what, cure string) Cause {
	node := topology.NodeOf(namespace)
	return Cause{
		Reason:  v1alpha1.ReasonNoReply,
		Node:    node,
		Message: shorten(fmt.Sprintf("every node forwards packets to %s and back, and yet no reply came; they pass %s, %s", request.destination, node, what)),
		Cure:    cure,
	}
}

func seeIt(i topology.Interference) string { return shorten("see whether it is meant: " + i.Look) }

// ruleAt is the first policy rule that is not the kernel's own, or a missing one that is.
func (w walker) ruleAt(ctx context.Context, namespace string) (rule topology.Interference, ok bool) {
	found, err := w.kernel.Interferences(ctx, namespace)
	if i := slices.IndexFunc(found, func(i topology.Interference) bool { return i.Rule }); err == nil && i >= 0 {
		return found[i], true
	}
	return topology.Interference{}, false
}

// onTheWay lists the namespaces that packets pass, switches included, each once.
func (w walker) onTheWay(hops []Hop) []string {
	namespaces := map[string]string{}
	for namespace := range w.links {
		namespaces[topology.NodeOf(namespace)] = namespace
	}
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

// overridesIn lists, in order, what somebody changed in a namespace.
func (v view) overridesIn(namespace string) []topology.OverrideID {
	ids := slices.SortedFunc(maps.Keys(v.State.Overrides), func(a, b topology.OverrideID) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), cmp.Compare(a.Attribute, b.Attribute))
	})
	return slices.DeleteFunc(ids, func(id topology.OverrideID) bool { return id.Namespace != namespace })
}

// routed reports whether a namespace has a route to a destination, or an address on its network: a kernel that
// finds none all the same was told by a rule not to use it.
func (v view) routed(namespace string, destination netip.Addr) bool {
	for id := range v.State.Routes {
		if id.Namespace == namespace && id.Prefix.Contains(destination) {
			return true
		}
	}
	return slices.ContainsFunc(v.links[namespace], func(id topology.LinkID) bool { return v.onSubnet(id, destination) })
}

// lostPrefix is an address on the network of a destination whose route is gone.
func (v view) lostPrefix(namespace string, destination netip.Addr) (lost topology.AddressID, ok bool) {
	for _, id := range slices.SortedFunc(maps.Keys(v.State.Addresses), v.inOrder) {
		if id.Namespace == namespace && v.State.Addresses[id].Unrouted && id.Prefix.Contains(destination) {
			return id, true
		}
	}
	return topology.AddressID{}, false
}

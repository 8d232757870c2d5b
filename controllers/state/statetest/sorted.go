// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// The keys of all tables of a kind are listed in order: picking from a map would not be the same twice.

func sortedLinks(s state.State) []state.LinkID { return sorted(keys(s.Links()), compareLinks) }

func sortedAddresses(s state.State) []state.AddressID {
	return sorted(keys(s.Addresses()), compareAddresses)
}

func sortedRoutes(s state.State) []state.RouteID {
	return sorted(everywhere(s, func(n state.Namespace) map[state.RouteKey]state.Route { return n.Routes },
		func(namespace string, k state.RouteKey) state.RouteID {
			return state.RouteID{Namespace: namespace, RouteKey: k}
		}), func(a, b state.RouteID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), a.Prefix.Compare(b.Prefix), cmp.Compare(a.Metric, b.Metric))
	})
}

func sortedPortVLANs(s state.State) []state.PortVLANID {
	return sorted(everywhere(s, func(n state.Namespace) map[state.PortVLANKey]state.PortVLAN { return n.PortVLANs },
		func(namespace string, k state.PortVLANKey) state.PortVLANID {
			return state.PortVLANID{Namespace: namespace, PortVLANKey: k}
		}), func(a, b state.PortVLANID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), cmp.Compare(a.VLAN, b.VLAN))
	})
}

func sortedBridges(s state.State) []state.LinkID {
	return sorted(everywhere(s, func(n state.Namespace) map[string]state.Bridge { return n.Bridges }, linkID), compareLinks)
}

func sortedQdiscs(s state.State) []state.LinkID {
	return sorted(everywhere(s, func(n state.Namespace) map[string]state.Qdisc { return n.Qdiscs }, linkID), compareLinks)
}

func sortedNeighbours(s state.State) []state.NeighbourID {
	return sorted(everywhere(s, func(n state.Namespace) map[state.NeighbourKey]state.StaticNeighbour { return n.Neighbours },
		func(namespace string, k state.NeighbourKey) state.NeighbourID {
			return state.NeighbourID{Namespace: namespace, NeighbourKey: k}
		}), func(a, b state.NeighbourID) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), a.Address.Compare(b.Address))
	})
}

func linkID(namespace, name string) state.LinkID {
	return state.LinkID{Namespace: namespace, Name: name}
}

func sortedSettings(s state.State) []state.SettingID {
	var ids []state.SettingID
	for _, namespace := range slices.Sorted(maps.Keys(s)) {
		for _, key := range s[namespace].SettingKeys() {
			ids = append(ids, state.SettingID{Namespace: namespace, SettingKey: key})
		}
	}
	return ids
}

// everywhere yields the full names of the keys of one table of every namespace.
func everywhere[K comparable, V, ID any](s state.State, table func(state.Namespace) map[K]V, id func(namespace string, key K) ID) iter.Seq[ID] {
	return func(yield func(ID) bool) {
		for namespace, n := range s {
			for key := range table(n) {
				if !yield(id(namespace, key)) {
					return
				}
			}
		}
	}
}

func keys[K, V any](rows iter.Seq2[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		for key := range rows {
			if !yield(key) {
				return
			}
		}
	}
}

func sorted[ID any](ids iter.Seq[ID], compare func(a, b ID) int) []ID {
	return slices.SortedFunc(ids, compare)
}

func compareLinks(a, b state.LinkID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func compareAddresses(a, b state.AddressID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), a.Prefix.Compare(b.Prefix))
}

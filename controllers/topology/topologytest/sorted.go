// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/topology"
)

// sorted lists a table's keys: picking from a map would not be the same twice.
func sorted[K comparable, V any](table map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(table), compare)
}

func compareLinks(a, b topology.LinkID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func compareAddresses(a, b topology.AddressID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), a.Prefix.Compare(b.Prefix))
}

func compareRoutes(a, b topology.RouteID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), a.Prefix.Compare(b.Prefix), cmp.Compare(a.Metric, b.Metric))
}

func compareSysctls(a, b topology.SysctlID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

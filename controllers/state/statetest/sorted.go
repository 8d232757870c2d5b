// SPDX-License-Identifier: Apache-2.0

package statetest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/netlab-dev/netlab/controllers/state"
)

// sorted lists a table's keys: picking from a map would not be the same twice.
func sorted[K comparable, V any](table map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(table), compare)
}

func compareLinks(a, b state.LinkID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func compareAddresses(a, b state.AddressID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Link, b.Link), a.Prefix.Compare(b.Prefix))
}

func compareRoutes(a, b state.RouteID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), a.Prefix.Compare(b.Prefix), cmp.Compare(a.Metric, b.Metric))
}

func compareSysctls(a, b state.SysctlID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/netip"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// CountRows is the number of rows that checkRows compares with the limit.
func CountRows(netlab *v1alpha1.NetLab) int { return walkLab(netlab).rows }

// LookupsAgree reports whether a node finds each address of the lab in the same way one by one and in a table.
func LookupsAgree(netlab *v1alpha1.NetLab) error {
	n := walkLab(netlab)
	for _, x := range n.nodes {
		for a := range n.addressesAround() {
			few, ok := x.findReserved(a)
			table, okTable := x.reservedAddresses()[a]
			if few != table || ok != okTable || x.hasAddress(a) != x.ownAddresses()[a] {
				return fmt.Errorf("%s finds %s as %v %t and %v %t, its own: %t and %t", x.name, a, few, ok, table, okTable, x.hasAddress(a), x.ownAddresses()[a])
			}
		}
	}
	return nil
}

// addressesAround are those of all ends, and those that they make network and broadcast addresses.
func (n *network) addressesAround() map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for _, e := range n.ends {
		for _, p := range append([]netip.Prefix{e.linkLocal}, e.addresses...) {
			network, broadcast := reserved(p)
			all[p.Addr()], all[network], all[broadcast] = true, true, true
		}
	}
	delete(all, netip.Addr{})
	return all
}

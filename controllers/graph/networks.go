// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// networks finds the network of a prefix.
type networks struct {
	list   []Network
	byCIDR map[netip.Prefix]int
	// declared are the subnets that have not been used yet.
	declared map[netip.Prefix]*v1alpha1.Subnet
}

func newNetworks(subnets []v1alpha1.Subnet) *networks {
	n := &networks{byCIDR: map[netip.Prefix]int{}, declared: map[netip.Prefix]*v1alpha1.Subnet{}}
	for i := range subnets {
		for _, text := range subnets[i].CIDRs {
			if cidr, err := netip.ParsePrefix(text); err == nil {
				n.declared[cidr.Masked()] = &subnets[i]
			}
		}
	}
	return n
}

// of returns the place of the network of an interface's address.
func (n *networks) of(address netip.Prefix) int {
	cidr := address.Masked()
	if at, known := n.byCIDR[cidr]; known {
		return at
	}
	at := len(n.list)
	subnet := n.declared[cidr]
	if subnet == nil {
		n.list = append(n.list, Network{CIDRs: []string{cidr.String()}})
		n.byCIDR[cidr] = at
		return at
	}
	n.list = append(n.list, Network{Name: subnet.Name, CIDRs: subnet.CIDRs})
	for _, text := range subnet.CIDRs {
		if other, err := netip.ParsePrefix(text); err == nil {
			n.byCIDR[other.Masked()] = at
		}
	}
	return at
}

// addresses are those of an interface, IPv4 first in the kernel's order, without link-local ones.
func addresses(row state.Namespace, link string) []netip.Prefix {
	var list []netip.Prefix
	for key := range row.Addresses {
		if key.Link == link && !state.IsLinkLocal(key.Prefix.Addr()) {
			list = append(list, key.Prefix)
		}
	}
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		order := func(p netip.Prefix) int { return row.Addresses[state.AddressKey{Link: link, Prefix: p}].Order }
		return cmp.Or(
			cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen()), cmp.Compare(order(a), order(b)),
			a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()),
		)
	})
	return list
}

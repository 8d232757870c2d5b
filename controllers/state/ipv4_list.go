// SPDX-License-Identifier: Apache-2.0

package state

import (
	"net/netip"
	"slices"
)

// ipv4List is an interface's IPv4 addresses in the kernel's order.
func (n *Namespace) ipv4List(link string) []netip.Prefix { return ipv4Of(n.addressesOf(link)) }

func ipv4Of(addresses []AddressKey) []netip.Prefix {
	var list []netip.Prefix
	for _, key := range addresses {
		if key.Prefix.Addr().Is4() {
			list = append(list, key.Prefix)
		}
	}
	return list
}

func (n *Namespace) setIPv4List(link string, list []netip.Prefix) {
	for i, p := range list {
		row := n.Addresses[AddressKey{link, p}]
		row.Order = i
		n.Addresses[AddressKey{link, p}] = row
	}
}

// InsertIPv4 adds an address where the kernel does (__inet_insert_ifa): an address whose
// subnet is already there is a secondary and goes to the end, any other goes behind the
// last primary.
func InsertIPv4(list []netip.Prefix, p netip.Prefix) []netip.Prefix {
	if slices.ContainsFunc(list, sameSubnet(p)) {
		return append(slices.Clone(list), p)
	}
	return slices.Insert(slices.Clone(list), primaries(list), p)
}

// removeIPv4 removes an address the way the kernel does with promote_secondaries set
// (__inet_del_ifa): the first secondary of a removed primary is promoted. It goes behind the
// last primary that followed the removed one; where none followed, in its place. (Older
// kernels put it behind the head of the list then; the next observation shows that.)
func removeIPv4(list []netip.Prefix, p netip.Prefix) []netip.Prefix {
	at := slices.Index(list, p)
	if at < 0 {
		return list
	}
	last := primaries(list) - 1
	rest := slices.Delete(slices.Clone(list), at, at+1)
	promoted := slices.IndexFunc(rest, sameSubnet(p))
	if at > last || promoted < 0 {
		return rest
	}
	heir := rest[promoted]
	rest = slices.Delete(rest, promoted, promoted+1)
	return slices.Insert(rest, last, heir)
}

// primaries counts the addresses at the head of the list that are the first of their subnet.
func primaries(list []netip.Prefix) int {
	for i, p := range list {
		if slices.ContainsFunc(list[:i], sameSubnet(p)) {
			return i
		}
	}
	return len(list)
}

func sameSubnet(p netip.Prefix) func(netip.Prefix) bool {
	return func(q netip.Prefix) bool { return q.Masked() == p.Masked() }
}

// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/netip"
)

// family distinguishes IPv4 and IPv6 where code is the same for both.
type family int

const (
	ipv4 family = 4
	ipv6 family = 6
)

var families = [...]family{ipv4, ipv6}

func familyOf(a netip.Addr) family {
	if a.Is4() {
		return ipv4
	}
	return ipv6
}

func (f family) String() string { return fmt.Sprintf("IPv%d", int(f)) }

func (f family) defaultRoute() netip.Prefix {
	if f == ipv4 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

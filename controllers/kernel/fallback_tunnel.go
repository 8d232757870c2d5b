// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"

	"github.com/vishvananda/netlink/nl"

	"github.com/netlab-dev/netlab/controllers/kernel/rtnl"
)

// netnsImmutable is IFLA_NETNS_IMMUTABLE of linux/if_link.h, since Linux 6.15: the link cannot leave its namespace.
const netnsImmutable = 67

// selectors are the attributes by which tunnels of a kind differ: link, endpoints, keys, external control.
var selectors = func() map[string][]uint16 {
	ip := []uint16{nl.IFLA_IPTUN_LINK, nl.IFLA_IPTUN_LOCAL, nl.IFLA_IPTUN_REMOTE, nl.IFLA_IPTUN_COLLECT_METADATA}
	gre := []uint16{nl.IFLA_GRE_LINK, nl.IFLA_GRE_IKEY, nl.IFLA_GRE_OKEY, nl.IFLA_GRE_LOCAL, nl.IFLA_GRE_REMOTE, nl.IFLA_GRE_COLLECT_METADATA}
	vti := []uint16{nl.IFLA_VTI_LINK, nl.IFLA_VTI_IKEY, nl.IFLA_VTI_OKEY, nl.IFLA_VTI_LOCAL, nl.IFLA_VTI_REMOTE}
	return map[string][]uint16{
		"sit": ip, "ipip": ip, "ip6tnl": ip,
		"gre": gre, "gretap": gre, "erspan": gre, "ip6gre": gre,
		"vti": vti, "vti6": vti,
	}
}()

// isFallbackTunnel reports whether the kernel itself made the link, and nobody uses it. The kernel makes one in every
// namespace for each kind of tunnel whose module is loaded, for packets of no other tunnel. It refuses a second one
// without selectors, and refuses to move or delete the first. With net.core.fb_tunnels_only_for_init_net it makes none;
// a kernel that does not tell whether a link can be moved then lets one that somebody made pass for its own.
func (l *rawLink) isFallbackTunnel() bool {
	return l.unselective && (l.immutable || !l.saysImmutable) && !l.up && l.master == 0
}

// noticeSelectors reads IFLA_INFO_DATA. External control is a flag without a value.
func (l *rawLink) noticeSelectors(data []byte) error {
	attributes, isTunnel := selectors[l.kind]
	if !isTunnel {
		return nil
	}
	l.unselective = true
	return rtnl.Attributes(data, func(kind uint16, value []byte) error {
		isSet := len(value) == 0 || slices.ContainsFunc(value, func(b byte) bool { return b != 0 })
		if isSet && slices.Contains(attributes, kind) {
			l.unselective = false
		}
		return nil
	})
}

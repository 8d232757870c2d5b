// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/sha256"
	"github.com/netlab-dev/netlab/controllers/state"
	"net"
	"net/netip"
	"strings"
)

// deriveMAC makes an Ethernet address of what names an interface, so that every node, the
// command line and an exported script agree. It is unicast and locally administered.
func deriveMAC(id state.Identity, nodeName, iface string) state.MAC {
	sum := sha256.Sum256([]byte(id.Namespace + "/" + id.Name + "/" + nodeName + "/" + iface))
	mac := state.MAC(sum[:6])
	mac[0] = mac[0]&^0x01 | 0x02
	return mac
}

// LinkLocal is the IPv6 link-local address of an Ethernet address: the modified EUI-64 of
// RFC 4291, appendix A, under fe80::/64.
func LinkLocal(mac state.MAC) netip.Prefix {
	a := [16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 0x02, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]}
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}

func (n *network) mac(field string, e *end, text string) state.MAC {
	if text == "" {
		return deriveMAC(n.id, e.node.name, e.iface)
	}
	hw, err := net.ParseMAC(text)
	if err != nil || len(hw) != 6 || strings.Count(text, ":") != 5 { // net knows other notations, the API does not
		n.refuse(field+".mac", "write six bytes, such as 02:00:00:00:00:01", "%q is not an Ethernet address", text)
		return state.MAC{}
	}
	mac := state.MAC(hw)
	if mac[0]&1 != 0 || mac == (state.MAC{}) {
		n.refuse(field+".mac", "use an even first byte, such as 02", "%s is a group or null address; an interface needs a unicast one", mac)
	}
	return mac
}

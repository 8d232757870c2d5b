// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/sha256"
	"net"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// deriveMAC hashes an interface's identity to a MAC address, so that every agent, the command line and an
// exported script get the same one. It is unicast and locally administered.
func deriveMAC(id state.Identity, nodeName, iface string) state.MAC {
	sum := sha256.Sum256([]byte(id.Namespace + "/" + id.Name + "/" + nodeName + "/" + iface))
	mac := state.MAC(sum[:6])
	mac[0] = mac[0]&^0x01 | 0x02
	return mac
}

func (n *network) mac(field string, e *end, text string) state.MAC {
	if text == "" {
		return deriveMAC(n.id, e.node.name, e.iface)
	}
	hw, err := net.ParseMAC(text)
	if err != nil || len(hw) != 6 || strings.Count(text, ":") != 5 { // net knows other notations, the API does not
		n.refuse(field+".mac", "write six bytes, such as 02:00:00:00:00:01", "%q is not a MAC address", text)
		return state.MAC{}
	}
	mac := state.MAC(hw)
	if mac[0]&1 != 0 || mac == (state.MAC{}) {
		n.refuse(field+".mac", "write an even first byte, such as 02", "MAC address %s is multicast or all zeros", mac)
	}
	return mac
}

// checkMACs refuses a MAC address of two nodes on one segment. A node's own interfaces on it may share
// one.
func (n *network) checkMACs(s *segment) {
	for i, e := range s.ends {
		for _, other := range s.ends[:i] {
			if other.mac == e.mac && other.node != e.node && e.mac != (state.MAC{}) {
				n.refuse(e.field+".mac", "write another MAC address at one of them", "%s is also the MAC address of %s on the same segment", e.mac, other.field)
				break
			}
		}
	}
}

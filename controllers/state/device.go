// SPDX-License-Identifier: Apache-2.0

package state

import (
	"slices"
	"strings"
)

// linkWords are what ip link knows (iplink_parse of iproute2); it takes any of them abbreviated.
var linkWords = []string{
	"add", "addrgenmode", "address", "addr", "alias", "allmulticast", "arp", "brd", "broadcast", "carrier", "dev", "down", "dynamic",
	"gro_ipv4_max_size", "gro_max_size", "group", "gso_ipv4_max_size", "gso_max_segs", "gso_max_size", "help", "index", "link",
	"link-netns", "link-netnsid", "lladdr", "master", "max", "mode", "mtu", "multicast", "name", "netns", "noarp", "nomaster",
	"numrxqueues", "numtxqueues", "parentdev", "promisc", "protodown", "protodown_reason", "qlen", "state", "trailers", "txqlen",
	"txqueuelen", "type", "up", "vf", "xdp", "xdpdrv", "xdpgeneric", "xdpoffload",
}

// Device is how a command of ip link names the interface: with "dev" in front where the name alone
// would be a word of its own, or one abbreviated.
func (id LinkID) Device() string {
	if slices.ContainsFunc(linkWords, func(word string) bool { return strings.HasPrefix(word, id.Name) }) {
		return "dev " + id.Name
	}
	return id.Name
}

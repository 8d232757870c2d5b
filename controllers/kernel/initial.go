// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/binary"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"github.com/netlab-dev/netlab/controllers/state"
)

const (
	operDormant    = 5 // IF_OPER_DORMANT
	portForwarding = 3 // BR_STATE_FORWARDING
)

// initialValue is the value of an attribute when the kernel has just made the link.
type initialValue struct {
	attribute state.LinkAttribute
	value     []byte
}

// initialValues are by the number of their netlink attribute.
type initialValues [64]initialValue

func initialValuesOf(prefix state.LinkAttribute, byNumber map[int]initialValue) (all initialValues) {
	for number, initial := range byNumber {
		initial.attribute = prefix + initial.attribute
		all[number] = initial
	}
	return all
}

func of8(name state.LinkAttribute, value uint8) initialValue {
	return initialValue{name, []byte{value}}
}
func of16(name state.LinkAttribute, value uint16) initialValue {
	return initialValue{name, nl.Uint16Attr(value)}
}
func of32(name state.LinkAttribute, value uint32) initialValue {
	return initialValue{name, nl.Uint32Attr(value)}
}

// initialLink is every link's.
var initialLink = initialValuesOf("", map[int]initialValue{
	unix.IFLA_BROADCAST: {"broadcast", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
	unix.IFLA_LINKMODE:  of8("mode", 0),
	unix.IFLA_OPERSTATE: of8("state", operUp),
})

// initialBridge is a bridge's (IFLA_INFO_DATA). Times are in 1/100 s.
var initialBridge = initialValuesOf("type bridge ", map[int]initialValue{
	unix.IFLA_BR_HELLO_TIME:        of32("hello_time", 200),
	unix.IFLA_BR_AGEING_TIME:       of32("ageing_time", 30000),
	unix.IFLA_BR_PRIORITY:          of16("priority", 32768),
	unix.IFLA_BR_VLAN_PROTOCOL:     {"vlan_protocol", binary.BigEndian.AppendUint16(nil, unix.ETH_P_8021Q)},
	unix.IFLA_BR_GROUP_FWD_MASK:    of16("group_fwd_mask", 0),
	unix.IFLA_BR_GROUP_ADDR:        {"group_address", []byte{0x01, 0x80, 0xc2, 0, 0, 0}},
	unix.IFLA_BR_MCAST_ROUTER:      of8("mcast_router", 1),
	unix.IFLA_BR_MCAST_SNOOPING:    of8("mcast_snooping", 1),
	unix.IFLA_BR_MCAST_QUERIER:     of8("mcast_querier", 0),
	unix.IFLA_BR_NF_CALL_IPTABLES:  of8("nf_call_iptables", 0),
	unix.IFLA_BR_NF_CALL_IP6TABLES: of8("nf_call_ip6tables", 0),
	unix.IFLA_BR_NF_CALL_ARPTABLES: of8("nf_call_arptables", 0),
	unix.IFLA_BR_FDB_MAX_LEARNED:   of32("fdb_max_learned", 0),
})

// initialPort is a bridge port's (IFLA_INFO_SLAVE_DATA). A veth reports a speed of 10 Gbit/s, which gives
// it a cost of 2.
var initialPort = initialValuesOf("type bridge_slave ", map[int]initialValue{
	portState:                         of8("state", portDisabled), // the kernel goes on from there
	unix.IFLA_BRPORT_PRIORITY:         of16("priority", 32),
	unix.IFLA_BRPORT_COST:             of32("cost", 2),
	unix.IFLA_BRPORT_MODE:             of8("hairpin", 0),
	unix.IFLA_BRPORT_GUARD:            of8("guard", 0),
	unix.IFLA_BRPORT_PROTECT:          of8("root_block", 0),
	unix.IFLA_BRPORT_FAST_LEAVE:       of8("fastleave", 0),
	unix.IFLA_BRPORT_LEARNING:         of8("learning", 1),
	unix.IFLA_BRPORT_UNICAST_FLOOD:    of8("flood", 1),
	unix.IFLA_BRPORT_PROXYARP:         of8("proxy_arp", 0),
	unix.IFLA_BRPORT_PROXYARP_WIFI:    of8("proxy_arp_wifi", 0),
	unix.IFLA_BRPORT_MULTICAST_ROUTER: of8("mcast_router", 1),
	unix.IFLA_BRPORT_MCAST_FLOOD:      of8("mcast_flood", 1),
	unix.IFLA_BRPORT_MCAST_TO_UCAST:   of8("mcast_to_unicast", 0),
	unix.IFLA_BRPORT_VLAN_TUNNEL:      of8("vlan_tunnel", 0),
	unix.IFLA_BRPORT_BCAST_FLOOD:      of8("bcast_flood", 1),
	unix.IFLA_BRPORT_GROUP_FWD_MASK:   of16("group_fwd_mask", 0),
	unix.IFLA_BRPORT_NEIGH_SUPPRESS:   of8("neigh_suppress", 0),
	unix.IFLA_BRPORT_ISOLATED:         of8("isolated", 0),
	unix.IFLA_BRPORT_BACKUP_PORT:      of32("nobackup_port", 0),
	unix.IFLA_BRPORT_LOCKED:           of8("locked", 0),
	unix.IFLA_BRPORT_MAB:              of8("mab", 0),
})

// bit is one of several attributes in one number; value is the mask or 0.
type bit struct {
	attribute   state.LinkAttribute
	mask, value uint32
}

// flagBits are in a link's header (IFF_*), bridgeBits in IFLA_BR_MULTI_BOOLOPT (BR_BOOLOPT_*), vlanBits in
// IFLA_VLAN_FLAGS (VLAN_FLAG_*).
var (
	flagBits = []bit{
		{"arp", unix.IFF_NOARP, 0},
		{"multicast", unix.IFF_MULTICAST, unix.IFF_MULTICAST},
	}
	bridgeBits = []bit{
		{"type bridge no_linklocal_learn", 1 << 0, 0},
		{"type bridge mcast_vlan_snooping", 1 << 1, 0},
	}
	vlanBits = []bit{
		{"type vlan reorder_hdr", 1 << 0, 1 << 0},
		{"type vlan gvrp", 1 << 1, 0},
		{"type vlan loose_binding", 1 << 2, 0},
		{"type vlan mvrp", 1 << 3, 0},
		{"type vlan bridge_binding", 1 << 4, 0},
	}
)

// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LinkAttribute is an attribute of an interface that every lab wants at its initial value, in the words of
// ip link set: "arp", "type bridge ageing_time", "type bridge_slave learning".
type LinkAttribute string

// PortState is a bridge port's forwarding state. With STP on, the kernel chooses it, and it cannot drift.
//
// Without it every port forwards that has a carrier. Setting the state to 0, disabled, makes the kernel look
// at the carrier and start again. Setting it to 3, forwarding, would not do: a port that a spanning tree had
// blocked is blocked again at once.
const PortState LinkAttribute = portPrefix + "state"

// BridgeAgeing is how long a bridge remembers behind which port an Ethernet address is, in 1/100 s.
const BridgeAgeing LinkAttribute = bridgePrefix + "ageing_time"

const (
	bridgePrefix = "type bridge "
	portPrefix   = "type bridge_slave "
	vlanPrefix   = "type vlan "
)

// initialAttributes has every attribute with the value that the kernel gives it, as ip link writes it.
// Those that only count packets, batch them or name the interface are not among them.
var initialAttributes = func() map[LinkAttribute]string {
	born := map[LinkAttribute]string{"arp": "on", "multicast": "on", "broadcast": "ff:ff:ff:ff:ff:ff", "mode": "default", "state": "up"}
	for prefix, attributes := range map[LinkAttribute]string{
		bridgePrefix: `ageing_time=30000 hello_time=200 priority=32768 group_fwd_mask=0 group_address=01:80:c2:00:00:00
			vlan_protocol=802.1Q mcast_snooping=1 mcast_router=1 mcast_querier=0 no_linklocal_learn=0 mcast_vlan_snooping=0
			nf_call_iptables=0 nf_call_ip6tables=0 nf_call_arptables=0 fdb_max_learned=0`,
		portPrefix: `state=0 priority=32 cost=2 hairpin=off guard=off root_block=off fastleave=off learning=on flood=on
			proxy_arp=off proxy_arp_wifi=off mcast_router=1 mcast_flood=on mcast_to_unicast=off vlan_tunnel=off bcast_flood=on
			group_fwd_mask=0 neigh_suppress=off isolated=off locked=off mab=off nobackup_port=`,
		vlanPrefix: `reorder_hdr=on gvrp=off mvrp=off loose_binding=off bridge_binding=off`,
	} {
		for _, attribute := range strings.Fields(attributes) {
			name, value, _ := strings.Cut(attribute, "=")
			born[prefix+LinkAttribute(name)] = value
		}
	}
	return born
}()

// LinkAttributes lists all attributes that can drift, sorted.
func LinkAttributes() []LinkAttribute { return slices.Sorted(maps.Keys(initialAttributes)) }

// Of reports whether an interface like this one has the attribute.
func (a LinkAttribute) Of(l Link) bool {
	switch {
	case a.ofPort():
		return l.Master != ""
	case strings.HasPrefix(string(a), bridgePrefix):
		return l.Kind == BridgeLink
	case strings.HasPrefix(string(a), vlanPrefix):
		return l.Kind == VLANLink
	}
	return true
}

func (a LinkAttribute) ofPort() bool { return strings.HasPrefix(string(a), portPrefix) }
func (LinkAttribute) any() bool      { return true }

// AttributeKey names an attribute of a namespace's interface.
type AttributeKey struct {
	Link      string
	Attribute LinkAttribute
}

func (k AttributeKey) compare(o AttributeKey) int {
	return cmp.Or(cmp.Compare(k.Link, o.Link), cmp.Compare(k.Attribute, o.Attribute))
}

// AttributeID names an attribute on a machine.
type AttributeID struct {
	Namespace string
	AttributeKey
}

// Namespaces implements Op.
func (id AttributeID) Namespaces() []string { return []string{id.Namespace} }

func dumpAttribute(namespace string, k AttributeKey, value string) string {
	return fmt.Sprintf("override %s %s %s=%s\n", namespace, k.Link, k.Attribute, value)
}

// ResetAttribute sets an attribute of an interface to its initial value.
type ResetAttribute struct{ AttributeID }

func (o ResetAttribute) String() string {
	link := LinkID{o.Namespace, o.Link}
	return strings.TrimSpace(fmt.Sprintf("ip -n %s link set %s %s %s", o.Namespace, link.Device(), o.Attribute, initialAttributes[o.Attribute]))
}

func (o ResetAttribute) apply(m machine) {
	n := m.in(o.Namespace)
	if _, drifted := n.AttributeDrift[o.AttributeKey]; drifted && (o.Attribute == "arp" || o.Attribute == "broadcast") {
		n.dropNeighbours(o.Link, anyAddr)
	}
	delete(n.AttributeDrift, o.AttributeKey)
}

func (n *Namespace) dropAttributes(link string, match func(LinkAttribute) bool) {
	maps.DeleteFunc(n.AttributeDrift, func(k AttributeKey, _ string) bool { return k.Link == link && match(k.Attribute) })
}

// dropPortStates makes the kernel choose the states of a bridge's ports again.
func (n *Namespace) dropPortStates(bridge string) {
	maps.DeleteFunc(n.AttributeDrift, func(k AttributeKey, _ string) bool {
		return k.Attribute == PortState && n.Links[k.Link].Master == bridge
	})
}

// resetAttributes comes after what makes a link a port and before what sets it up or down, which can
// take one along.
func (d *differ) resetAttributes() {
	d.each(func(p *played) {
		for _, key := range unwanted(p.now.AttributeDrift, p.want.AttributeDrift, AttributeKey.compare) {
			if d.there(p, key.Link) {
				d.do(ResetAttribute{AttributeID{p.name, key}})
			}
		}
	})
}

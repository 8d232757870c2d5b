// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// foreignFault adds an object that is not the lab's, changes an attribute, or any setting there is.
func (x *trial) foreignFault() (fault, bool) {
	switch kind := x.IntN(10); {
	case kind < 1:
		return x.attributeFault()
	case kind < 3:
		return x.settingFault()
	}
	v, ok := x.words()
	if !ok {
		return fault{}, false
	}
	c := pick(x, commands)
	if c.family == 4 && !v.addr.Is4() || c.family == 6 && v.addr.Is4() {
		return fault{}, false
	}
	do, undo := v.fill(c.do), v.fill(c.undo)
	if _, err := exec.LookPath("iptables"); strings.Contains(do, "{") || err != nil && strings.Contains(do, "tables -") {
		return fault{}, false
	}
	if _, err := x.shell("set -e\n" + do); err != nil {
		return fault{}, x.restart()
	}
	nodes := []string{v.node}
	if strings.Contains(c.do, "{ns2}") {
		nodes = append(nodes, v.node2)
	}
	return fault{kind: c.name, what: do, undo: undo, nodes: nodes, objects: strings.Split(v.fill(c.objects), "|")}, true
}

// words are what the placeholders of commands stand for.
type words struct {
	node, node2, ns, ns2, dev, dev2 string
	// addr is the destination or the source of a ping, net its prefix.
	addr netip.Addr
	net  netip.Prefix
	// own is an address of the node, via one of a neighbour, on dev.
	own        netip.Prefix
	via        netip.Addr
	mac, other state.MAC
}

// words chooses a node, an interface with a neighbour, and an address that a ping needs.
func (x *trial) words() (words, bool) {
	var v words
	v.node, v.node2 = pick(x, x.lab.Nodes), pick(x, x.lab.Nodes)
	if p := pick(x, x.probes); x.chance(50) {
		v.node = pick(x, []string{p.From, p.Target})
	}
	v.ns, v.ns2 = x.id.NetworkNamespace(v.node), x.id.NetworkNamespace(v.node2)
	var devices []string
	for name := range x.lab.Want[v.ns].Links {
		if name != state.Loopback {
			devices = append(devices, name)
		}
	}
	if len(devices) == 0 {
		return v, false
	}
	slices.Sort(devices)
	v.dev, v.dev2 = pick(x, devices), pick(x, devices)
	v.net = x.toward()
	v.addr = v.net.Addr()
	p := pick(x, x.probes)
	if x.chance(60) {
		v.addr = p.To
		v.net = netip.PrefixFrom(v.addr, v.addr.BitLen()-8).Masked()
	}
	v.mac, v.other = state.MAC{2, 0, 0, 0, 0xbb, byte(x.IntN(200))}, x.anyMAC(x.lab.Want)
	for a := range x.lab.Want[v.ns].Addresses {
		if a.Link == v.dev && a.Prefix.Addr().Is4() == v.addr.Is4() && !state.IsLinkLocal(a.Prefix.Addr()) {
			v.own = a.Prefix
		}
	}
	var neighbours []netip.Prefix
	for id := range x.lab.Want.Addresses() {
		if v.own.IsValid() && id.Namespace != v.ns && v.own.Contains(id.Prefix.Addr()) {
			neighbours = append(neighbours, id.Prefix)
		}
	}
	if len(neighbours) > 0 {
		sortPrefixes(neighbours)
		v.via = pick(x, neighbours).Addr()
	}
	return v, true
}

func (v words) fill(text string) string {
	ip, tables, proto, width := "ip", "iptables", "icmp", "32"
	if v.addr.Is6() {
		ip, tables, proto, width = "ip -6", "ip6tables", "icmpv6", "128"
	}
	pairs := []string{
		"{ip}", ip, "{iptables}", tables, "{icmp}", proto, "{width}", width, "{ns}", v.ns, "{ns2}", v.ns2, "{node}", v.node, "{node2}", v.node2, "{dev}", v.dev, "{dev2}", v.dev2,
		"{addr}", v.addr.String(), "{net}", v.net.String(), "{mac}", v.mac.String(), "{othermac}", v.other.String(),
	}
	if v.own.IsValid() {
		pairs = append(pairs, "{own}", v.own.Addr().String(), "{ownprefix}", v.own.String(), "{ownnet}", v.own.Masked().String(), "{free}", netip.PrefixFrom(free(v.own), v.own.Bits()).String())
	}
	if v.via.IsValid() {
		pairs = append(pairs, "{via}", v.via.String())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// free is an address of a prefix that probably no node has.
func free(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	for range 99 {
		a = a.Next()
	}
	return a
}

// commands are objects of every kind that no lab has, with what removes them and the words that name them.
var commands = []struct {
	name, do, undo, objects string
	family                  int
}{
	{name: "rule to rejects", do: "{ip} -n {ns} rule add pref 100 to {addr} prohibit", undo: "{ip} -n {ns} rule delete pref 100", objects: "100"},
	{name: "rule to rejects", do: "{ip} -n {ns} rule add pref 100 to {net} unreachable", undo: "{ip} -n {ns} rule delete pref 100", objects: "100"},
	{name: "rule to rejects", do: "{ip} -n {ns} rule add pref 101 to {net} blackhole", undo: "{ip} -n {ns} rule delete pref 101", objects: "101"},
	{name: "rule from rejects", do: "{ip} -n {ns} rule add pref 102 from {addr} prohibit", undo: "{ip} -n {ns} rule delete pref 102", objects: "102"},
	{name: "rule from rejects", do: "{ip} -n {ns} rule add pref 102 from {addr} blackhole", undo: "{ip} -n {ns} rule delete pref 102", objects: "102"},
	{name: "rule iif rejects", do: "{ip} -n {ns} rule add pref 103 iif {dev} unreachable", undo: "{ip} -n {ns} rule delete pref 103", objects: "103"},
	{name: "rule oif", do: "{ip} -n {ns} rule add pref 103 oif {dev} prohibit", undo: "{ip} -n {ns} rule delete pref 103", objects: "103"},
	{name: "rule ipproto", do: "{ip} -n {ns} rule add pref 104 ipproto {icmp} blackhole", undo: "{ip} -n {ns} rule delete pref 104", objects: "104"},
	{name: "rule fwmark", do: "{ip} -n {ns} rule add pref 104 fwmark 1 blackhole", undo: "{ip} -n {ns} rule delete pref 104", objects: "104"},
	{name: "rule table wrong hop", do: "{ip} -n {ns} route add {net} via {via} dev {dev} onlink table 100\n{ip} -n {ns} rule add pref 105 to {net} lookup 100", undo: "{ip} -n {ns} rule delete pref 105", objects: "105|table 100"},
	{name: "rule table default", do: "{ip} -n {ns} route add default via {via} dev {dev} onlink table 101\n{ip} -n {ns} rule add pref 105 lookup 101", undo: "{ip} -n {ns} rule delete pref 105", objects: "105|table 101"},
	{name: "rule table link", do: "{ip} -n {ns} route add {net} dev {dev} table 102\n{ip} -n {ns} rule add pref 106 to {net} lookup 102", undo: "{ip} -n {ns} rule delete pref 106", objects: "106|table 102"},
	{name: "rule table rejects", do: "{ip} -n {ns} route add blackhole {net} table 103\n{ip} -n {ns} rule add pref 107 to {net} lookup 103", undo: "{ip} -n {ns} rule delete pref 107", objects: "107|table 103"},
	{name: "rule table from", do: "{ip} -n {ns} route add default via {via} dev {dev} onlink table 104\n{ip} -n {ns} rule add pref 108 from {addr} lookup 104", undo: "{ip} -n {ns} rule delete pref 108", objects: "108|table 104"},
	{name: "rule table throw", do: "{ip} -n {ns} route add throw {net} table 105\n{ip} -n {ns} rule add pref 109 to {net} lookup 105", undo: "{ip} -n {ns} rule delete pref 109", objects: "109|table 105"},
	{name: "rule main missing", do: "{ip} -n {ns} rule delete pref 32766", undo: "{ip} -n {ns} rule add pref 32766 lookup main", objects: "32766"},
	{name: "rule suppress", do: "{ip} -n {ns} rule add pref 110 lookup main suppress_prefixlength 0\n{ip} -n {ns} rule delete pref 32766", undo: "{ip} -n {ns} rule add pref 32766 lookup main", objects: "32766|110"},
	{name: "route unicast", do: "{ip} -n {ns} route add {addr}/{width} via {via} dev {dev} onlink", undo: "{ip} -n {ns} route delete {addr}/{width} via {via}", objects: "{addr}|{net}"},
	{name: "route unicast static", do: "{ip} -n {ns} route add {net} via {via} dev {dev} onlink proto static metric 3", undo: "{ip} -n {ns} route delete {net} proto static", objects: "{net}"},
	{name: "route link", do: "{ip} -n {ns} route add {addr}/{width} dev {dev}", undo: "{ip} -n {ns} route delete {addr}/{width} dev {dev}", objects: "{addr}|{net}"},
	{name: "route rejects", do: "{ip} -n {ns} route add blackhole {addr}/{width}", undo: "{ip} -n {ns} route delete blackhole {addr}/{width}", objects: "{addr}|{net}"},
	{name: "route rejects", do: "{ip} -n {ns} route add unreachable {net} metric 9", undo: "{ip} -n {ns} route delete unreachable {net}", objects: "{net}"},
	{name: "route rejects", do: "{ip} -n {ns} route add prohibit {net} proto static", undo: "{ip} -n {ns} route delete prohibit {net}", objects: "{net}"},
	{name: "route throw", do: "{ip} -n {ns} route add throw {addr}/{width}", undo: "{ip} -n {ns} route delete throw {addr}/{width}", objects: "{addr}|{net}"},
	{name: "route default lower metric", do: "{ip} -n {ns} route add default via {via} dev {dev} onlink metric 1", undo: "{ip} -n {ns} route delete default metric 1", objects: "default|route|0.0.0.0/0|::/0"},
	{name: "route replaced", do: "{ip} -n {ns} route replace {net} via {via} dev {dev} onlink", undo: "{ip} -n {ns} route delete {net} via {via}", objects: "{net}"},
	{name: "route tos", do: "ip -n {ns} route add {net} tos 0x10 via {via} dev {dev} onlink", undo: "ip -n {ns} route delete {net} tos 0x10", objects: "{net}", family: 4},
	{name: "route mtu", do: "{ip} -n {ns} route add {net} via {via} dev {dev} onlink mtu lock 600", undo: "{ip} -n {ns} route delete {net} via {via}", objects: "{net}|600|MTU"},
	{name: "route hoplimit", do: "{ip} -n {ns} route add {net} via {via} dev {dev} onlink hoplimit 1", undo: "{ip} -n {ns} route delete {net} via {via}", objects: "{net}"},
	{name: "route source", do: "{ip} -n {ns} route add {addr}/{width} via {via} dev {dev} onlink src {own}", undo: "{ip} -n {ns} route delete {addr}/{width} via {via}", objects: "{net}|{addr}"},
	{name: "route ipv4 over itself", do: "{ip} -n {ns} route add {addr}/{width} via {via} dev {dev} onlink\n{ip} -n {ns2} route add {addr}/{width} dev {dev}", undo: "{ip} -n {ns} route delete {addr}/{width} via {via}", objects: "{net}|{addr}"},
	{name: "local route missing", do: "ip -n {ns} route delete local {own} table local dev {dev}", undo: "ip -n {ns} route add local {own} dev {dev} table local", objects: "{own}", family: 4},
	{name: "local route too many", do: "{ip} -n {ns} route add local {addr} dev lo table local", undo: "{ip} -n {ns} route delete local {addr} dev lo table local", objects: "{addr}"},
	{name: "local table rejects", do: "{ip} -n {ns} route add blackhole {addr} table local", undo: "{ip} -n {ns} route delete blackhole {addr} table local", objects: "{addr}|local"},
	{name: "connected route missing", do: "{ip} -n {ns} route delete {ownnet} dev {dev}", undo: "{ip} -n {ns} route add {ownnet} dev {dev} proto kernel scope link", objects: "{ownnet}|{dev}"},
	{name: "neighbour permanent", do: "{ip} -n {ns} neighbour replace {via} lladdr {mac} dev {dev} nud permanent", undo: "{ip} -n {ns} neighbour delete {via} dev {dev}", objects: "{via}|{mac}"},
	{name: "neighbour permanent of another", do: "{ip} -n {ns} neighbour replace {via} lladdr {othermac} dev {dev} nud permanent", undo: "{ip} -n {ns} neighbour delete {via} dev {dev}", objects: "{via}|{othermac}"},
	{name: "neighbour noarp", do: "{ip} -n {ns} neighbour replace {via} lladdr {mac} dev {dev} nud noarp", undo: "{ip} -n {ns} neighbour delete {via} dev {dev}", objects: "{via}|{mac}"},
	{name: "neighbour reachable", do: "{ip} -n {ns} neighbour replace {via} lladdr {mac} dev {dev} nud reachable", undo: "{ip} -n {ns} neighbour delete {via} dev {dev}", objects: "{via}|{mac}"},
	{name: "neighbour stale", do: "{ip} -n {ns} neighbour replace {via} lladdr {mac} dev {dev} nud stale", undo: "{ip} -n {ns} neighbour delete {via} dev {dev}", objects: "{via}|{mac}"},
	{name: "neighbour proxy", do: "{ip} -n {ns} neighbour add proxy {addr} dev {dev}\n{ip} netns exec {ns} sysctl -qw net.ipv6.conf.{dev}.proxy_ndp=1", undo: "{ip} -n {ns} neighbour delete proxy {addr} dev {dev}", objects: "{addr}|proxy"},
	{name: "address twin", do: "{ip} -n {ns} address add {addr}/{width} dev lo", undo: "{ip} -n {ns} address delete {addr}/{width} dev lo", objects: "{addr}"},
	{name: "address twin on a link", do: "{ip} -n {ns} address add {addr}/24 dev {dev}", undo: "{ip} -n {ns} address delete {addr}/24 dev {dev}", objects: "{addr}", family: 4},
	{name: "address twin on a link", do: "{ip} -n {ns} address add {addr}/64 dev {dev} nodad", undo: "{ip} -n {ns} address delete {addr}/64 dev {dev}", objects: "{addr}", family: 6},
	{name: "address too many", do: "{ip} -n {ns} address add {free} dev {dev}", undo: "{ip} -n {ns} address delete {free} dev {dev}", objects: "{free}|{dev}"},
	{name: "address of a wide prefix", do: "ip -n {ns} address add 10.254.254.254/7 dev {dev}", undo: "ip -n {ns} address delete 10.254.254.254/7 dev {dev}", objects: "10.254.254.254", family: 4},
	{name: "address deleted", do: "{ip} -n {ns} address delete {ownprefix} dev {dev}", undo: "{ip} -n {ns} address add {ownprefix} dev {dev}", objects: "{own}|{ownprefix}"},
	{name: "addresses flushed", do: "{ip} -n {ns} address flush dev {dev}", undo: "{ip} -n {ns} address add {ownprefix} dev {dev}", objects: "{own}|{ownprefix}|{dev}"},
	{name: "address deprecated", do: "{ip} -n {ns} address change {ownprefix} dev {dev} preferred_lft 0", undo: "{ip} -n {ns} address change {ownprefix} dev {dev}", objects: "{own}"},
	{name: "address of host scope", do: "ip -n {ns} address delete {ownprefix} dev {dev}\nip -n {ns} address add {ownprefix} dev {dev} scope host", undo: "ip -n {ns} address delete {ownprefix} dev {dev}; ip -n {ns} address add {ownprefix} dev {dev}", objects: "{own}", family: 4},
	{name: "address with a peer", do: "ip -n {ns} address delete {ownprefix} dev {dev}\nip -n {ns} address add {own} peer 192.168.77.1 dev {dev}", undo: "ip -n {ns} address delete {own} peer 192.168.77.1 dev {dev}; ip -n {ns} address add {ownprefix} dev {dev}", objects: "{own}", family: 4},
	{name: "link down", do: "ip -n {ns} link set {dev} down", undo: "ip -n {ns} link set {dev} up", objects: "interface {dev}|{dev}"},
	{name: "link down and up", do: "ip -n {ns} link set {dev} down\nip -n {ns} link set {dev} up", undo: "true", objects: "{dev}|route|address"},
	{name: "lo down", do: "ip -n {ns} link set lo down", undo: "ip -n {ns} link set lo up", objects: "lo"},
	{name: "link without ARP", do: "ip -n {ns} link set {dev} arp off", undo: "ip -n {ns} link set {dev} arp on", objects: "{dev}"},
	{name: "link without multicast", do: "ip -n {ns} link set {dev} multicast off", undo: "ip -n {ns} link set {dev} multicast on", objects: "{dev}"},
	{name: "link MAC", do: "ip -n {ns} link set {dev} address {mac}", undo: "true", objects: "{mac}|{dev}"},
	{name: "link MAC of another", do: "ip -n {ns} link set {dev} address {othermac}", undo: "true", objects: "{othermac}|{dev}"},
	{name: "link MTU", do: "ip -n {ns} link set {dev} mtu 700", undo: "true", objects: "MTU|{dev}"},
	{name: "link MTU", do: "ip -n {ns} link set {dev} mtu 1279", undo: "true", objects: "MTU|{dev}"},
	{name: "link renamed", do: "ip -n {ns} link set {dev} down\nip -n {ns} link set {dev} name xx9\nip -n {ns} link set xx9 up", undo: "true", objects: "{dev}|xx9|address|route"},
	{name: "link of another group", do: "ip -n {ns} link set {dev} group 7", undo: "true", objects: "{dev}"},
	{name: "link deleted", do: "ip -n {ns} link delete {dev}", undo: "true", objects: "{dev}|link|address|route"},
	{name: "link moved to another namespace", do: "ip -n {ns} link set {dev} netns {ns2}", undo: "true", objects: "{dev}|link|address|route"},
	{name: "link enslaved", do: "ip -n {ns} link add xbr type bridge\nip -n {ns} link set xbr up\nip -n {ns} link set {dev} master xbr", undo: "ip -n {ns} link delete xbr", objects: "{dev}|xbr"},
	{name: "link too many", do: "ip -n {ns} link add x0 type veth peer name x1\nip -n {ns} address add {free} dev x0\nip -n {ns} link set x0 up\nip -n {ns} link set x1 up", undo: "ip -n {ns} link delete x0", objects: "x0"},
	{name: "link too many takes a prefix", do: "ip -n {ns} link add x0 type veth peer name x1\nip -n {ns} link set x0 up\nip -n {ns} link set x1 up\nip -n {ns} route add {addr}/{width} dev x0", undo: "ip -n {ns} link delete x0", objects: "x0|{addr}"},
	{name: "qdisc drops", do: "tc -n {ns} qdisc replace dev {dev} root bfifo limit 1", undo: "tc -n {ns} qdisc delete dev {dev} root", objects: "{dev}|qdisc"},
	{name: "qdisc tbf", do: "tc -n {ns} qdisc replace dev {dev} root tbf rate 1kbit burst 40 limit 40", undo: "tc -n {ns} qdisc delete dev {dev} root", objects: "{dev}|qdisc"},
	{name: "qdisc htb", do: "tc -n {ns} qdisc replace dev {dev} root handle 9: htb default 1\ntc -n {ns} class add dev {dev} parent 9: classid 9:1 htb rate 8bit", undo: "tc -n {ns} qdisc delete dev {dev} root", objects: "{dev}|qdisc"},
	{name: "ingress filter", do: "tc -n {ns} qdisc add dev {dev} ingress", undo: "tc -n {ns} qdisc delete dev {dev} ingress", objects: "{dev}|qdisc"},
	{name: "packet filter in", do: "ip netns exec {ns} {iptables} -A INPUT -p {icmp} -j DROP", undo: "ip netns exec {ns} {iptables} -F INPUT", objects: "filter"},
	{name: "packet filter out", do: "ip netns exec {ns} {iptables} -A OUTPUT -p {icmp} -j DROP", undo: "ip netns exec {ns} {iptables} -F OUTPUT", objects: "filter"},
	{name: "packet filter forward", do: "ip netns exec {ns} {iptables} -A FORWARD -d {addr} -j DROP", undo: "ip netns exec {ns} {iptables} -F FORWARD", objects: "filter"},
	{name: "packet filter rejects", do: "ip netns exec {ns} {iptables} -A FORWARD -s {addr} -j REJECT", undo: "ip netns exec {ns} {iptables} -F FORWARD", objects: "filter"},
	{name: "packet filter policy", do: "ip netns exec {ns} {iptables} -P FORWARD DROP", undo: "ip netns exec {ns} {iptables} -P FORWARD ACCEPT", objects: "filter"},
	{name: "packet filter raw", do: "ip netns exec {ns} {iptables} -t raw -A PREROUTING -s {addr} -j DROP", undo: "ip netns exec {ns} {iptables} -t raw -F", objects: "filter"},
	{name: "packet filter mangle", do: "ip netns exec {ns} {iptables} -t mangle -A POSTROUTING -d {addr} -j DROP", undo: "ip netns exec {ns} {iptables} -t mangle -F", objects: "filter"},
	{name: "NAT source", do: "ip netns exec {ns} {iptables} -t nat -A POSTROUTING -j SNAT --to-source {addr}", undo: "ip netns exec {ns} {iptables} -t nat -F", objects: "nat|filter"},
	{name: "NAT destination", do: "ip netns exec {ns} {iptables} -t nat -A PREROUTING -d {addr} -j DNAT --to-destination {via}", undo: "ip netns exec {ns} {iptables} -t nat -F", objects: "nat|filter"},
	{name: "NAT masquerade", do: "ip netns exec {ns} {iptables} -t nat -A POSTROUTING -j MASQUERADE", undo: "ip netns exec {ns} {iptables} -t nat -F", objects: "nat|filter"},
	{name: "IPsec policy", do: "ip -n {ns} xfrm policy add dir out dst {net} action block", undo: "ip -n {ns} xfrm policy flush", objects: "policy|xfrm"},
	{name: "IPsec policy", do: "ip -n {ns} xfrm policy add dir fwd dst {net} action block", undo: "ip -n {ns} xfrm policy flush", objects: "policy|xfrm"},
	{name: "static MAC entry", do: "bridge -n {ns} fdb replace {othermac} dev {dev} master static", undo: "bridge -n {ns} fdb delete {othermac} dev {dev} master", objects: "{othermac}"},
	{name: "static MAC entry of the port", do: "bridge -n {ns} fdb append {othermac} dev {dev} self", undo: "bridge -n {ns} fdb delete {othermac} dev {dev} self", objects: "{othermac}"},
	{name: "bridge STP", do: "ip -n {ns} link set {dev} type bridge stp_state 1", undo: "true", objects: "stp|STP|{dev}|spanning tree"},
	{name: "port isolated", do: "bridge -n {ns} link set dev {dev} isolated on\nbridge -n {ns} link set dev {dev2} isolated on", undo: "true", objects: "{dev}|{dev2}"},
	{name: "port state", do: "bridge -n {ns} link set dev {dev} state 4", undo: "true", objects: "{dev}"},
	{name: "port released", do: "ip -n {ns} link set {dev} nomaster", undo: "true", objects: "{dev}"},
	{name: "forwarding off on an interface", do: "ip netns exec {ns} sysctl -qw net.ipv4.conf.{dev}.forwarding=0", undo: "true", objects: "forwarding", family: 4},
	{name: "disable_ipv6", do: "ip netns exec {ns} sysctl -qw net.ipv6.conf.{dev}.disable_ipv6=1", undo: "true", objects: "disable_ipv6|IPv6|address|{dev}", family: 6},
	{name: "route nexthop object", do: "{ip} -n {ns} nexthop add id 77 via {via} dev {dev} onlink\n{ip} -n {ns} route add {addr}/{width} nhid 77", undo: "{ip} -n {ns} route delete {addr}/{width}", objects: "{addr}|{net}"},
	{name: "nexthop object blackhole", do: "{ip} -n {ns} nexthop add id 78 blackhole\n{ip} -n {ns} route add {addr}/{width} nhid 78", undo: "{ip} -n {ns} route delete {addr}/{width}", objects: "{addr}|{net}"},
	{name: "route of two legs", do: "{ip} -n {ns} route add {addr}/{width} nexthop via {via} dev {dev} onlink nexthop dev {dev2} weight 200", undo: "{ip} -n {ns} route delete {addr}/{width}", objects: "{addr}|{net}"},
}

// attributeFault changes an attribute of an interface, which only its value need not allow.
func (x *trial) attributeFault() (fault, bool) {
	v, ok := x.words()
	if !ok {
		return fault{}, false
	}
	link := x.lab.Want[v.ns].Links[v.dev]
	attributes := slices.DeleteFunc(state.LinkAttributes(), func(a state.LinkAttribute) bool { return !a.Of(link) })
	attribute := pick(x, attributes)
	undo := state.ResetAttribute{AttributeID: state.AttributeID{Namespace: v.ns, AttributeKey: state.AttributeKey{Link: v.dev, Attribute: attribute}}}.String()
	before, value, _ := cutLast(undo, " ")
	other := map[string]string{"on": "off", "off": "on", "0": "1", "1": "0"}[value]
	if other == "" {
		other = pick(x, []string{"0", "1", "2", "50", "dormant", "02:00:00:00:00:99"})
	}
	if attribute == state.PortState {
		other = pick(x, []string{"1", "2", "4"})
	}
	do := before + " " + other
	if _, err := x.shell(do); err != nil {
		return fault{}, false
	}
	return fault{kind: "attribute " + string(attribute), what: do, nodes: []string{v.node}, objects: []string{v.dev}}, true
}

// settingFault writes another number to any file below /proc/sys/net.
func (x *trial) settingFault() (fault, bool) {
	v, ok := x.words()
	if !ok {
		return fault{}, false
	}
	directories := fmt.Sprintf("/proc/sys/net/ipv4/conf/%[1]s /proc/sys/net/ipv4/conf/all /proc/sys/net/ipv4/neigh/%[1]s", v.dev)
	if v.addr.Is6() {
		directories = fmt.Sprintf("/proc/sys/net/ipv6/conf/%[1]s /proc/sys/net/ipv6/conf/all /proc/sys/net/ipv6/neigh/%[1]s /proc/sys/net/ipv6/icmp", v.dev)
	}
	if x.chance(20) {
		directories = "-maxdepth 1 /proc/sys/net/ipv4 /proc/sys/net/ipv6"
	}
	list, err := x.shell(fmt.Sprintf("ip netns exec %s find %s -type f -perm -u=w", v.ns, directories))
	if err != nil || list == "" {
		return fault{}, false
	}
	files := strings.Fields(list)
	slices.Sort(files)
	file := pick(x, files)
	was, err := x.shell(fmt.Sprintf("ip netns exec %s cat %s", v.ns, file))
	if err != nil || len(strings.Fields(was)) != 1 {
		return fault{}, false
	}
	now := pick(x, []string{"0", "1", "2", "8", "100"})
	if _, err := x.shell(fmt.Sprintf("ip netns exec %s sh -c 'echo %s > %s'", v.ns, now, file)); err != nil || now == was {
		return fault{}, false
	}
	_, short, _ := cutLast(file, "/")
	return fault{
		kind: "sysctl " + short, what: fmt.Sprintf("%s: %s is %s, was %s", v.node, file, now, was), nodes: []string{v.node}, objects: []string{short, strings.ReplaceAll(short, "_", " ")},
		undo: fmt.Sprintf("ip netns exec %s sh -c 'echo %s > %s'", v.ns, was, file),
	}, true
}

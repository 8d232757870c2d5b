// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// foreignFault adds an object that is not the lab's, changes an attribute, or any setting there is.
func (x *trial) foreignFault() (fault, bool) {
	switch kind := x.IntN(10); {
	case x.kind != "":
	case kind < 1:
		return x.attributeFault()
	case kind < 3:
		return x.settingFault()
	}
	v, ok := x.words()
	if !ok {
		return fault{}, false
	}
	c := pick(x, commandsOf(x.kind))
	if c.family == 4 && !v.addr.Is4() || c.family == 6 && v.addr.Is4() {
		return fault{}, false
	}
	do, undo := v.fill(c.do), v.fill(c.undo)
	if _, err := exec.LookPath("iptables"); placeholder.MatchString(do) || err != nil && strings.Contains(do, "tables -") {
		return fault{}, false
	}
	if _, err := x.shell("set -e\n" + do); err != nil {
		return fault{}, x.restart()
	}
	nodes := []string{v.node}
	if strings.Contains(c.do, "{ns2}") {
		nodes = append(nodes, v.node2)
	}
	return fault{kind: c.name, what: do, undo: undo, undoAll: undo, nodes: nodes, objects: strings.Split(v.fill(c.objects), "|")}, true
}

// commandsOf are the commands whose names contain a text.
func commandsOf(kind string) []command {
	return slices.DeleteFunc(slices.Clone(commands), func(c command) bool { return !strings.Contains(c.name, kind) })
}

// words are what the placeholders of commands stand for.
type words struct {
	node, node2, ns, ns2, dev, dev2 string
	// label is the owner label of ns.
	label string
	// addr is the destination or the source of a ping, net its prefix.
	addr netip.Addr
	net  netip.Prefix
	// own is an address of the node, via one of a neighbour, on dev.
	own        netip.Prefix
	via        netip.Addr
	mac, other state.MAC
	// ownMAC is that of dev, own2 an address of dev2.
	ownMAC state.MAC
	own2   netip.Prefix
}

// words chooses a node, an interface with a neighbour, and an address that a ping needs.
func (x *trial) words() (words, bool) {
	var v words
	v.node, v.node2 = pick(x, x.lab.Nodes), pick(x, x.lab.Nodes)
	if p := pick(x, x.probes); x.chance(50) {
		v.node = pick(x, []string{p.From, p.Target})
	}
	v.ns, v.ns2 = x.id.NetworkNamespace(v.node), x.id.NetworkNamespace(v.node2)
	v.label = x.id.Owner.Label(v.node)
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
	v.own, v.own2, v.ownMAC = x.addressOn(v.ns, v.dev, v.addr), x.addressOn(v.ns, v.dev2, v.addr), x.macOf(v.ns, v.dev)
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

// addressOn is an address of an interface, of the family of another one.
func (x *trial) addressOn(namespace, link string, like netip.Addr) (own netip.Prefix) {
	for a := range x.lab.Want[namespace].Addresses {
		if a.Link == link && a.Prefix.Addr().Is4() == like.Is4() && !state.IsLinkLocal(a.Prefix.Addr()) && (!own.IsValid() || a.Prefix.Addr().Less(own.Addr())) {
			own = a.Prefix
		}
	}
	return own
}

// macOf is the MAC address that an interface has now.
func (x *trial) macOf(namespace, link string) (mac state.MAC) {
	seen, err := x.k.Observe(x.ctx, x.id, x.lab.Want)
	if err != nil {
		return mac
	}
	return seen.State[namespace].Links[link].MAC
}

func (v words) fill(text string) string {
	ip, tables, proto, width := "ip", "iptables", "icmp", "32"
	if v.addr.Is6() {
		ip, tables, proto, width = "ip -6", "ip6tables", "icmpv6", "128"
	}
	pairs := []string{
		"{ip}", ip, "{iptables}", tables, "{icmp}", proto, "{width}", width, "{ns}", v.ns, "{ns2}", v.ns2, "{node}", v.node, "{node2}", v.node2, "{dev}", v.dev, "{dev2}", v.dev2,
		"{addr}", v.addr.String(), "{net}", v.net.String(), "{label}", v.label, "{mac}", v.mac.String(), "{solicited}", solicited(v.addr).String(), "{othermac}", v.other.String(),
	}
	if v.own.IsValid() {
		pairs = append(pairs, "{own}", v.own.Addr().String(), "{ownprefix}", v.own.String(), "{ownnet}", v.own.Masked().String(), "{free}", netip.PrefixFrom(free(v.own), v.own.Bits()).String())
	}
	if v.ownMAC != (state.MAC{}) {
		pairs = append(pairs, "{ownmac}", v.ownMAC.String())
	}
	if v.own2.IsValid() {
		pairs = append(pairs, "{ownprefix2}", v.own2.String())
	}
	if v.via.IsValid() {
		pairs = append(pairs, "{via}", v.via.String())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// placeholder is one that stands for nothing.
var placeholder = regexp.MustCompile(`\{[a-z0-9]+\}`)

// solicited is the multicast group in which an IPv6 address is asked for.
func solicited(a netip.Addr) netip.Addr {
	last, group := a.As16(), netip.MustParseAddr("ff02::1:ff00:0").As16()
	copy(group[13:], last[13:])
	return netip.AddrFrom16(group)
}

// free is an address of a prefix that probably no node has.
func free(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	for range 99 {
		a = a.Next()
	}
	return a
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

// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/lab"
	"github.com/netlab-dev/netlab/controllers/state"
)

// Mutate changes one to three things of a lab to what people seldom write, and names the kinds of change.
// The result need not be valid.
func (g *Generator) Mutate(id state.Identity, spec *v1alpha1.NetLabSpec) (mutant *v1alpha1.NetLabSpec, kinds []string) {
	d := &draft{Generator: g, spec: spec.DeepCopy(), style: g.style(), subnets: 1000 + g.IntN(20_000)}
	for want := 1 + g.IntN(3); len(kinds) < want; {
		m := &mutator{draft: d, nodes: map[string]compiledNode{}}
		m.compile(id)
		kind := mutations[g.IntN(len(mutations))]
		if kind.do(m) {
			kinds = append(kinds, kind.name)
		}
	}
	return d.spec, kinds
}

// Mutations are the names of the kinds of change.
func Mutations() []string {
	names := make([]string, len(mutations))
	for i, m := range mutations {
		names[i] = m.name
	}
	return names
}

// mutations are the kinds of change. Each returns whether it applies.
var mutations = []struct {
	name string
	do   func(*mutator) bool
}{
	{"prefix lengths of a link", (*mutator).writeLink},
	{"prefix length of an end", (*mutator).changeLength},
	{"special address", (*mutator).writeSpecial},
	{"address of another node", (*mutator).copyAddress},
	{"prefix of a subnet", (*mutator).changeCIDR},
	{"route via an address", (*mutator).routeViaAddress},
	{"route via a name", (*mutator).routeViaName},
	{"route on link", (*mutator).routeOnLink},
	{"link route", (*mutator).linkRoute},
	{"gateway behind a link route", (*mutator).routeBehindLinkRoute},
	{"reject route", (*mutator).rejectRoute},
	{"route with several next hops", (*mutator).multipath},
	{"route again with another metric", (*mutator).repeatRoute},
	{"source of a route", (*mutator).changeSource},
	{"MTU", (*mutator).changeMTUs},
	{"MAC", (*mutator).changeMACs},
	{"sysctl", (*mutator).changeSetting},
	{"loopback", (*mutator).addLoopback},
	{"address of a switch", (*mutator).addSwitchAddress},
	{"subinterface", (*mutator).addSubinterface},
	{"name", (*mutator).changeName},
	{"interface name", (*mutator).changeInterface},
	{"link down", (*mutator).cutLink},
	{"forwarding", (*mutator).changeForwarding},
	{"routing", (*mutator).changeRouting},
	{"neighbours", (*mutator).changeNeighbors},
	{"parallel link", (*mutator).addParallel},
	{"impairment", (*mutator).changeImpairments},
}

// mutator is a draft and what it compiles to.
type mutator struct {
	*draft
	names []string
	nodes map[string]compiledNode
}

// compiledNode is what a node of the lab has before the change; nothing where the lab is not valid.
type compiledNode struct {
	links     []string
	addresses []netip.Prefix
}

func (m *mutator) compile(id state.Identity) {
	m.names = lab.NodeNames(m.spec)
	compiled, err := lab.Compile(id, m.spec, lab.Options{})
	if err != nil {
		return
	}
	for _, name := range m.names {
		rows := compiled.Want[id.NetworkNamespace(name)]
		node := compiledNode{links: slices.Sorted(maps.Keys(rows.Links))}
		for key := range rows.Addresses {
			node.addresses = append(node.addresses, key.Prefix)
		}
		slices.SortFunc(node.addresses, comparePrefixes)
		m.nodes[name] = node
	}
}

func comparePrefixes(a, b netip.Prefix) int {
	if order := a.Addr().Compare(b.Addr()); order != 0 {
		return order
	}
	return a.Bits() - b.Bits()
}

// config is that of any node, switches included.
func (m *mutator) config() (*v1alpha1.NodeConfig, string) {
	all := configs(m.spec)
	if len(all) == 0 {
		return nil, ""
	}
	i := m.IntN(len(all))
	return all[i], m.names[i]
}

// known is an address of any node, or the address itself of one of them.
func (m *mutator) known(nodes ...string) netip.Prefix {
	var all []netip.Prefix
	for _, name := range nodes {
		all = append(all, m.nodes[name].addresses...)
	}
	if len(all) == 0 {
		return m.smallPrefix(m.chance(50))
	}
	return pick(m.Generator, all...)
}

// near is an address in or beside a prefix: the address itself, the network's, the broadcast address or
// one between.
func (m *mutator) near(p netip.Prefix) netip.Addr {
	first, last := p.Masked().Addr(), lastOf(p)
	return pick(m.Generator, p.Addr(), first, last, first.Next(), last.Prev(), p.Addr().Next(), last.Next())
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func valid(a netip.Addr) string {
	if !a.IsValid() {
		return "10.77.0.1"
	}
	return a.String()
}

// lengths are prefix lengths that collide.
var lengths = map[bool][]int{
	false: {0, 1, 8, 23, 24, 25, 28, 29, 30, 30, 31, 31, 32, 32},
	true:  {0, 1, 8, 48, 63, 64, 64, 65, 120, 126, 127, 127, 128, 128},
}

// smallPrefix is an address of few, so that two of them often meet, with any length.
func (m *mutator) smallPrefix(six bool) netip.Prefix {
	host := pick(m.Generator, 0, 1, 2, 3, 4, 6, 7, 8, 127, 128, 254, 255)
	text := fmt.Sprintf("10.77.%d.%d", m.IntN(2), host)
	if six {
		text = fmt.Sprintf("fd77::%d:%x", m.IntN(2), host)
	}
	return netip.PrefixFrom(netip.MustParseAddr(text), pick(m.Generator, lengths[six]...))
}

// freeEnd is an end of a link that is not at a switch.
func (m *mutator) freeEnd() *v1alpha1.Endpoint {
	switches := newWiring(m.spec).switches
	var ends []*v1alpha1.Endpoint
	for i := range m.spec.Links {
		for j := range m.spec.Links[i].Endpoints {
			if e := &m.spec.Links[i].Endpoints[j]; switches[e.Name] == nil {
				ends = append(ends, e)
			}
		}
	}
	if len(ends) == 0 {
		return nil
	}
	return pick(m.Generator, ends...)
}

// freeLink is a link of which no end is at a switch.
func (m *mutator) freeLink() *v1alpha1.Link {
	switches := newWiring(m.spec).switches
	var links []*v1alpha1.Link
	for i := range m.spec.Links {
		l := &m.spec.Links[i]
		if switches[l.Endpoints[0].Name] == nil && switches[l.Endpoints[1].Name] == nil {
			links = append(links, l)
		}
	}
	if len(links) == 0 {
		return nil
	}
	return pick(m.Generator, links...)
}

func (m *mutator) writeLink() bool {
	l := m.freeLink()
	if l == nil {
		return false
	}
	six := m.chance(40)
	for i := range l.Endpoints {
		l.Endpoints[i].Addresses = []string{m.smallPrefix(six).String()}
		if m.chance(20) {
			l.Endpoints[i].Addresses = append(l.Endpoints[i].Addresses, m.smallPrefix(m.chance(50)).String())
		}
	}
	if m.chance(60) {
		l.Subnet = ""
	}
	return true
}

// changeLength writes an end's own address with another prefix length, or another address of its prefix.
func (m *mutator) changeLength() bool {
	e := m.freeEnd()
	if e == nil {
		return false
	}
	p := m.known(e.Name)
	if m.chance(30) {
		p = netip.PrefixFrom(m.near(p), p.Bits())
	}
	if !p.Addr().IsValid() {
		return false
	}
	p = netip.PrefixFrom(p.Addr(), pick(m.Generator, append(lengths[p.Addr().Is6()], max(0, p.Bits()-1), min(p.Addr().BitLen(), p.Bits()+1))...))
	e.Addresses = append(e.Addresses, p.String())
	if m.chance(50) {
		e.Addresses = e.Addresses[len(e.Addresses)-1:]
	}
	return true
}

// special are addresses with a meaning of their own.
var special = []string{
	"0.0.0.0/0", "0.0.0.1/8", "0.1.2.3/24", "0.0.0.5/0", "10.0.0.1/0", "10.0.0.1/1", "100.64.0.1/10", "127.0.0.1/8", "127.1.2.3/32", "126.0.0.1/6",
	"128.0.0.1/1", "169.254.1.1/16", "169.254.0.0/16", "192.88.99.1/24", "224.0.0.5/24", "239.255.255.255/32", "240.0.0.1/4", "250.0.0.1/24",
	"255.255.255.254/31", "255.255.255.253/30", "255.255.255.255/32", "255.0.0.1/8", "223.255.255.255/3",
	"::/128", "::1/128", "::2/127", "::2/64", "::10.0.0.1/96", "::ffff:10.0.0.1/120", "64:ff9b::1/96", "100::1/64", "2001:db8::1/0", "fd00::9/0", "fd00::9/1",
	"2002:a00:1::1/48", "2001::1/32", "2000::/3", "8000::1/1", "fc00::1/7", "fe00::1/7", "fe80::1/64", "fe80::/64", "fe80::2/10", "fe80::3/128", "fe80:1::4/64",
	"febf::1/64", "fec0::1/64", "ff02::1/64", "ff00::/8", "fd00:5::/64", "fd00:5::fdff:ffff:ffff:ff80/64",
}

func (m *mutator) writeSpecial() bool {
	e := m.freeEnd()
	if e == nil {
		return false
	}
	e.Addresses = append(e.Addresses, pick(m.Generator, special...))
	return true
}

func (m *mutator) copyAddress() bool {
	e := m.freeEnd()
	if e == nil {
		return false
	}
	p := m.known(m.names...)
	if m.chance(50) {
		p = netip.PrefixFrom(p.Addr(), pick(m.Generator, lengths[p.Addr().Is6()]...))
	}
	e.Addresses = append(e.Addresses, p.String())
	return true
}

func (m *mutator) changeCIDR() bool {
	if len(m.spec.Subnets) == 0 {
		return false
	}
	s := &m.spec.Subnets[m.IntN(len(m.spec.Subnets))]
	p := m.smallPrefix(m.chance(40))
	if m.chance(30) {
		p = netip.MustParsePrefix(pick(m.Generator, special...))
	}
	if m.chance(30) {
		p = netip.PrefixFrom(m.known(m.names...).Addr(), pick(m.Generator, lengths[p.Addr().Is6()]...))
	}
	if !p.IsValid() {
		return false
	}
	s.CIDRs = []string{p.Masked().String()}
	return true
}

// destinations are prefixes with a meaning of their own.
var destinations = []string{
	"default", "0.0.0.0/0", "::/0", "0.0.0.0/1", "8000::/1", "10.0.0.0/8", "10.200.0.0/16", "fd00::/8", "fd00:200::/32", "0.0.0.0/8", "0.0.0.0/32", "127.0.0.0/8", "127.0.0.1/32",
	"169.254.0.0/16", "224.0.0.0/4", "224.0.0.1/32", "240.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128", "::/96", "::ffff:0:0/96", "fe80::/64",
	"fe80::/10", "fe80::1/128", "ff00::/8", "ff02::1/128", "203.0.113.7/32", "2001:db8::7/128",
}

// to is a destination: a special one, a subnet, or a prefix at or around an address of the lab.
func (m *mutator) to() string {
	if len(m.spec.Subnets) > 0 && m.chance(20) {
		return pick(m.Generator, m.spec.Subnets...).Name
	}
	if m.chance(45) {
		return pick(m.Generator, destinations...)
	}
	p := m.known(m.names...)
	bits := pick(m.Generator, append(lengths[p.Addr().Is6()], p.Bits(), min(p.Addr().BitLen(), p.Bits()+1), p.Addr().BitLen(), max(0, p.Bits()-1))...)
	return netip.PrefixFrom(p.Addr(), bits).Masked().String()
}

func (m *mutator) metric() int64 {
	return pick(m.Generator, int64(0), 0, 0, 0, 1, 10, 255, 256, 257, 1023, 1024, 1025, 2147483647)
}

// neighbours are the nodes on links with a node, and a switch's.
func (m *mutator) neighbours(name string) []string {
	var found []string
	w := newWiring(m.spec)
	all := w.segmentsOf(false)
	ends := w.ends()
	for _, e := range ends {
		for _, o := range ends {
			if e.node == name && o.node != name && all.of(o.portAtVLAN) == all.of(e.portAtVLAN) {
				found = append(found, o.node)
			}
		}
	}
	return found
}

// via is a next hop as an address: mostly a neighbour's, or one near an own one.
func (m *mutator) via(node string) string {
	switch near := m.neighbours(node); {
	case len(near) > 0 && m.chance(55):
		return m.known(pick(m.Generator, near...)).Addr().String()
	case m.chance(60):
		return valid(m.near(m.known(node)))
	}
	return pick(m.Generator, valid(m.known(m.names...).Addr()), valid(m.smallPrefix(m.chance(40)).Addr()), "fe80::1", "fe80::", "169.254.1.1", "0.0.0.0", "0.0.0.9", "240.0.0.9", "::", "::5", "255.255.255.255", "224.0.0.1", "ff02::1", "::ffff:10.0.0.1", "203.0.113.1", "2001:db8::1")
}

// link is any link of a node, often none.
func (m *mutator) link(node string, percent int) string {
	var links []string
	for _, l := range m.spec.Links {
		for _, e := range l.Endpoints {
			if e.Name == node {
				links = append(links, l.Name)
			}
		}
	}
	if len(links) == 0 || !m.chance(percent) {
		return ""
	}
	return pick(m.Generator, links...)
}

// add adds a route to a node.
func (m *mutator) add(c *v1alpha1.NodeConfig, r v1alpha1.Route) bool {
	c.Routes = append(c.Routes, r)
	if m.chance(15) {
		m.Shuffle(len(c.Routes), func(i, j int) { c.Routes[i], c.Routes[j] = c.Routes[j], c.Routes[i] })
	}
	return true
}

func (m *mutator) routeViaAddress() bool {
	c, node := m.config()
	return c != nil && m.add(c, v1alpha1.Route{To: m.to(), Via: m.via(node), Link: m.link(node, 40), Metric: m.metric()})
}

func (m *mutator) routeViaName() bool {
	c, node := m.config()
	if c == nil {
		return false
	}
	via, link, ok := m.anyNeighbour(node)
	if m.chance(20) {
		link = m.link(node, 50)
	}
	return ok && m.add(c, v1alpha1.Route{To: m.to(), Via: via, Link: link, Metric: m.metric()})
}

func (m *mutator) routeOnLink() bool {
	c, node := m.config()
	return c != nil && m.add(c, v1alpha1.Route{To: m.to(), Via: m.via(node), Link: m.link(node, 100), OnLink: true, Metric: m.metric()})
}

func (m *mutator) linkRoute() bool {
	c, node := m.config()
	return c != nil && m.add(c, v1alpha1.Route{To: m.to(), Link: m.link(node, 100), Metric: m.metric()})
}

func (m *mutator) routeBehindLinkRoute() bool {
	c, node := m.config()
	if c == nil {
		return false
	}
	via, err := netip.ParseAddr(m.via(node))
	if err != nil {
		return false
	}
	l := m.link(node, 100)
	bits := pick(m.Generator, via.BitLen(), via.BitLen(), via.BitLen()-8, 0)
	m.add(c, v1alpha1.Route{To: netip.PrefixFrom(via, bits).Masked().String(), Link: l, Metric: m.metric()})
	return m.add(c, v1alpha1.Route{To: m.to(), Via: via.String(), Link: pick(m.Generator, l, "", m.link(node, 100)), Metric: m.metric()})
}

func (m *mutator) rejectRoute() bool {
	c, _ := m.config()
	kind := pick(m.Generator, v1alpha1.RouteBlackhole, v1alpha1.RouteUnreachable, v1alpha1.RouteProhibit)
	return c != nil && m.add(c, v1alpha1.Route{To: m.to(), Type: kind, Metric: m.metric()})
}

func (m *mutator) multipath() bool {
	c, node := m.config()
	if c == nil {
		return false
	}
	r := v1alpha1.Route{To: m.to(), Metric: m.metric()}
	for range 1 + m.IntN(3) {
		h := v1alpha1.NextHop{Via: m.via(node), Link: m.link(node, 60)}
		if via, link, ok := m.anyNeighbour(node); ok && m.chance(80) {
			h = v1alpha1.NextHop{Via: via, Link: link}
		}
		h.Weight = pick(m.Generator, int32(0), 1, 2, 255, 256)
		r.NextHops = append(r.NextHops, h)
	}
	return m.add(c, r)
}

// anyNeighbour is a node on a segment of another, and the link to it.
func (m *mutator) anyNeighbour(node string) (via, link string, ok bool) {
	w := newWiring(m.spec)
	all, ends := w.segmentsOf(false), w.ends()
	m.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	for _, e := range ends {
		for _, o := range ends {
			if e.node == node && o.node != node && all.of(o.portAtVLAN) == all.of(e.portAtVLAN) {
				return o.node, e.ifaceName(), true
			}
		}
	}
	return "", "", false
}

func (m *mutator) repeatRoute() bool {
	c, _ := m.config()
	if c == nil || len(c.Routes) == 0 {
		return false
	}
	r := pick(m.Generator, c.Routes...)
	r.Metric = m.metric()
	return m.add(c, r)
}

func (m *mutator) changeSource() bool {
	c, node := m.config()
	if c == nil || len(c.Routes) == 0 {
		return false
	}
	r := &c.Routes[m.IntN(len(c.Routes))]
	r.Src = m.known(node).Addr().String()
	return true
}

func (m *mutator) changeMTUs() bool {
	if len(m.spec.Links) == 0 {
		return false
	}
	l := &m.spec.Links[m.IntN(len(m.spec.Links))]
	mtu := func() v1alpha1.MTU {
		return pick(m.Generator, v1alpha1.MTU(68), 69, 576, 1279, 1280, 1281, 1500, 9000, 65535)
	}
	if m.chance(40) {
		l.MTU = mtu()
	} else {
		l.Endpoints[m.IntN(2)].MTU = mtu()
	}
	return true
}

func (m *mutator) changeMACs() bool {
	e := m.freeEnd()
	if e == nil {
		return false
	}
	e.MAC = pick(m.Generator, "00:00:00:00:00:01", "02:00:00:00:00:00", "FE:FF:FF:FF:FF:FF", "fe:ff:ff:ff:ff:fe", "00:0a:0b:0c:0d:0e", "02:00:00:00:00:01", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00")
	return true
}

var settingNames = strings.Fields(`
net.ipv4.conf.all.rp_filter net.ipv4.conf.default.rp_filter net.ipv4.conf.all.arp_ignore net.ipv4.conf.default.arp_ignore
net.ipv4.conf.all.arp_announce net.ipv4.conf.default.arp_announce net.ipv4.conf.all.proxy_arp net.ipv4.conf.default.proxy_arp
net.ipv4.conf.all.accept_redirects net.ipv4.conf.default.accept_redirects net.ipv4.conf.all.send_redirects
net.ipv4.conf.default.send_redirects net.ipv4.conf.all.log_martians net.ipv4.conf.default.log_martians
net.ipv4.conf.all.accept_source_route net.ipv4.conf.default.accept_source_route net.ipv4.ip_default_ttl
net.ipv4.fib_multipath_hash_policy net.ipv4.icmp_echo_ignore_all net.ipv4.tcp_ecn net.ipv6.conf.all.accept_redirects
net.ipv6.conf.default.accept_redirects net.ipv6.conf.all.hop_limit net.ipv6.conf.default.hop_limit net.ipv6.fib_multipath_hash_policy`)

func (m *mutator) changeSetting() bool {
	c, _ := m.config()
	if c == nil {
		return false
	}
	value := pick(m.Generator, intstr.FromInt32(0), intstr.FromInt32(1), intstr.FromInt32(2), intstr.FromInt32(3), intstr.FromInt32(7), intstr.FromInt32(255), intstr.FromString("0"), intstr.FromString("007"), intstr.FromString("64"))
	c.Sysctls = append(c.Sysctls, v1alpha1.Sysctl{Name: pick(m.Generator, settingNames...), Value: value})
	return true
}

func (m *mutator) addLoopback() bool {
	c, node := m.config()
	if c == nil {
		return false
	}
	p := netip.MustParsePrefix(pick(m.Generator, append(special, "fe80::9/128", "fe80::a/64", "fe80::b/10")...))
	switch m.IntN(3) {
	case 0:
		p = m.smallPrefix(m.chance(50))
	case 1:
		p = m.known(append(m.neighbours(node), node)...)
		p = netip.PrefixFrom(p.Addr(), pick(m.Generator, lengths[p.Addr().Is6()]...))
	}
	c.Loopbacks = append(c.Loopbacks, p.String())
	return true
}

func (m *mutator) addSwitchAddress() bool {
	if len(m.spec.Switches) == 0 {
		return false
	}
	s := &m.spec.Switches[m.IntN(len(m.spec.Switches))]
	p := m.known(m.neighbours(s.Name)...)
	if m.chance(50) {
		p = netip.PrefixFrom(m.near(p), p.Bits())
	}
	if m.chance(20) {
		p = netip.MustParsePrefix(pick(m.Generator, special...))
	}
	if !p.Addr().IsValid() {
		return false
	}
	s.Forwarding = pick(m.Generator, "", v1alpha1.Enabled)
	if len(s.VLANs) > 0 {
		v := &s.VLANs[m.IntN(len(s.VLANs))]
		v.Addresses = append(v.Addresses, p.String())
		return true
	}
	s.Addresses = append(s.Addresses, p.String())
	return true
}

func (m *mutator) addSubinterface() bool {
	e := m.freeEnd()
	if e == nil || m.Lacks.VLANs {
		return false
	}
	sub := v1alpha1.Subinterface{VLAN: pick(m.Generator, v1alpha1.VLANID(1), 10, 2, 4094), Name: pick(m.Generator, "", "", "fifteen-letters", "v1")}
	for range m.IntN(3) {
		sub.Addresses = append(sub.Addresses, m.smallPrefix(m.chance(50)).String())
	}
	if len(m.spec.Subnets) > 0 && m.chance(40) {
		sub.Subnet = pick(m.Generator, m.spec.Subnets...).Name
	}
	e.Subinterfaces = append(e.Subinterfaces, sub)
	return true
}

// oddNames are names that a program could take for something else.
var oddNames = []string{
	"fifteen-letters", "0", "1e3", "dev", "via", "none", "any", "br0", "eth0", "sit0", "tunl0", "ip6tnl0", "gre0", "x-", "a", "l0", "default", "2001-db8", "off", "netns", "0x1", "scope", "onlink",
}

func (m *mutator) changeName() bool {
	if len(m.spec.Links) == 0 {
		return false
	}
	l := &m.spec.Links[m.IntN(len(m.spec.Links))]
	l.Name = pick(m.Generator, oddNames...)
	return true
}

func (m *mutator) changeInterface() bool {
	e := m.freeEnd()
	if e == nil {
		return false
	}
	e.Interface = pick(m.Generator, oddNames...)
	return true
}

func (m *mutator) cutLink() bool {
	if len(m.spec.Links) == 0 {
		return false
	}
	l := &m.spec.Links[m.IntN(len(m.spec.Links))]
	l.State = pick(m.Generator, v1alpha1.LinkDown, v1alpha1.LinkDown, v1alpha1.LinkUp)
	return true
}

func (m *mutator) changeForwarding() bool {
	if len(m.spec.Routers) == 0 {
		return false
	}
	m.spec.Routers[m.IntN(len(m.spec.Routers))].Forwarding = v1alpha1.Disabled
	return true
}

func (m *mutator) changeNeighbors() bool {
	m.spec.Neighbors = pick(m.Generator, v1alpha1.NeighborsStatic, v1alpha1.NeighborsLearned)
	return true
}

func (m *mutator) changeRouting() bool {
	m.spec.Routing = pick(m.Generator, v1alpha1.RoutingManual, v1alpha1.RoutingAuto)
	return true
}

// addParallel adds a second link between two nodes, with the same prefix or another.
func (m *mutator) addParallel() bool {
	l := m.freeLink()
	if l == nil {
		return false
	}
	twin := *l.DeepCopy()
	twin.Name, twin.Subnet = m.fresh("p"), ""
	for i := range twin.Endpoints {
		e := &twin.Endpoints[i]
		e.Interface, e.MAC, e.Addresses, e.Subinterfaces = "", "", nil, nil
		if m.chance(70) {
			p := m.known(e.Name)
			if a := pick(m.Generator, p.Addr(), p.Addr().Next(), p.Addr().Prev(), lastOf(p)); a.IsValid() {
				e.Addresses = []string{netip.PrefixFrom(a, pick(m.Generator, p.Bits(), p.Bits(), p.Addr().BitLen())).String()}
			}
		}
	}
	m.spec.Links = append(m.spec.Links, twin)
	return true
}

func (m *mutator) changeImpairments() bool {
	if len(m.spec.Links) == 0 {
		return false
	}
	l := &m.spec.Links[m.IntN(len(m.spec.Links))]
	l.Impairment = &v1alpha1.Impairment{Rate: pick(m.Generator, "8bit", "1kbit", "999.5bit", "1Gbit", "1000Gbit", "0.1Gbit", "35Gbit")}
	if !m.Lacks.Netem {
		l.Impairment = &v1alpha1.Impairment{
			Delay: pick(m.Generator, "0s", "1us", "0.5us", "60s", "2.147s"), Jitter: pick(m.Generator, "", "0s", "1us", "2.147s"),
			Loss: pick(m.Generator, "", "0%", "100%", "0.0000001%", "99.99999%"), Duplicate: pick(m.Generator, "", "100%"), Corrupt: pick(m.Generator, "", "0.01%"),
			Reorder: pick(m.Generator, "", "0%", "1%", "100%"), Rate: pick(m.Generator, "", "8bit", "1000Gbit", "35Gbit"),
		}
	}
	return true
}

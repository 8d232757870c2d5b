// SPDX-License-Identifier: Apache-2.0

package state

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Setting is a kernel setting (sysctl). The first are settings of links, and the namespace has each of
// them too: there it is what a new link takes for its own, in most cases that of conf.default.
type Setting uint8

// Settings of a link, and of the namespace for its new links.
const (
	IPv4Forwarding Setting = iota // of the namespace: ip_forward
	RPFilter
	ARPIgnore
	ARPAnnounce
	ProxyARP
	AcceptRedirects
	SendRedirects
	LogMartians
	AcceptSourceRoute
	IPv6Forwarding // of the namespace: conf.all.forwarding
	DisableIPv6    // of the namespace: conf.all.disable_ipv6
	AcceptRA
	AddrGenMode
	AcceptRedirects6
	HopLimit
	linkSettingCount
)

// Settings of a namespace alone.
const (
	AllRPFilter = linkSettingCount + iota
	AllARPIgnore
	AllARPAnnounce
	AllProxyARP
	AllAcceptRedirects
	AllSendRedirects
	AllLogMartians
	AllAcceptSourceRoute
	AllPromoteSecondaries
	IPDefaultTTL
	FIBMultipathHashPolicy
	ICMPEchoIgnoreAll
	TCPECN
	AllAcceptRedirects6
	AllHopLimit
	AllKeepAddrOnDown
	AutoFlowLabels
	FIBMultipathHashPolicy6
	BridgeCallARPTables
	BridgeCallIP6Tables
	BridgeCallIPTables
	settingCount
)

// BridgeSettings let a firewall see what a bridge forwards. A namespace with a bridge has them, a wanted
// one always 0: else rules for routed packets would decide about switched ones. A kernel whose
// br_netfilter is not loaded does not have them, which is as good as 0.
var BridgeSettings = []Setting{BridgeCallARPTables, BridgeCallIP6Tables, BridgeCallIPTables}

// settings says of each where it is below /proc/sys/net, the key of a link's, and the value in a namespace
// that CreateNamespace has made.
var settings = [settingCount]struct {
	path    string
	linkKey string
	initial Value
}{
	IPv4Forwarding:          {"ipv4/ip_forward", "forwarding", Off},
	RPFilter:                {"ipv4/conf/default/rp_filter", "rp_filter", Off},
	ARPIgnore:               {"ipv4/conf/default/arp_ignore", "arp_ignore", Off},
	ARPAnnounce:             {"ipv4/conf/default/arp_announce", "arp_announce", Off},
	ProxyARP:                {"ipv4/conf/default/proxy_arp", "proxy_arp", Off},
	AcceptRedirects:         {"ipv4/conf/default/accept_redirects", "accept_redirects", Off},
	SendRedirects:           {"ipv4/conf/default/send_redirects", "send_redirects", Off},
	LogMartians:             {"ipv4/conf/default/log_martians", "log_martians", Off},
	AcceptSourceRoute:       {"ipv4/conf/default/accept_source_route", "accept_source_route", On},
	IPv6Forwarding:          {"ipv6/conf/all/forwarding", "forwarding", Off},
	DisableIPv6:             {"ipv6/conf/all/disable_ipv6", "disable_ipv6", On},
	AcceptRA:                {"ipv6/conf/default/accept_ra", "accept_ra", Off},
	AddrGenMode:             {"ipv6/conf/default/addr_gen_mode", "addr_gen_mode", On},
	AcceptRedirects6:        {"ipv6/conf/default/accept_redirects", "accept_redirects", Off},
	HopLimit:                {"ipv6/conf/default/hop_limit", "hop_limit", ValueOf(64)},
	AllRPFilter:             {"ipv4/conf/all/rp_filter", "", Off},
	AllARPIgnore:            {"ipv4/conf/all/arp_ignore", "", Off},
	AllARPAnnounce:          {"ipv4/conf/all/arp_announce", "", Off},
	AllProxyARP:             {"ipv4/conf/all/proxy_arp", "", Off},
	AllAcceptRedirects:      {"ipv4/conf/all/accept_redirects", "", Off},
	AllSendRedirects:        {"ipv4/conf/all/send_redirects", "", Off},
	AllLogMartians:          {"ipv4/conf/all/log_martians", "", Off},
	AllAcceptSourceRoute:    {"ipv4/conf/all/accept_source_route", "", Off},
	AllPromoteSecondaries:   {"ipv4/conf/all/promote_secondaries", "", On},
	IPDefaultTTL:            {"ipv4/ip_default_ttl", "", ValueOf(64)},
	FIBMultipathHashPolicy:  {"ipv4/fib_multipath_hash_policy", "", Off},
	ICMPEchoIgnoreAll:       {"ipv4/icmp_echo_ignore_all", "", Off},
	TCPECN:                  {"ipv4/tcp_ecn", "", ValueOf(2)},
	AllAcceptRedirects6:     {"ipv6/conf/all/accept_redirects", "", Off},
	AllHopLimit:             {"ipv6/conf/all/hop_limit", "", ValueOf(64)},
	AllKeepAddrOnDown:       {"ipv6/conf/all/keep_addr_on_down", "", On},
	AutoFlowLabels:          {"ipv6/auto_flowlabels", "", Off},
	FIBMultipathHashPolicy6: {"ipv6/fib_multipath_hash_policy", "", Off},
	BridgeCallARPTables:     {"bridge/bridge-nf-call-arptables", "", Absent},
	BridgeCallIP6Tables:     {"bridge/bridge-nf-call-ip6tables", "", Absent},
	BridgeCallIPTables:      {"bridge/bridge-nf-call-iptables", "", Absent},
}

// InitialWrites are the settings that CreateNamespace writes, in this order. IPv4's are inherited from
// the host, so each that matters is written whatever the host says; ip_forward comes first because
// writing it resets accept_redirects. The others have the value that a kernel gives them. Where a host has
// another, the observation after creating shows it and the next plan writes it.
//
// promote_secondaries and keep_addr_on_down spare two cascades: deleting a primary address
// would delete its secondaries, and setting a link down would drop its IPv6 addresses. Without auto_flowlabels,
// IPv6 packets between two addresses take the same leg of a multipath route as a route lookup: the kernel's flow
// labels come from a secret, and it gives a labelled packet a hash that replaces a router's.
var InitialWrites = []Setting{
	IPv4Forwarding, AllRPFilter, RPFilter, AllAcceptRedirects, AcceptRedirects, AllSendRedirects, SendRedirects, AllPromoteSecondaries,
	DisableIPv6, AllAcceptRedirects6, AcceptRedirects6, AllKeepAddrOnDown, AutoFlowLabels, AcceptRA, AddrGenMode,
}

// Value is the value of a setting. The zero Value is that of a setting which is not there.
type Value int32

// Values are kept so that none but Absent is zero: no setting has the least number there is.
const (
	Absent Value = 0
	Off    Value = math.MinInt32
	On     Value = math.MinInt32 + 1
)

// ValueOf returns a number as a setting's value.
func ValueOf(number int) Value { return Value(int32(number) ^ math.MinInt32) }

// Number is the value; 0 for one that is not there.
func (v Value) Number() int {
	if v == Absent {
		return 0
	}
	return int(int32(v) ^ math.MinInt32)
}

// String is the number; empty for a value that is not there.
func (v Value) String() string {
	if v == Absent {
		return ""
	}
	return strconv.Itoa(v.Number())
}

// LinkSettings are those of a link by Setting. A link has all of them; where its MTU is below MinIPv6MTU,
// those of IPv4. Of lo, only DisableIPv6 is one that a State has.
type LinkSettings [linkSettingCount]Value

// NamespaceSettings are those of a namespace by Setting.
type NamespaceSettings [settingCount]Value

// firstIPv6 is where a link's settings of IPv6 begin.
const firstIPv6 = IPv6Forwarding

// ForLink returns what a new link takes for its own.
func (s *NamespaceSettings) ForLink(mtu int) LinkSettings {
	link := LinkSettings(s[:linkSettingCount])
	if mtu < MinIPv6MTU {
		clear(link[firstIPv6:])
	}
	return link
}

// InitialSettings returns the settings of a namespace that CreateNamespace has made.
func InitialSettings() (initial NamespaceSettings) {
	for s := range settings {
		initial[s] = settings[s].initial
	}
	return initial
}

// LoopbackSettings returns those of lo.
func LoopbackSettings(disableIPv6 Value) LinkSettings { return LinkSettings{DisableIPv6: disableIPv6} }

// SettingKey names a setting of a namespace, or, with Link, of one of its links.
type SettingKey struct {
	Link    string
	Setting Setting
}

// SettingID names a setting on a machine.
type SettingID struct {
	Namespace string
	SettingKey
}

// Namespaces implements Op.
func (id SettingID) Namespaces() []string { return []string{id.Namespace} }

// Path is where the setting is below /proc/sys/net.
func (k SettingKey) Path() string {
	s := settings[k.Setting]
	if k.Link == "" {
		return s.path
	}
	family, _, _ := strings.Cut(s.path, "/")
	return family + "/conf/" + k.Link + "/" + s.linkKey
}

// String is the name with which a description of a lab names the setting.
func (k SettingKey) String() string { return "net." + strings.ReplaceAll(k.Path(), "/", ".") }

func (k SettingKey) compare(o SettingKey) int { return cmp.Compare(k.String(), o.String()) }

// IsIPv6 reports whether only a kernel with IPv6 has the setting.
func (k SettingKey) IsIPv6() bool { return strings.HasPrefix(settings[k.Setting].path, "ipv6/") }

// IsBridge reports whether it is one of BridgeSettings.
func (k SettingKey) IsBridge() bool { return k.Setting >= BridgeCallARPTables }

// SysctlName is how sysctl(8) reads a path below /proc/sys/net, where a dot in the name of a link is a slash.
func SysctlName(path string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, "net/"+path)
}

// NamespaceSettingKeys lists, in order of name, the settings that every namespace has.
func NamespaceSettingKeys() []SettingKey {
	keys := []SettingKey{{Loopback, DisableIPv6}}
	for s := range settingCount {
		if key := (SettingKey{Setting: s}); !key.IsBridge() {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, SettingKey.compare)
	return keys
}

// LinkSettingKeys lists the settings that every link has but lo.
func LinkSettingKeys(link string) []SettingKey {
	keys := make([]SettingKey, linkSettingCount)
	for s := range keys {
		keys[s] = SettingKey{link, Setting(s)}
	}
	return keys
}

// InitialValue is the value of a setting in a namespace that CreateNamespace has made.
func InitialValue(key SettingKey) Value { return settings[key.Setting].initial }

// settingsByName are those of a namespace.
var settingsByName = func() map[string]Setting {
	byName := map[string]Setting{}
	for s := range settingCount {
		byName[SettingKey{Setting: s}.String()] = s
	}
	return byName
}()

// ParseSetting is the inverse of SettingKey.String. The name of a link may have dots.
func ParseSetting(name string) (key SettingKey, ok bool) {
	if s, ok := settingsByName[name]; ok {
		return SettingKey{Setting: s}, true
	}
	for s := range linkSettingCount {
		family, _, _ := strings.Cut(settings[s].path, "/")
		link, ok := strings.CutPrefix(name, "net."+family+".conf.")
		if link, last := strings.CutSuffix(link, "."+settings[s].linkKey); ok && last && link != "all" && link != "default" {
			return SettingKey{link, s}, true
		}
	}
	return SettingKey{}, false
}

// Setting is the value of a setting.
func (n *Namespace) Setting(key SettingKey) Value {
	if key.Link == "" {
		return n.Settings[key.Setting]
	}
	return n.Links[key.Link].Settings[key.Setting]
}

// setSetting does nothing where the link is not there.
func (n *Namespace) setSetting(key SettingKey, value Value) {
	if key.Link == "" {
		n.Settings[key.Setting] = value
		return
	}
	if link, ok := n.Links[key.Link]; ok {
		link.Settings[key.Setting] = value
		n.Links[key.Link] = link
	}
}

// settingKeys lists, in order of name, the settings that are there and match.
func (n *Namespace) settingKeys(match func(SettingKey, Value) bool) []SettingKey {
	var keys []SettingKey
	add := func(link string, values []Value) {
		for s, value := range values {
			if key := (SettingKey{link, Setting(s)}); value != Absent && match(key, value) {
				keys = append(keys, key)
			}
		}
	}
	add("", n.Settings[:])
	for name, link := range n.Links {
		add(name, link.Settings[:])
	}
	slices.SortFunc(keys, SettingKey.compare)
	return keys
}

// SettingKeys lists, in order of name, the settings that are there.
func (n Namespace) SettingKeys() []SettingKey {
	return n.settingKeys(func(SettingKey, Value) bool { return true })
}

// SetSysctl writes a kernel setting in a namespace.
type SetSysctl struct {
	SettingID
	Value Value
}

func (o SetSysctl) String() string {
	options := "-qw"
	if o.IsBridge() {
		options = "-eqw" // not there is as good as 0
	}
	return fmt.Sprintf("ip netns exec %s sysctl %s %s=%s", o.Namespace, options, SysctlName(o.Path()), o.Value)
}

func (o SetSysctl) apply(m machine) {
	have := m.at(o.Namespace).Setting(o.SettingKey)
	if have == Absent && o.IsBridge() {
		return // without a bridge it is nothing that a State holds
	}
	n := m.in(o.Namespace)
	n.setSetting(o.SettingKey, o.Value)
	if have == o.Value {
		return
	}
	switch {
	case o.Setting == DisableIPv6 && o.Link != "":
		if o.Value != Off {
			n.dropIPv6(o.Link)
		}
	case o.Link != "":
	case o.Setting == IPv4Forwarding:
		n.setLinkSettings(IPv4Forwarding, o.Value)
		n.Settings[AllAcceptRedirects] = Off
		if o.Value == Off {
			n.Settings[AllAcceptRedirects] = On
		}
	case o.Setting == IPv6Forwarding:
		n.setLinkSettings(IPv6Forwarding, o.Value)
	case o.Setting == DisableIPv6:
		n.setLinkSettings(DisableIPv6, o.Value)
		n.setSetting(SettingKey{Loopback, DisableIPv6}, o.Value)
		if o.Value != Off {
			n.dropNamespaceIPv6()
		}
	}
}

// setLinkSettings writes a setting of every link that has it.
func (n *Namespace) setLinkSettings(s Setting, value Value) {
	for name, link := range n.Links {
		if link.Settings[s] != Absent && name != Loopback {
			link.Settings[s] = value
			n.Links[name] = link
		}
	}
}

// setBridgeSettings gives a namespace those of its bridges.
func (n *Namespace) setBridgeSettings(value Value) {
	for _, s := range BridgeSettings {
		n.Settings[s] = value
	}
}

func (n *Namespace) dropNamespaceIPv6() {
	for name := range n.Links {
		n.dropIPv6(name)
	}
}

// firstSettings are written before all others, because writing them writes others too.
var firstSettings = []Setting{IPv4Forwarding, IPv6Forwarding, DisableIPv6}

// setNamespaceSettings comes before links are added, which take theirs from the namespace's.
func (d *differ) setNamespaceSettings() {
	d.each(func(p *played) {
		for _, s := range firstSettings {
			if want := p.want.Settings[s]; want != Absent && p.now.Settings[s] != want && d.mayWrite(p, SettingKey{Setting: s}) {
				d.do(SetSysctl{SettingID{p.name, SettingKey{Setting: s}}, want})
			}
		}
		d.setSettings(p, func(key SettingKey) bool { return (key.Link == "" || key.Link == Loopback) && !key.IsBridge() })
	})
}

// mayWrite postpones what makes a node drop packets until none is led to it any more.
func (d *differ) mayWrite(p *played, key SettingKey) bool {
	return d.complete || p.fresh || !key.restricts(p.now.Setting(key), p.want.Setting(key))
}

// restricts reports whether a node drops, or no longer answers, with a value what it did not with the other.
func (k SettingKey) restricts(from, to Value) bool {
	switch k.Setting {
	case IPv4Forwarding, IPv6Forwarding, ProxyARP, AllProxyARP:
		return to.Number() < from.Number()
	case RPFilter, AllRPFilter, ARPIgnore, AllARPIgnore, DisableIPv6, ICMPEchoIgnoreAll:
		return to != Off
	default:
		return false
	}
}

// setLinkSettings comes after bridges are added, and after MTUs that allow IPv6 are set.
func (d *differ) setLinkSettings() {
	d.each(func(p *played) {
		d.setSettings(p, func(SettingKey) bool { return true })
	})
}

func (d *differ) setSettings(p *played, match func(SettingKey) bool) {
	for _, key := range p.differingSettings(match) {
		if (key.Link == "" || d.there(p, key.Link)) && d.mayWrite(p, key) {
			d.do(SetSysctl{SettingID{p.name, key}, p.want.Setting(key)})
		}
	}
}

// differingSettings lists, in order of name, the wanted settings that have another value now.
func (p *played) differingSettings(match func(SettingKey) bool) []SettingKey {
	var keys []SettingKey
	collect := func(link string, now, want []Value) {
		for s, value := range want {
			if key := (SettingKey{link, Setting(s)}); value != Absent && value != now[s] && match(key) {
				keys = append(keys, key)
			}
		}
	}
	collect("", p.now.Settings[:], p.want.Settings[:])
	for name, want := range p.want.Links {
		if now := p.now.Links[name]; now.Settings != want.Settings {
			collect(name, now.Settings[:], want.Settings[:])
		}
	}
	slices.SortFunc(keys, SettingKey.compare)
	return keys
}

func dumpSettings(b *strings.Builder, namespace string, n *Namespace) {
	for _, key := range n.SettingKeys() {
		fmt.Fprintf(b, "sysctl %s %s=%s\n", namespace, key, n.Setting(key))
	}
}

// settingChanges counts the settings that differ.
func (n *Namespace) settingChanges(o *Namespace) int {
	differing := map[SettingKey]bool{}
	for _, pair := range [][2]*Namespace{{n, o}, {o, n}} {
		for _, key := range pair[0].settingKeys(func(k SettingKey, v Value) bool { return pair[1].Setting(k) != v }) {
			differing[key] = true
		}
	}
	return len(differing)
}

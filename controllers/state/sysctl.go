// SPDX-License-Identifier: Apache-2.0

package state

import (
	"maps"
	"slices"
	"strings"
)

// Names of the settings that decide whether a namespace forwards and has IPv6.
const (
	SysctlForwarding     = "net.ipv4.ip_forward"
	SysctlForwarding6    = "net.ipv6.conf.all.forwarding"
	SysctlDisableIPv6    = "net.ipv6.conf.all.disable_ipv6"
	sysctlAllRedirects   = "net.ipv4.conf.all.accept_redirects"
	Disabled, Enabled    = "0", "1"
	conf4Prefix          = "net.ipv4.conf."
	conf6Prefix          = "net.ipv6.conf."
	SysctlLoDisableIPv6  = conf6Prefix + Loopback + ".disable_ipv6"
	DefaultScope         = "default"
	forwardingKey        = "forwarding"
	disableIPv6Key       = "disable_ipv6"
	acceptRAKey          = "accept_ra"
	addrGenModeKey       = "addr_gen_mode"
	SysctlDefaultRA      = conf6Prefix + DefaultScope + "." + acceptRAKey
	SysctlDefaultGenMode = conf6Prefix + DefaultScope + "." + addrGenModeKey
)

// birthWrites are the settings written the moment a namespace is made, in this order.
// IPv4's are inherited from the host, so each that matters is written whatever the host
// says; ip_forward comes first because writing it resets accept_redirects.
//
// promote_secondaries and keep_addr_on_down spare two cascades: deleting a primary address
// would delete its secondaries, and setting a link down would drop its IPv6 addresses.
var birthWrites = []struct{ Name, Value string }{
	{SysctlForwarding, Disabled},
	{"net.ipv4.conf.all.rp_filter", "0"},
	{"net.ipv4.conf.default.rp_filter", "0"},
	{sysctlAllRedirects, "0"},
	{"net.ipv4.conf.default.accept_redirects", "0"},
	{"net.ipv4.conf.all.send_redirects", "0"},
	{"net.ipv4.conf.default.send_redirects", "0"},
	{"net.ipv4.conf.all.promote_secondaries", "1"},
	{SysctlDisableIPv6, Enabled},
	{"net.ipv6.conf.all.accept_redirects", "0"},
	{"net.ipv6.conf.default.accept_redirects", "0"},
	{"net.ipv6.conf.all.keep_addr_on_down", "1"},
	{SysctlDefaultRA, "0"},
	{SysctlDefaultGenMode, "1"},
}

// kernelDefaults are the other settings of the closed list with the values a kernel gives
// a new namespace. Where a host has others, the observation after creating shows it and
// the next plan writes them.
var kernelDefaults = map[string]string{
	"net.ipv4.conf.all.arp_ignore":              "0",
	"net.ipv4.conf.default.arp_ignore":          "0",
	"net.ipv4.conf.all.arp_announce":            "0",
	"net.ipv4.conf.default.arp_announce":        "0",
	"net.ipv4.conf.all.proxy_arp":               "0",
	"net.ipv4.conf.default.proxy_arp":           "0",
	"net.ipv4.conf.all.log_martians":            "0",
	"net.ipv4.conf.default.log_martians":        "0",
	"net.ipv4.conf.all.accept_source_route":     "0",
	"net.ipv4.conf.default.accept_source_route": "1",
	"net.ipv4.ip_default_ttl":                   "64",
	"net.ipv4.fib_multipath_hash_policy":        "0",
	"net.ipv4.icmp_echo_ignore_all":             "0",
	"net.ipv4.tcp_ecn":                          "2",
	SysctlForwarding6:                           "0",
	"net.ipv6.conf.all.hop_limit":               "64",
	"net.ipv6.conf.default.hop_limit":           "64",
	"net.ipv6.fib_multipath_hash_policy":        "0",
}

// InitialSysctls is what a namespace holds right after CreateNamespace.
var InitialSysctls = func() map[string]string {
	born := maps.Clone(kernelDefaults)
	for _, w := range birthWrites {
		born[w.Name] = w.Value
	}
	born[SysctlLoDisableIPv6] = Enabled
	return born
}()

// NamespaceSysctls are the settings that every namespace of a State has a row for, sorted.
var NamespaceSysctls = slices.Sorted(maps.Keys(InitialSysctls))

// BirthSysctls calls write for each setting to be written into a new namespace, in order.
func BirthSysctls(write func(name, value string) error) error {
	for _, w := range birthWrites {
		if err := write(w.Name, w.Value); err != nil {
			return err
		}
	}
	return nil
}

// BornSysctl is the value a setting has in a new namespace.
func BornSysctl(name string) string { return InitialSysctls[name] }

// LinkSysctls4 and LinkSysctls6 are the settings that every link has a row for. A link
// takes them from conf.default when it is made; from then on they are its own.
var (
	LinkSysctls4 = []string{
		forwardingKey, "rp_filter", "arp_ignore", "arp_announce", "proxy_arp",
		"accept_redirects", "send_redirects", "log_martians", "accept_source_route",
	}
	LinkSysctls6 = []string{forwardingKey, disableIPv6Key, acceptRAKey, addrGenModeKey, "accept_redirects", "hop_limit"}
)

// LinkSysctl4 names an IPv4 setting of a link.
func LinkSysctl4(link, key string) string { return conf4Prefix + link + "." + key }

// LinkSysctl6 names an IPv6 setting of a link.
func LinkSysctl6(link, key string) string { return conf6Prefix + link + "." + key }

// bridgeSysctls let a firewall see what a bridge forwards. A namespace with a bridge has a row
// for each, a wanted one always 0: else rules for routed packets would decide about switched
// ones. A kernel whose br_netfilter is not loaded does not have them, which is as good as 0.
var bridgeSysctls = []string{
	"net.bridge.bridge-nf-call-arptables", "net.bridge.bridge-nf-call-ip6tables", "net.bridge.bridge-nf-call-iptables",
}

const bridgeSysctlPrefix = "net.bridge."

// BridgeSysctls are the settings that a namespace with a bridge has a row for.
func BridgeSysctls() []string { return slices.Clone(bridgeSysctls) }

// linkSetting is a setting that every link has, and the namespace's that a new link takes it from.
type linkSetting struct{ prefix, dotKey, source string }

func (s linkSetting) of(link string) string { return s.prefix + link + s.dotKey }

var linkSettings4, linkSettings6 = linkSettings(conf4Prefix, LinkSysctls4), linkSettings(conf6Prefix, LinkSysctls6)

func linkSettings(prefix string, keys []string) []linkSetting {
	list := make([]linkSetting, 0, len(keys))
	for _, key := range keys {
		list = append(list, linkSetting{prefix, "." + key, sourceOfLinkSysctl(prefix, key)})
	}
	return list
}

// sourceOfLinkSysctl is the namespace's setting a new link takes its own from. Writing
// all.forwarding and all.disable_ipv6 also writes conf.default, which has no row.
func sourceOfLinkSysctl(prefix, key string) string {
	switch {
	case prefix == conf4Prefix && key == forwardingKey:
		return SysctlForwarding
	case prefix == conf6Prefix && key == forwardingKey:
		return SysctlForwarding6
	case prefix == conf6Prefix && key == disableIPv6Key:
		return SysctlDisableIPv6
	}
	return prefix + DefaultScope + "." + key
}

// InheritSettings gives a new link the settings it takes from its namespace's. A link whose MTU is
// below MinIPv6MTU has none of IPv6.
func (n Namespace) InheritSettings(link string, mtu int) {
	n.inheritLinkSysctls(link, linkSettings4)
	if mtu >= MinIPv6MTU {
		n.inheritLinkSysctls(link, linkSettings6)
	}
}

// inheritLinkSysctls writes the rows a link has when it is made, or, for IPv6, when its MTU
// allows IPv6 again. Without IPv6 on the link its IPv6 rows do not exist.
func (n Namespace) inheritLinkSysctls(link string, settings []linkSetting) {
	for _, setting := range settings {
		n.Sysctls[setting.of(link)] = n.Sysctls[setting.source]
	}
}

func (n *Namespace) dropLinkSysctls(link string, settings []linkSetting) {
	for _, setting := range settings {
		delete(n.Sysctls, setting.of(link))
	}
}

// linkOfSysctl is the link a setting belongs to; ok is false for those of the namespace.
func linkOfSysctl(name string) (link string, ok bool) {
	rest, ok := strings.CutPrefix(name, conf4Prefix)
	if !ok {
		if rest, ok = strings.CutPrefix(name, conf6Prefix); !ok {
			return "", false
		}
	}
	link = rest[:max(0, strings.LastIndexByte(rest, '.'))] // a link's name may have dots
	return link, link != "all" && link != DefaultScope && link != Loopback
}

// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// reservedSettings are the settings that NetLab keeps to itself.
var reservedSettings = []state.Setting{
	state.IPv4Forwarding, state.IPv6Forwarding, state.DisableIPv6, state.AcceptRA, state.AddrGenMode,
	state.AllPromoteSecondaries, state.AllKeepAddrOnDown,
}

// settable returns the setting with a name if a lab may write it: those that every namespace has, less the reserved.
func settable(name string) (s state.Setting, ok bool) {
	key, ok := state.ParseSetting(name)
	return key.Setting, ok && key.Link == "" && !key.IsBridge() && !slices.Contains(reservedSettings, key.Setting)
}

func (n *network) checkSysctls(x *node) {
	seen := map[string]bool{}
	for i, s := range x.config.Sysctls {
		field := fieldAt(x.field, "sysctls", i)
		if _, ok := settable(s.Name); !ok {
			n.refuse(field+".name", settableFix(s.Name), "sysctl %q is not supported", s.Name)
		}
		if seen[s.Name] {
			n.refuseDuplicate(field+".name", fmt.Sprintf("sysctl %q", s.Name))
		}
		seen[s.Name] = true
		least, most := sysctlRange(s.Name)
		v, err := strconv.Atoi(s.Value.String())
		if err != nil || v < least || v > most {
			n.refuse(field+".value", fmt.Sprintf("write a number from %d to %d", least, most), "%q is not a valid value of %s", s.Value.String(), s.Name)
			continue
		}
		if acts, values := effectiveValue(s.Name, v); acts != v {
			n.warn(field+".value", "write "+values, "%d is no mode of %s: the kernel acts as with %d", v, s.Name, acts)
		}
	}
}

// settings are a node's: the initial ones of every namespace, those for forwarding and IPv6, and
// those of the spec. Later ones override earlier ones.
func (x *node) settings() state.NamespaceSettings {
	settings := state.InitialSettings()
	if x.forwards {
		settings[state.IPv4Forwarding] = state.On
	}
	if x.ipv6 {
		settings[state.DisableIPv6] = state.Off
	}
	if x.ipv6 && x.forwards {
		settings[state.IPv6Forwarding] = state.On
	}
	for _, s := range x.config.Sysctls {
		setting, ok := settable(s.Name)
		if number, err := strconv.Atoi(s.Value.String()); ok && err == nil {
			settings[setting] = state.ValueOf(number)
		}
	}
	if x.sw != nil {
		for _, s := range state.BridgeSettings {
			settings[s] = state.Off
		}
	}
	return settings
}

// sysctlRange is what every kernel takes for a setting (proc_dou8vec_minmax and the like). What it does not
// check, such as rp_filter, is 0 to 255 like the API's.
func sysctlRange(name string) (least, most int) {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "ip_default_ttl", "hop_limit":
		return 1, 255
	case "tcp_ecn":
		return 0, 2
	case "fib_multipath_hash_policy", "auto_flowlabels":
		return 0, 3
	case "icmp_echo_ignore_all":
		return 0, 1
	}
	return 0, 255
}

// effectiveValue is the value by which the kernel acts, and those that differ in their effect. The kernel stores
// any number for some settings.
func effectiveValue(name string, value int) (acts int, values string) {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "rp_filter": // everything but 1 is loose
		return min(value, 2), "0, 1 or 2"
	case "arp_announce":
		if value > 2 {
			return 0, "0, 1 or 2"
		}
	case "arp_ignore":
		if value > 3 && value != 8 {
			return 0, "0, 1, 2, 3 or 8"
		}
	case "proxy_arp", "accept_redirects", "send_redirects", "log_martians", "accept_source_route":
		return min(value, 1), "0 or 1"
	}
	return value, ""
}

func settableFix(name string) string {
	if strings.HasSuffix(name, "forwarding") || name == "net.ipv4.ip_forward" {
		return "write forwarding: Enabled or Disabled at a router or switch"
	}
	return "write one that kubectl explain netlabs.spec.namespaces.sysctls.name lists"
}

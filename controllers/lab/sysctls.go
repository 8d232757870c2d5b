// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/netlab-dev/netlab/controllers/state"
)

// settable is the closed list of settings a lab may name: those every namespace has a row
// for, less those NetLab keeps to itself.
var settable = slices.DeleteFunc(slices.Clone(state.NamespaceSysctls), func(name string) bool {
	switch name {
	case state.SysctlForwarding, state.SysctlForwarding6, state.SysctlDisableIPv6, state.SysctlLoDisableIPv6, state.SysctlDefaultRA, state.SysctlDefaultGenMode,
		"net.ipv4.conf.all.promote_secondaries", "net.ipv6.conf.all.keep_addr_on_down":
		return true
	}
	return false
})

func (n *network) checkSysctls(x *node) {
	seen := map[string]bool{}
	for i, s := range x.config.Sysctls {
		field := fieldAt(x.field+".sysctls", i)
		if !slices.Contains(settable, s.Name) {
			n.refuse(field+".name", settableFix(s.Name), "sysctl %q is not supported", s.Name)
		}
		if seen[s.Name] {
			n.refuseDuplicate(field+".name", fmt.Sprintf("sysctl %q", s.Name))
		}
		seen[s.Name] = true
		least, most := sysctlRange(s.Name)
		if v, err := strconv.Atoi(s.Value.String()); err != nil || v < least || v > most {
			n.refuse(field+".value", fmt.Sprintf("write a number from %d to %d", least, most), "%q is not a valid value of %s", s.Value.String(), s.Name)
		}
	}
}

// sysctlRange is what every kernel takes for a setting (proc_dou8vec_minmax and the like). What it does not
// check, such as rp_filter, is 0 to 255 like the API's.
func sysctlRange(name string) (least, most int) {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "ip_default_ttl", "hop_limit":
		return 1, 255
	case "tcp_ecn":
		return 0, 2
	case "fib_multipath_hash_policy":
		return 0, 3
	case "icmp_echo_ignore_all":
		return 0, 1
	}
	return 0, 255
}

func settableFix(name string) string {
	if strings.HasSuffix(name, "forwarding") || name == state.SysctlForwarding {
		return "write forwarding: Enabled or Disabled at a router or switch"
	}
	return "write one that kubectl explain netlabs.spec.namespaces.sysctls.name lists"
}

// sysctls sets a node's settings: the initial ones of every namespace, those for forwarding and IPv6, and
// those of the spec. Later ones override earlier ones.
func (x *node) sysctls(set func(name, value string)) {
	for name, value := range state.InitialSysctls {
		set(name, value)
	}
	if x.forwards {
		set(state.SysctlForwarding, state.Enabled)
	}
	if x.ipv6 {
		set(state.SysctlDisableIPv6, state.Disabled)
		set(state.SysctlLoDisableIPv6, state.Disabled)
	}
	if x.ipv6 && x.forwards {
		set(state.SysctlForwarding6, state.Enabled)
	}
	for _, s := range x.config.Sysctls {
		set(s.Name, canonicalNumber(s.Value.String()))
	}
}

// canonicalNumber is a number as the kernel prints it: 064 is 64.
func canonicalNumber(text string) string {
	if v, err := strconv.Atoi(text); err == nil {
		return strconv.Itoa(v)
	}
	return text
}

// SPDX-License-Identifier: Apache-2.0

package state_test

import (
	"math"
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// What a setting is called says which it is, however its link is called.
func TestNamesOfSettingsAreReadBack(t *testing.T) {
	keys := state.NamespaceSettingKeys()
	for _, link := range []string{"eth0", "eth0.10", "a.rp_filter", "defaults"} {
		keys = append(keys, state.LinkSettingKeys(link)...)
	}
	for _, s := range state.BridgeSettings {
		keys = append(keys, state.SettingKey{Setting: s})
	}
	seen := map[string]bool{}
	for _, key := range keys {
		if back, ok := state.ParseSetting(key.String()); !ok || back != key || seen[key.String()] {
			t.Errorf("%s (%+v) is read as %+v, %t; another one: %t", key, key, back, ok, seen[key.String()])
		}
		seen[key.String()] = true
	}
	for _, name := range []string{"", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.default.disable_ipv6", "net.ipv4.conf.eth0.hop_limit", "kernel.panic"} {
		if key, ok := state.ParseSetting(name); ok {
			t.Errorf("%q is read as %s", name, key)
		}
	}
}

func TestPathsOfSettingsAreTheKernels(t *testing.T) {
	for key, path := range map[state.SettingKey]string{
		{Setting: state.IPv4Forwarding}:                 "ipv4/ip_forward",
		{Setting: state.RPFilter}:                       "ipv4/conf/default/rp_filter",
		{Setting: state.AllRPFilter}:                    "ipv4/conf/all/rp_filter",
		{Link: "eth0.10", Setting: state.RPFilter}:      "ipv4/conf/eth0.10/rp_filter",
		{Link: "eth0", Setting: state.IPv6Forwarding}:   "ipv6/conf/eth0/forwarding",
		{Link: "lo", Setting: state.DisableIPv6}:        "ipv6/conf/lo/disable_ipv6",
		{Setting: state.BridgeCallIPTables}:             "bridge/bridge-nf-call-iptables",
		{Link: "eth0", Setting: state.AcceptRedirects6}: "ipv6/conf/eth0/accept_redirects",
	} {
		if got := key.Path(); got != path {
			t.Errorf("%+v is at %s, want %s", key, got, path)
		}
	}
}

func TestOnlyAnAbsentValueIsZero(t *testing.T) {
	if state.ValueOf(0) != state.Off || state.ValueOf(1) != state.On || state.Absent.String() != "" {
		t.Errorf("0 is %v, 1 is %v, an absent value %q", state.ValueOf(0), state.ValueOf(1), state.Absent)
	}
	for _, number := range []int{0, 1, -1, 64, math.MaxInt32, math.MinInt32 + 1} {
		if v := state.ValueOf(number); v == state.Absent || v.Number() != number {
			t.Errorf("%d is kept as %d", number, v.Number())
		}
	}
}

// A new link has every setting, or every one of IPv4.
func TestSettingsOfANewLink(t *testing.T) {
	initial := state.InitialSettings()
	all, few := initial.ForLink(state.MinIPv6MTU), initial.ForLink(state.MinIPv6MTU-1)
	for _, key := range state.LinkSettingKeys("l") {
		if all[key.Setting] != state.InitialValue(key) || (few[key.Setting] == state.Absent) != key.IsIPv6() {
			t.Errorf("%s is %s, and with a small MTU %s", key, all[key.Setting], few[key.Setting])
		}
	}
}

func TestInitialWritesBeginWithWhatWritesOthers(t *testing.T) {
	if state.InitialWrites[0] != state.IPv4Forwarding || slices.Contains(state.InitialWrites, state.IPv6Forwarding) {
		t.Errorf("%v", state.InitialWrites)
	}
}

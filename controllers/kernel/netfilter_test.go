// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// NAT is found where a chain has a rule, in nftables and in the older iptables, with the command that removes it.
func TestNATIsFoundWhereItHasRules(t *testing.T) {
	for name, c := range map[string]struct {
		do   string
		want state.NAT
	}{
		"no rule of iptables":       {`iptables-legacy -t nat -L`, state.NAT{}},
		"sources by iptables":       {`iptables-legacy -t nat -A POSTROUTING -j MASQUERADE`, state.NAT{IPv4: true, After: true}},
		"destinations by ip6tables": {`ip6tables-legacy -t nat -A PREROUTING -j DNAT --to-destination fd00::9`, state.NAT{IPv6: true, Before: true}},
		"a chain without rules": {`nft 'add table inet n; add chain inet n c { type nat hook postrouting priority 100; }'`,
			state.NAT{}},
		"both families by nftables": {`nft 'add table inet n; add chain inet n c { type nat hook output priority -100; }; add rule inet n c redirect'`,
			state.NAT{IPv4: true, IPv6: true, Sent: true}},
		"a filter by nftables": {`nft 'add table ip n; add chain ip n c { type filter hook postrouting priority 100; }; add rule ip n c accept'`,
			state.NAT{}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, Options{})
			converge(t, k, everythingLab())
			sh(t, "ip netns exec "+ns1+" "+c.do)
			found := natIn(t, k)
			if found.NAT != c.want {
				t.Fatalf("%+v, want %+v", found, c.want)
			}
			if c.want != (state.NAT{}) {
				sh(t, found.Look)
				sh(t, found.Undo)
				if left := natIn(t, k); left.NAT != (state.NAT{}) {
					t.Errorf("after %s: %+v", found.Undo, left)
				}
			}
		})
	}
}

func natIn(t *testing.T, k *Kernel) state.Unmanaged {
	t.Helper()
	found, err := k.Unmanaged(t.Context(), ns1)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(found, func(u state.Unmanaged) bool { return u.NAT != (state.NAT{}) }); i >= 0 {
		return found[i]
	}
	return state.Unmanaged{}
}

func TestConnectionTrackingTellsTranslations(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, everythingLab())
	if none, err := k.Translations(t.Context(), ns1); err != nil || len(none) > 0 {
		t.Fatalf("%+v, %v", none, err)
	}
	sh(t, "ip netns exec "+ns1+" iptables-legacy -t nat -A OUTPUT -d 198.51.100.1 -j DNAT --to-destination 192.0.2.254")
	sh(t, "ip netns exec "+ns1+" ping -c1 -W5 198.51.100.1")
	original := state.AddressPair{Source: netip.MustParseAddr("192.0.2.1"), Destination: netip.MustParseAddr("198.51.100.1")}
	want := state.Translation{Original: original, Translated: state.AddressPair{Source: original.Source, Destination: netip.MustParseAddr("192.0.2.254")}}
	if found, err := k.Translations(t.Context(), ns1); err != nil || !slices.Equal(found, []state.Translation{want}) {
		t.Errorf("%+v, %v, want %+v", found, err, want)
	}
}

// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"slices"
	"testing"

	"github.com/netlab-dev/netlab/controllers/state"
)

// Settings that no lab can have are found by comparison with a new namespace, and their commands take them back. A
// router, IPv6's MTU and a setting that a lab can have are no changes.
func TestChangedSettingsAreFound(t *testing.T) {
	k := newKernel(t, Options{})
	converge(t, k, tutorialLab())
	mustHaveChanged(t, k, router)
	sh(t, shorthand+`ip netns exec $r sysctl -qw net.ipv4.neigh.l1.app_solicit=7 net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.l1.rp_filter=2
		ip netns exec $r sysctl -qw net.ipv6.conf.l2.mtu=1400 net.ipv4.tcp_sack=0 net.ipv6.neigh.l1.mcast_solicit=0`)
	mustHaveChanged(t, k, router,
		"net.ipv4.conf.all.route_localnet is 1 (0 in a new namespace)",
		"net.ipv4.neigh.l1.app_solicit is 7 (0 in a new namespace)",
		"net.ipv6.neigh.l1.mcast_solicit is 0 (3 in a new namespace)",
		"net.ipv6.conf.l2.mtu is 1400 (1500 in a new namespace)")
	for _, changed := range changedIn(t, k, router) {
		sh(t, changed.Look)
		sh(t, changed.Undo)
	}
	mustHaveChanged(t, k, router)
}

func changedIn(t *testing.T, k *Kernel, namespace string) []state.Unmanaged {
	t.Helper()
	found, err := k.ChangedSettings(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func mustHaveChanged(t *testing.T, k *Kernel, namespace string, want ...string) {
	t.Helper()
	var found []string
	for _, changed := range changedIn(t, k, namespace) {
		found = append(found, changed.What)
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

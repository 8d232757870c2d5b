// SPDX-License-Identifier: Apache-2.0

//go:build fullkernel

package kernel

import (
	"slices"
	"testing"
)

// The kernel has the modules of tunnels loaded (test.sh tunnels). Of their links, those that people made are told.
func TestOnlyTunnelsThatSomebodyMadeAreUnmanaged(t *testing.T) {
	k, want := newKernel(t, Options{}), tutorialLab()
	converge(t, k, want)
	for _, name := range []string{"sit0", "gre0", "gretap0", "erspan0", "tunl0", "ip6tnl0", "ip6gre0", "ip_vti0", "ip6_vti0"} {
		sh(t, "ip -n "+ns1+" link show "+name)
	}
	if told := observe(t, k, want).Unmanaged; len(told) != 0 {
		t.Errorf("of the kernel's own it says %q", told)
	}
	sh(t, "ip -n "+ns1+" link add theirs type gre local 192.0.2.1 remote 192.0.2.254")
	sh(t, "ip -n "+ns1+" link add keyed type gretap key 7")
	sh(t, "ip -n "+ns1+" link set tunl0 up")
	expected := []string{ns1 + ": link keyed (gretap)", ns1 + ": link theirs (gre)", ns1 + ": link tunl0 (ipip)"}
	if told := observe(t, k, want).Unmanaged; !slices.Equal(told, expected) {
		t.Errorf("it says %q, want %q", told, expected)
	}
}

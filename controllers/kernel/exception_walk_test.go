// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/netlab-dev/netlab/controllers/converge"
)

const narrowLab = `
namespaces: [{name: h1}, {name: h2}]
routers: [{name: r1}, {name: r2}]
subnets:
- {name: left, cidrs: [10.1.0.0/24, "fd00:1::/64"]}
- {name: mid, cidrs: [10.2.0.0/24, "fd00:2::/64"]}
- {name: right, cidrs: [10.3.0.0/24, "fd00:3::/64"]}
links:
- {name: l1, subnet: left, endpoints: [{name: h1}, {name: r1}]}
- {name: mid, subnet: mid, mtu: 1300, endpoints: [{name: r1}, {name: r2}]}
- {name: l2, subnet: right, endpoints: [{name: r2}, {name: h2}]}
`

// A sender that a router told of a small link two hops away goes by that for ten minutes. After an edit that makes
// the link larger, a large packet goes through at once, in both families.
func TestLargePacketsPassAsSoonAsALinkIsLargeEnough(t *testing.T) {
	e := &editor{k: newMachine(t)}
	narrow, wide := narrowSpec(t, "mtu: 1300"), narrowSpec(t, "mtu: 1500")
	const large = "ip netns exec default.walk.h1 ping -c1 -W2 -M do -s 1400 "
	for _, s := range []struct {
		spec  *spec
		large string
	}{{narrow, "! "}, {wide, ""}, {narrow, "! "}, {narrowSpec(t, "mtu: 1400"), "! "}, {wide, ""}} {
		e.become(t, s.spec)
		for _, address := range []string{"10.3.0.1", "fd00:3::1"} {
			sh(t, "ip netns exec default.walk.h1 ping -c1 -W5 "+address)
			for range 2 { // the first is lost on the way, what the sender knows refuses the second
				sh(t, s.large+large+address)
			}
		}
	}
	if _, err := converge.Remove(t.Context(), e.k, walkLab); err != nil {
		t.Error(err)
	}
}

func narrowSpec(t *testing.T, mtu string) *spec {
	t.Helper()
	var s spec
	if err := yaml.UnmarshalStrict([]byte(strings.Replace(narrowLab, "mtu: 1300", mtu, 1)), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// redirectLab is a host whose router r1 reaches a far host through r2 on the same LAN, and tells the host so. IPv6 knows
// redirects only to and from link-local addresses.
const redirectLab = `
routing: Manual
namespaces:
- name: h
  routes: [{to: default, via: 10.1.0.1}, {to: default, via: "fe80::1", link: h}]
  sysctls: [{name: net.ipv4.conf.all.accept_redirects, value: "1"}, {name: net.ipv4.conf.default.accept_redirects, value: "1"}, {name: net.ipv6.conf.default.accept_redirects, value: "1"}]
- {name: far, routes: [{to: 10.1.0.0/24, via: 10.9.0.2}, {to: "fd00:1::/64", via: "fd00:9::2"}]}
routers:
- name: r1
  routes: [{to: 10.9.0.0/24, via: 10.1.0.2}, {to: "fd00:9::/64", via: "fe80::2", link: r1}]
  sysctls: [{name: net.ipv4.conf.all.send_redirects, value: "1"}, {name: net.ipv4.conf.default.send_redirects, value: "1"}]
- {name: r2}
- {name: r3}
switches: [{name: sw, subnet: lan}, {name: back, subnet: back}]
subnets: [{name: lan, cidrs: [10.1.0.0/24, "fd00:1::/64"]}, {name: back, cidrs: [10.9.0.0/24, "fd00:9::/64"]}]
links:
- {name: h, endpoints: [{name: h, addresses: [10.1.0.9/24, "fd00:1::9/64"]}, {name: sw}]}
- {name: r1, endpoints: [{name: r1, addresses: [10.1.0.1/24, "fd00:1::1/64", "fe80::1/64"]}, {name: sw}]}
- {name: r2, endpoints: [{name: r2, addresses: [10.1.0.2/24, "fd00:1::2/64", "fe80::2/64"]}, {name: sw}]}
- {name: r3, endpoints: [{name: r3, addresses: [10.1.0.3/24, "fd00:1::3/64", "fe80::3/64"]}, {name: sw}]}
- {name: b2, endpoints: [{name: r2, addresses: [10.9.0.2/24, "fd00:9::2/64"]}, {name: back}]}
- {name: b3, endpoints: [{name: r3, addresses: [10.9.0.3/24, "fd00:9::3/64"]}, {name: back}]}
- {name: far, endpoints: [{name: far, addresses: [10.9.0.9/24, "fd00:9::9/64"]}, {name: back}]}
`

// A host that was told of r2 goes by that for five minutes. After an edit that takes r2's way away, its packets go by
// r3 at once.
func TestRedirectsAreForgottenWhenNextHopsMove(t *testing.T) {
	e := &editor{k: newMachine(t)}
	e.become(t, specOf(t, redirectLab))
	const ask = "ip netns exec default.walk.h ping -c1 -W5 "
	sh(t, ask+"10.1.0.2") // the kernel learns no redirect to a neighbour that it does not know
	for _, address := range []string{"10.9.0.9", "fd00:9::9"} {
		sh(t, ask+address+" && "+ask+address) // the first is redirected, the second goes by the redirect
		sh(t, "ip -n default.walk.h route get "+address+" | grep -E 'via (10.1.0.2|fe80::2) '")
	}
	e.become(t, specOf(t, redirectLab, "to: 10.9.0.0/24, via: 10.1.0.2", "to: 10.9.0.0/24, via: 10.1.0.3",
		`via: "fe80::2"`, `via: "fe80::3"`,
		"via: 10.9.0.2}", "via: 10.9.0.3}", `via: "fd00:9::2"}`, `via: "fd00:9::3"}`, "- {name: r2}", "- {name: r2, forwarding: Disabled}"))
	for _, address := range []string{"10.9.0.9", "fd00:9::9"} {
		sh(t, ask+address)
	}
	if _, err := converge.Remove(t.Context(), e.k, walkLab); err != nil {
		t.Error(err)
	}
}

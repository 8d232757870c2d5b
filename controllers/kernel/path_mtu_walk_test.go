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
